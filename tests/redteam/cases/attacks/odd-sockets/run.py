import socket

print("tried")
for family in range(64):
    if family in (1, 2, 10):
        continue
    for kind in (1, 2, 3, 5):
        for protocol in (0, 15):
            try:
                socket.socket(family, kind, protocol)
                print("LANDED: family", family, "kind", kind)
            except OSError:
                pass
for family, kind in ((2, 3), (10, 3)):
    try:
        socket.socket(family, kind, 1)
        print("LANDED: raw", family)
    except OSError:
        pass
