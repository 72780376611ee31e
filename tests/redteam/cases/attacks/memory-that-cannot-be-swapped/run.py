import ctypes

libc = ctypes.CDLL(None, use_errno=True)
size = 16 << 20
data = ctypes.create_string_buffer(size)
print("tried", "LANDED: locked 16 MiB" if libc.mlock(data, ctypes.c_size_t(size)) == 0 else "")
