mv coins/money.py /tmp/money.py
mkdir coins/money.py
mv /tmp/money.py coins/money.py/money.py
