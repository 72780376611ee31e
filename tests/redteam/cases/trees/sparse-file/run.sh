truncate -s 200M coins/big.py
truncate -s 200M big
