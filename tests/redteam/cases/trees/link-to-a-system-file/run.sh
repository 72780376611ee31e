ln -sf /etc/passwd coins/money.py
ln -s ../../etc/passwd coins/users.py
