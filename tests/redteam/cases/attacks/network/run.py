import socket
import sys

print("tried")
port = int(sys.argv[2])
for family, address in (
    (socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port)), (socket.AF_INET, ("172.17.0.1", port)),
    (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET, ("192.0.2.1", 80)),
    (socket.AF_UNIX, "\0journeyman-redteam-%d" % port), (socket.AF_UNIX, "/var/run/docker.sock"),
    (socket.AF_UNIX, "/run/dbus/system_bus_socket"), (socket.AF_UNIX, "/run/systemd/private"),
):
    try:
        with socket.socket(family) as stream:
            stream.settimeout(1)
            stream.connect(address)
        print("LANDED:", address)
    except OSError:
        pass
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.sendto(b"x", ("192.0.2.1", 53))
    print("LANDED: a datagram was sent")
except OSError:
    pass
