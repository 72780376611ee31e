import os

print("tried")
places = ["/x", "/usr/x", "/usr/bin/python3", "/etc/x", "/etc/passwd", "/etc/ld.so.preload", "/opt/x", "/opt/env/x", "/opt/python/x", "/opt/env/bin/python"]
places += ["/opt/journeyman/inside/agent.py", "/opt/journeyman/inside/__pycache__/x", "/var/x", "/home/x", "/root/x", "/lib/x", "/bin/x"]
places += ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches"]
places += ["/proc/sys/kernel/hostname", "/proc/irq/0/smp_affinity", "/proc/bus/pci/00/x", "/proc/fs/x", "/sys/x", "/sys/power/state"]
places += ["/sys/fs/cgroup/x", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/dev/x", "/dev/kmsg"]
for place in places:
    try:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT))
        print("LANDED:", place)
    except OSError:
        pass
for folder in ("/usr", "/etc", "/opt/env", "/opt/python", "/opt/journeyman", "/"):
    for act in (lambda: os.rename(folder, "/tmp/x"), lambda: os.chmod(folder, 0o777), lambda: os.mkdir(f"{folder}/x")):
        try:
            act()
            print("LANDED: changed", folder)
        except OSError:
            pass
