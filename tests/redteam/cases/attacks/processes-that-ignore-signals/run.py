import os
import signal
import time

print("tried", flush=True)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            break
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
if os.getppid() == 1:
    os.closerange(0, 1024)
while True:
    time.sleep(60)
