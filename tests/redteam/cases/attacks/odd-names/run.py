import os

print("tried")
for folder in (b".", b"/tmp", b"/tmp/home", b"/dev/shm"):
    for name in (b"a\nb", b"\xff\xfe", b"\x1b[2J", b"-rf", b"*", b"..."):
        open(folder + b"/" + name, "w").close()
os.makedirs(b"\xff/\xfe/\n", exist_ok=True)
