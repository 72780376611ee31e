import os
import socket

os.unlink("coins/money.py")
socket.socket(socket.AF_UNIX).bind("coins/money.py")
