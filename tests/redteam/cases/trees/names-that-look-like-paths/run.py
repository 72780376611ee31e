import os

for folder in ("~", "C:", "coins/. "):
    os.mkdir(folder)
for name in ("...", "..\\..\\etc\\passwd", "..%2f..%2fetc%2fpasswd", "~/x", "C:/x", "coins/..money.py", " ", "coins/. /x", "nul", "@file"):
    with open(name, "w") as file:
        file.write("x")
