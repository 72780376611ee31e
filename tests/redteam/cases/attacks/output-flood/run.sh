head -c 1000000000000 /dev/zero &
yes "flood" >&2
