for n in $(seq 6); do truncate -s $((62914560 + n)) sparse$n; done
