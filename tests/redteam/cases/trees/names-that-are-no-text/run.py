import os

os.mkdir(b"\x80\x81")
for name in (b"coins/\xff.py", b"\x80\x81/x.py", b"coins/half\xe2\x82.py"):
    with open(name, "w") as file:
        file.write("x")
