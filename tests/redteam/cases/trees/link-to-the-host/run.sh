ln -sf "$1" coins/money.py
ln -s "$1" coins/secret.py
