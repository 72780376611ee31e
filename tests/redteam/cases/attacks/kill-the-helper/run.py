import ctypes
import os
import signal

print("tried", flush=True)
mine = [signal.signal(n, signal.SIG_IGN) for n in range(1, signal.NSIG) if n not in (9, 19, 32, 33)]
libc = ctypes.CDLL(None)
for number in range(1, signal.NSIG):
    for victim in (1, os.getppid(), 0, -1):
        if number in (9, 19) and victim in (0, -1):
            continue
        try:
            os.kill(victim, number)
        except OSError:
            pass
try:
    signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGKILL)
except OSError:
    pass
for victim in range(2, 33_000):
    if victim != os.getpid():
        try:
            os.kill(victim, signal.SIGKILL)
        except OSError:
            pass
os.kill(-1, signal.SIGKILL)
