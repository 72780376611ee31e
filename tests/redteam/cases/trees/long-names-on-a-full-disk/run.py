import os

for place in (".", "/tmp", "/dev/shm"):
    try:
        for n in range(15):
            with open(f"{place}/fill{n}", "wb", buffering=0) as file:
                file.write(os.urandom(4 << 20))
    except OSError:
        os.unlink(f"{place}/fill{n}")
for _ in range(3):
    os.mkdir("z" * 250)
    os.chdir("z" * 250)
try:
    for n in range(15_000):
        open("\x02" * 200 + f"{n:06}", "w").close()
except OSError:
    pass
