import ctypes
import os

print("tried")
for name, act in {
    "setuid": lambda: os.setuid(0), "setgid": lambda: os.setgid(0), "setgroups": lambda: os.setgroups([0]),
    "setresuid": lambda: os.setresuid(0, 0, 0), "setreuid": lambda: os.setreuid(0, 1000), "chown": lambda: os.chown("README.md", 0, 0),
    "another user": lambda: os.setuid(1001), "giving away": lambda: os.chown("README.md", 1001, 1001),
}.items():
    try:
        act()
        print("LANDED:", name)
    except OSError:
        pass
libc = ctypes.CDLL(None)
libc.prctl(38, 0, 0, 0, 0)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
if status["NoNewPrivs"].strip() != "1" or any(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")):
    print("LANDED: rights")
for capability in range(41):
    if libc.prctl(47, 2, capability, 0, 0) == 0:
        print("LANDED: ambient", capability)
