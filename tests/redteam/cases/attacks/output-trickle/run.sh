while true; do printf .; sleep 0.05; done
