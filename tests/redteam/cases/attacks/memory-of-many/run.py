import os
import time

print("tried", flush=True)
read, write = os.pipe()
for _ in range(10):
    if os.fork() == 0:
        data = bytearray(170 << 20)
        for n in range(0, len(data), 4096):
            data[n] = 1
        os.write(write, b"+")
        time.sleep(4)
        os._exit(0)
os.close(write)
had = b""
while len(had) < 10 and (more := os.read(read, 10)):
    had += more
print("LANDED: ten had 1700 MiB" if len(had) == 10 else "")
