rm coins/money.py
mkfifo coins/money.py
