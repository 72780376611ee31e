import os

for _ in range(3):
    os.mkdir("\x01" * 250)
    os.chdir("\x01" * 250)
try:
    for n in range(15_000):
        open("\x02" * 200 + f"{n:06}", "w").close()
except OSError:
    pass
