"""The sandbox's file system: the host's /usr read-only, a small /etc and /dev, and an overlay over the repository.

Everything is mounted while the process still is what it was on the host, so that the folders may lie where the
sandbox's own user could never walk, such as below a home folder of mode 0700.
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import os

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


def build(config: dict[str, Any], as_root: bool, owner: int, user_namespace: int | None) -> tuple[str, bool]:
    """Make the root and enter it.

    Returns how the workspace is kept ("overlay", or "copy" where none can be had), and whether its files were mapped
    into the user namespace; if not, commands must live in ours, where they are `owner`.

    Args:
        config: what the launcher was given: folders and limits.
        as_root: whether we are root on the host, or only in a user namespace of ours.
        owner: the user, as this process sees users, that commands will run as.
        user_namespace: the namespace that commands will live in, if it is another than ours.
    """
    k.mount("", "/", "", k.MS_REC | k.MS_PRIVATE)
    k.mount("sandbox", config["mountpoint"], "tmpfs", k.MS_NOSUID | k.MS_NODEV, "size=4m,nr_inodes=1k,mode=755")
    os.chdir(config["mountpoint"])
    for folder in ("old", "etc", "opt", "opt/journeyman", "run", "var", "sys", "root", "home", "empty"):
        os.mkdir(folder)
    os.symlink("/tmp", "var/tmp")
    how, mapped = _workspace(config, as_root, owner, user_namespace)
    for name in SYSTEM:
        _system(name)
    _etc(USER if mapped or not as_root else owner)
    _mount_at("opt/env", config["env"])
    _mount_at("opt/journeyman/inside", config["inside"])
    _mount_at("opt/python", config["python"])
    if config["hidden"] and os.path.isdir(f"opt/python/{config['hidden']}"):
        k.bind("empty", f"opt/python/{config['hidden']}")
    _dev()
    k.unmount("writable")
    _proc()
    k.set_host_name("sandbox")
    k.pivot_root(".", "old")
    os.chdir("/")
    k.unmount("/old")
    for folder in ("/old", "/writable", "/lower"):
        os.rmdir(folder)
    k.mount("", "/", "", k.MS_REMOUNT | k.MS_BIND | k.MS_RDONLY | k.MS_NOSUID | k.MS_NODEV)
    return how, mapped


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


def _etc(user: int) -> None:
    for name, text in ETC.items():
        _put(f"etc/{name}", text.format(user=user))
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
    k.mount("writable/shm", "dev/shm", "", k.MS_BIND)


def _workspace(config: dict[str, Any], as_root: bool, owner: int, user_namespace: int | None) -> tuple[str, bool]:
    """The overlay at /workspace; it, /tmp and /dev/shm share one file system with one limit."""
    limits = config["limits"]
    for folder in ("writable", "lower", "workspace", "tmp"):
        os.mkdir(folder)
    size = f"size={limits['disk_mb']}m,nr_inodes={limits['inodes']},mode=755"
    k.mount("sandbox", "writable", "tmpfs", k.MS_NOSUID | k.MS_NODEV, size)
    for folder, mode in (("upper", 0o755), ("work", 0o700), ("tmp", 0o1777), ("shm", 0o1777), ("tmp/home", 0o755)):
        os.mkdir(f"writable/{folder}")
        os.chmod(f"writable/{folder}", mode)
        if folder != "work":
            os.chown(f"writable/{folder}", owner, owner)
    mapped = user_namespace is not None and _mapped(config["template"], user_namespace)
    if not mapped:
        k.bind(config["template"], "lower")
    how = _overlay(as_root) or _copy(owner)
    k.unmount("lower")
    k.mount("writable/tmp", "tmp", "", k.MS_BIND)
    return how, mapped


def _mapped(template: str, user_namespace: int) -> bool:
    try:
        k.bind_mapped(template, "lower", user_namespace)
    except OSError:  # an old kernel, or a file system that cannot; then commands are not the files' owner
        return False
    return True


def _overlay(as_root: bool) -> str:
    options = "lowerdir=lower,upperdir=writable/upper,workdir=writable/work"
    try:
        if not as_root:
            os.setxattr("writable/upper", "user.journeyman", b"1")  # without these, a removed folder could come back
            options += ",userxattr"
        k.mount("workspace", "workspace", "overlay", k.MS_NOSUID | k.MS_NODEV, options)
    except OSError:
        return ""
    return "overlay"


def _copy(owner: int) -> str:
    """Without an overlay (an old kernel for an ordinary user): the files themselves."""
    k.mount("writable/upper", "workspace", "", k.MS_BIND)
    for folder, _, files in os.walk("lower"):
        to = "workspace" + folder[len("lower") :]
        if to != "workspace":
            os.mkdir(to)
            os.chown(to, owner, owner)
        for name in files:
            source, target = f"{folder}/{name}", f"{to}/{name}"
            if os.path.islink(source):
                os.symlink(os.readlink(source), target)
            else:
                found = os.stat(source)
                with open(source, "rb") as original, open(target, "wb") as copy:
                    os.sendfile(copy.fileno(), original.fileno(), 0, found.st_size) if found.st_size else None
                os.chmod(target, found.st_mode & 0o777)
                os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
            os.chown(target, owner, owner, follow_symlinks=False)
    return "copy"


def _proc() -> None:
    os.mkdir("proc")
    flags = k.MS_NOSUID | k.MS_NODEV | k.MS_NOEXEC
    try:
        k.mount("proc", "proc", "proc", flags, "hidepid=2")
    except OSError:
        k.mount("proc", "proc", "proc", flags)
    for name in READ_ONLY_PROC:
        if os.path.exists(f"proc/{name}"):
            k.bind(f"proc/{name}", f"proc/{name}")
    for name in HIDDEN_PROC:
        if os.path.exists(f"proc/{name}"):
            k.bind("/dev/null", f"proc/{name}", devices=True)
