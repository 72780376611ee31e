echo "x = 1" > coins/twin.py
ln coins/twin.py tests/test_twin.py
ln -f coins/money.py tests/test_sums.py
for n in $(seq 300); do ln coins/money.py coins/money$n.py || exit 1; done
