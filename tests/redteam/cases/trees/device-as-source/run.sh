mknod coins/zero.py c 1 5
mknod coins/gone.py c 0 0
mknod coins/disk.py b 8 0
cp -a /dev/zero coins/copied.py
exit 0
