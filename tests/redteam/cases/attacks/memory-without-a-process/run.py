import ctypes
import os

print("tried", flush=True)
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for n in range(8):
    piece = libc.shmget(0, 100 << 20, 0o1600)
    place = libc.shmat(piece, None, 0)
    ctypes.memset(ctypes.c_void_p(place), 1, 100 << 20)
    libc.shmdt(ctypes.c_void_p(place))
    handle = os.memfd_create("x")
    for _ in range(100):
        os.write(handle, bytes(1 << 20))
print("LANDED: had 1600 MiB")
