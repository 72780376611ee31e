import os
import socket

print("tried")
for path in ("pipe", "README.md", "coins/money.py", "/tmp/pipe"):
    if os.path.exists(path):
        os.unlink(path)
    os.mkfifo(path)
socket.socket(socket.AF_UNIX).bind("socket")
os.symlink("/dev/zero", "zero")
os.symlink("/proc/self/fd/0", "gone")
