import os

for _ in range(500):
    os.mkdir("a")
    os.chdir("a")
try:
    for n in range(40_000):
        open(f"{n}.py", "w").close()
except OSError:
    pass
