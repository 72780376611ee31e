import os
import resource
import signal
import subprocess

print("tried")
for name in ("NOFILE", "FSIZE", "CORE", "MEMLOCK", "NPROC", "RTPRIO", "NICE", "MSGQUEUE"):
    kind = getattr(resource, f"RLIMIT_{name}", None)
    hard = resource.getrlimit(kind)[1] if kind is not None else resource.RLIM_INFINITY
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            print("LANDED: raised", name)
        except (OSError, ValueError):
            pass
if os.fork() == 0:
    os.kill(os.getpid(), signal.SIGABRT)
os.wait()
print(*("LANDED: " + name for name in os.listdir() if name.startswith("core")))
