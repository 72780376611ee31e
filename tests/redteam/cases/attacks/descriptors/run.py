import os
import stat

print("tried")
for handle in range(3, 4096):
    try:
        kind = os.fstat(handle).st_mode
    except OSError:
        continue
    print("LANDED: descriptor", handle, oct(kind))
for handle in range(3):
    if stat.S_ISSOCK(os.fstat(handle).st_mode):
        print("LANDED: a socket at", handle)
