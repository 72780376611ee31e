import os

for _ in range(600):
    os.mkdir("\u00e9" * 100)
    os.chdir("\u00e9" * 100)
    with open("x.py", "w") as file:
        file.write("x")
