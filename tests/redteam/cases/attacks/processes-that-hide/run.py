import ctypes
import os
import time

print("tried", flush=True)
for n in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            libc = ctypes.CDLL(None)
            libc.prctl(4, 0, 0, 0, 0)
            libc.prctl(15, b"kworker/0:1", 0, 0, 0)
            os.closerange(0, 1024)
            time.sleep(1)
            open("/workspace/late", "w").close()
            time.sleep(60)
        os._exit(0)
