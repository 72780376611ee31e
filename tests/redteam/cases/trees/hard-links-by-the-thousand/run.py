import os

os.mkdir("big")
with open("big/0", "wb") as file:
    file.write(bytes(1 << 20))
for n in range(1, 20_000):
    os.link("big/0", f"big/{n}")
