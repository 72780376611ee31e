import os

os.mkdir(".journeyman-1-1")
for name in (".journeyman-1-1/x", ".journeyman-deep-1-2"):
    with open(name, "w") as file:
        file.write("x")
os.symlink("/etc", ".journeyman-deep-1-1")
for _ in range(6):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
