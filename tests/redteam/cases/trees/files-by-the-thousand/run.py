import os

os.mkdir("many")
try:
    for n in range(40_000):
        with open(f"many/{n}.py", "w") as file:
            file.write(str(n)) if n % 100 == 0 else None
except OSError:
    pass
