import ctypes
import os
import signal
import time

print("tried", flush=True)
for n in range(20):
    if os.fork() == 0:
        ctypes.CDLL(None).ptrace(0, 0, 0, 0)
        if n % 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
time.sleep(60)
