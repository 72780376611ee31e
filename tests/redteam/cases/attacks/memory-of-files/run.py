import os
import time

print("tried", flush=True)
for folder in (".", "/tmp", "/dev/shm"):
    try:
        for n in range(40):
            with open(f"{folder}/fill{n}", "wb", buffering=0) as file:
                file.write(bytes(4 << 20))
    except OSError:
        continue
data = [bytearray(b"x" * (8 << 20)) for _ in range(90)]
print("LANDED: had 720 MiB beside the files")
