import fcntl
import os

print("tried")
for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1", "/dev/pts/0"):
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        continue
    print("LANDED: opened", path)
for handle in range(3):
    for request in (0x5412, 0x541C, 0x540E):
        try:
            fcntl.ioctl(handle, request, b"x")
            print("LANDED: typed", hex(request))
        except OSError:
            pass
