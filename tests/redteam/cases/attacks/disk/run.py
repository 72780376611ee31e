import os

print("tried")
total = 0
for folder in (".", "/tmp", "/dev/shm", "/var/tmp", "/run", "/dev", "/dev/mqueue"):
    try:
        for n in range(60):
            with open(f"{folder}/fill{n}", "wb", buffering=0) as file:
                for _ in range(4):
                    total += file.write(bytes(1 << 20))
    except OSError:
        continue
print("LANDED: wrote" if total > 100 << 20 else "", total >> 20, "MiB")
