import os

for n in range(20_000):
    os.mkdir(f"folder{n}")
for n in range(2_000):
    os.symlink("coins", f"link{n}")
