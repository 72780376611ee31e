print("tried")
total = 0
for folder in (".", "/tmp", "/dev/shm"):
    try:
        for n in range(60_000):
            open(f"{folder}/fill{n}", "w").close()
            total += 1
    except OSError:
        continue
print("LANDED:" if total > 52_000 else "", total, "files")
