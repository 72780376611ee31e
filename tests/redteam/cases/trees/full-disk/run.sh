for place in /tmp /dev/shm .; do
    for n in $(seq 20); do head -c 4000000 /dev/urandom > $place/fill$n || break; done
done 2> /dev/null
exit 0
