"""The sandbox's file system, in two parts.

`build` lays what all sandboxes of an environment share, once, in the zygote: the host's /usr read-only, a small /etc
and /dev, the environment, the repositories. It works while the process still is what it was on the host, so that the
folders may lie where the sandbox's own user could never walk, such as below a home folder of mode 0700. (In a container
its image is all that.)

`enter` adds what is one sandbox's own: the overlay over its repository, /tmp and /proc. What it writes lies on one
tmpfs, which the overlay covers:

    /workspace   overlay over upper : l<n> : … : l0 : pristine, mounted over the tmpfs of
                   upper, work   what was written since the last `freeze`
                   l<n>          what was frozen, here or in the sandbox that this one was forked from
                   pristine      the repository
                   tmp, shm      bound to /tmp and /dev/shm
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct

from . import kernel as k

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USER = 1000
"""Who a command is, inside."""
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
DEVICES = ("null", "zero", "full", "random", "urandom")
READ_ONLY_PROC = ("sys", "bus", "fs", "irq", "sysrq-trigger")
HIDDEN_PROC = ("kcore", "keys", "key-users", "kmsg", "latency_stats", "timer_list", "sched_debug")
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\njourneyman:x:{user}:{user}::/tmp/home:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "group": "root:x:0:\njourneyman:x:{user}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": "sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
ETC_OF_HOST = ("ld.so.cache", "alternatives", "os-release", "mime.types")
TEMPLATES = "/opt/templates"
"""Where the pristine repositories of all tasks lie, for the zygote and its lanes alone."""
COVERED = (TEMPLATES, "/run/journeyman", "/dev/mqueue")
"""What a sandbox must not see of what its zygote has, or the container around it."""
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def build(config: dict[str, Any]) -> None:
    """Make the zygote's root and enter it. `config` is what the launcher was given: folders of the host."""
    k.mount("", "/", "", k.MS_REC | k.MS_PRIVATE)
    k.mount("sandbox", config["mountpoint"], "tmpfs", k.MS_NOSUID | k.MS_NODEV, "size=4m,nr_inodes=1k,mode=755")
    os.chdir(config["mountpoint"])
    for folder in ("old", "etc", "opt", "opt/journeyman", "run", "var", "root", "sys", "home", "empty", "proc"):
        os.mkdir(folder)
    for folder in ("workspace", "tmp"):
        os.mkdir(folder)
    os.symlink("/tmp", "var/tmp")
    for name in SYSTEM:
        _system(name)
    _etc()
    _mount_at("opt/env", config["env"])
    _mount_at("opt/journeyman/inside", config["inside"])
    _mount_at("opt/templates", config["templates"])
    _mount_at("opt/python", config["python"])
    for place, folder in config["more"].items():
        _mount_at(place, folder)
    if config["hidden"] and os.path.isdir(f"opt/python/{config['hidden']}"):
        k.bind("empty", f"opt/python/{config['hidden']}")
    _dev()
    k.mount("/proc", "proc", "", k.MS_BIND | k.MS_REC)  # the zygote covers it with its own; without one, it may not
    k.pivot_root(".", "old")
    os.chdir("/")
    k.unmount("/old")
    os.rmdir("/old")
    k.mount("", "/", "", k.MS_REMOUNT | k.MS_BIND | k.MS_RDONLY | k.MS_NOSUID | k.MS_NODEV)


def enter(template: str, limits: dict[str, int], layers: list[int]) -> str:
    """In a new mount namespace: make what is one sandbox's own.

    Returns how the workspace is kept: "overlay", or "copy" where none can be had.

    Args:
        template: the repository's folder below `TEMPLATES`.
        layers: mounts of frozen layers, oldest first.
    """
    size = f"size={limits['disk_mb']}m,nr_inodes={limits['inodes']},mode=755"
    k.mount("sandbox", "/workspace", "tmpfs", k.MS_NOSUID | k.MS_NODEV, size)
    os.chdir("/workspace")
    for folder, mode in (("work", 0o700), ("pristine", 0o755), ("tmp", 0o1777), ("tmp/home", 0o755), ("shm", 0o1777)):
        os.mkdir(folder)
        os.chmod(folder, mode)
    k.mount(f"{TEMPLATES}/{template}", "pristine", "", k.MS_BIND)
    for number, layer in enumerate(layers):
        os.mkdir(f"l{number}")
        k.move_mount(layer, f"l{number}")
    _make_upper(f"l{len(layers) - 1}" if layers else ".")
    k.mount("tmp", "/tmp", "", k.MS_BIND)
    k.mount("shm", "/dev/shm", "", k.MS_BIND)
    how = "overlay" if _overlay(len(layers)) else _copy(layers)
    for place in COVERED:
        if os.path.isdir(place):
            k.mount("nothing", place, "tmpfs", k.MS_RDONLY | k.MS_NOSUID | k.MS_NODEV, "size=4k,nr_inodes=2,mode=555")
    mount_proc("/proc")
    _mask_proc()
    _loopback()
    os.chdir("/")
    return how


def freeze(layers: int) -> list[int]:
    """Put what was written below a new upper layer, on top of the `layers` that there are.

    Returns mounts of all of them, oldest first, for another sandbox to `enter`. Nothing may be using the workspace.
    The overlay that there was ends with this process: ten thousand files take the kernel a while.
    """
    os.open("/workspace", os.O_PATH | os.O_CLOEXEC)
    k.unmount("/workspace")
    os.chdir("/workspace")
    os.rename("upper", f"l{layers}")
    os.rename("work", f"w{layers}")
    os.mkdir("work", 0o700)
    _make_upper(f"l{layers}")
    if not _overlay(layers + 1):
        raise OSError("the overlay cannot be mounted again")
    return [k.open_tree(f"l{number}") for number in range(layers + 1)]


def _make_upper(like: str) -> None:
    """The folder of what will be written: the workspace has its mode."""
    os.mkdir("upper")
    os.chmod("upper", stat.S_IMODE(os.stat(like).st_mode))


def _overlay(layers: int) -> bool:
    """Mount it, from within the tmpfs; False where the kernel cannot."""
    lower = ":".join([*(f"l{number}" for number in reversed(range(layers))), "pristine"])
    try:
        os.setxattr("upper", "user.journeyman", b"1")  # without these, a removed folder could come back
        options = f"lowerdir={lower},upperdir=upper,workdir=work,userxattr,index=off"
        k.mount("workspace", "/workspace", "overlay", k.MS_NOSUID | k.MS_NODEV, options)
    except OSError:
        return False
    return True


def mount_proc(target: str) -> None:
    flags = k.MS_NOSUID | k.MS_NODEV | k.MS_NOEXEC
    try:
        k.mount("proc", target, "proc", flags, "hidepid=2")
    except OSError:
        k.mount("proc", target, "proc", flags)


def _mask_proc() -> None:
    for name in READ_ONLY_PROC:
        if os.path.exists(f"/proc/{name}"):
            k.bind(f"/proc/{name}", f"/proc/{name}")
    for name in HIDDEN_PROC:
        if os.path.exists(f"/proc/{name}"):
            k.bind("/dev/null", f"/proc/{name}", devices=True)


def _loopback() -> None:
    """Bring up the one interface there is, which leads nowhere: tests may start a server and speak to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _system(name: str) -> None:
    if os.path.islink(f"/{name}"):
        os.symlink(os.readlink(f"/{name}"), name)
    elif os.path.isdir(f"/{name}"):
        _mount_at(name, f"/{name}")


def _mount_at(target: str, source: str) -> None:
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        _put(target, "")
    k.bind(source, target)


def _put(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _etc() -> None:
    for name, text in ETC.items():
        _put(f"etc/{name}", text.format(user=USER))
    for name in ETC_OF_HOST:
        if os.path.exists(f"/etc/{name}"):
            _mount_at(f"etc/{name}", os.path.realpath(f"/etc/{name}"))


def _dev() -> None:
    os.mkdir("dev")
    for name in DEVICES:
        _put(f"dev/{name}", "")
        k.bind(f"/dev/{name}", f"dev/{name}", devices=True)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"dev/{name}")
    os.mkdir("dev/shm")


def _copy(layers: list[int]) -> str:
    """Without an overlay (Linux before 6.6): the files themselves."""
    if layers:
        raise OSError("layers need an overlay")
    for folder, _, files in os.walk("pristine"):
        to = "upper" + folder[len("pristine") :]
        if to != "upper":
            os.mkdir(to)
        for name in files:
            source, target = f"{folder}/{name}", f"{to}/{name}"
            if os.path.islink(source):
                os.symlink(os.readlink(source), target)
                continue
            found = os.stat(source)
            with open(source, "rb") as original, open(target, "wb") as copy:
                os.sendfile(copy.fileno(), original.fileno(), 0, found.st_size) if found.st_size else None
            os.chmod(target, found.st_mode & 0o777)
            os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
    k.mount("upper", "/workspace", "", k.MS_BIND)
    return "copy"
