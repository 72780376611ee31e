echo x > coins/shut.py
chmod 000 coins/money.py coins/shut.py tests/test_coins.py
chmod 222 README.md
