import os

os.mkdir("/tmp/many")
os.mkdir("many")
for place in ("/tmp/many", "many"):
    try:
        for n in range(60_000):
            os.mkdir(f"{place}/{n}", 0o100)
    except OSError:
        continue
