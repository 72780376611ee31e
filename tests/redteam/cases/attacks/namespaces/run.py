import ctypes
import os

print("tried", flush=True)
libc = ctypes.CDLL(None, use_errno=True)
kinds = (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x4000000, 0x8000000, 0x2000000, 0x80)
clone, clone3 = {"x86_64": (56, 435), "aarch64": (220, 435)}[os.uname().machine]
for kind in (*kinds, 0x10020000):
    if libc.unshare(kind) == 0:
        print("LANDED: unshare", hex(kind))
    child = libc.syscall(clone, kind | 17, 0, 0, 0, 0) if kind > 0xFF else -1  # the lowest byte is a signal here
    if child == 0:
        os._exit(0)
    if child > 0:
        print("LANDED: clone", hex(kind))
    arguments = (ctypes.c_uint64 * 11)(kind, 0, 0, 0, 17)
    child = libc.syscall(clone3, arguments, 88)
    if child == 0:
        os._exit(0)
    if child > 0:
        print("LANDED: clone3", hex(kind))
for name in ("user", "mnt", "net", "pid", "ipc", "uts"):
    if libc.setns(os.open(f"/proc/self/ns/{name}", os.O_RDONLY), 0) == 0:
        print("LANDED: setns", name)
