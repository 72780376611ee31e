import os

for _ in range(300):
    os.mkdir("deep")
    os.chdir("deep")
with open("x.py", "w") as file:
    file.write("x")
