"""The few system calls that Python does not wrap, with Python's errors. Linux on x86_64 and aarch64."""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import ctypes
import os

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME = 0x10000000, 0x20000000, 0x40000000, 0x80

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 24, 38, 22
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 47, 4, 2
PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER, IPC_RMID = 4, 15, 36, 0
PR_SET_PTRACER, ADDR_NO_RANDOMIZE = 0x59616D61, 0x40000

# These numbers are the same on every architecture but pivot_root's.
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR, SYS_OPENAT2 = 428, 429, 442, 437
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_ADD_RULE, SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, MOVE_MOUNT_F_EMPTY_PATH = 1, os.O_CLOEXEC, 4
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH = 2, 4, 8
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_libc.syscall.restype = ctypes.c_long
_libc_holding_gil = ctypes.PyDLL(None, use_errno=True)


class MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


class OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode(), flags, os.fsencode(options) or None)
    _checked(_libc.mount(*arguments), f"mount {kind or 'bind'} {target}")


def unmount(target: str) -> None:
    """Detach a mount; it ends when its last user does."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def bind(source: str, target: str, *, devices: bool = False) -> None:
    """Show `source` and what is mounted below it at `target`, read-only and without set-uid."""
    mount(source, target, "", MS_BIND | MS_REC)
    flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | (0 if devices else MOUNT_ATTR_NODEV)
    try:
        set_attributes(target, flags)
    except OSError:  # before Linux 5.12: the top mount alone, keeping what its source had, which may be locked
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("", target, "", MS_REMOUNT | MS_BIND | kept | flags)


def open_beneath(folder: int, path: str, flags: int) -> int:
    """Open what lies below the folder, without passing a link or leaving it on the way (openat2, Linux 5.6)."""
    how = OpenHow(flags | os.O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    handle = int(_libc.syscall(SYS_OPENAT2, folder, os.fsencode(path), ctypes.byref(how), size))
    if handle < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return handle


def open_tree(path: str) -> int:
    """A mount of a folder of the file system, not attached anywhere, as a descriptor (Linux 5.2)."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    return _checked(_libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), flags), f"open_tree {path}")


def move_mount(mount: int, target: str) -> None:
    """Attach what `open_tree` gave, also in another mount namespace."""
    to = os.fsencode(target)
    _checked(_libc.syscall(SYS_MOVE_MOUNT, mount, b"", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH), f"move_mount {target}")


def set_attributes(path: str, flags: int) -> None:
    """Set attributes of a mount and of all below it (Linux 5.12)."""
    attributes = MountAttr(flags, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    _checked(
        _libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), AT_RECURSIVE, ctypes.byref(attributes), size),
        "mount_setattr",
    )


def pivot_root(new: str, old: str) -> None:
    _checked(_libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], os.fsencode(new), os.fsencode(old)), "pivot_root")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def set_namespace(handle: int, kind: int) -> None:
    _checked(_libc.setns(handle, kind), "setns")


def map_user(inside: int, uid: int, gid: int) -> None:
    """In a new user namespace: say who its one user is outside, as whom we made it."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside} {uid} 1"), ("gid_map", f"{inside} {gid} 1")):
        handle = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)


def fork() -> int:
    """`os.fork` in a process of one thread, without what loaded modules want done at it.

    That is nothing that a helper needs, and it would have 0.4 MiB written to in every child, which is then its own.
    """
    return _checked(_libc_holding_gil.fork(), "fork")


def set_host_name(name: str) -> None:
    _checked(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    _checked(_libc.prctl(option, first, second, 0, 0), f"prctl {option}")


def drop_bounding_set() -> None:
    """No program that is started from here on can gain a capability."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last one that this kernel knows
            return


def drop_capabilities() -> None:
    """Give up every capability that this process has."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = CapHeader(0x20080522, 0)  # version 3: two words each
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")


def install_filter(program: bytes) -> None:
    """Put a seccomp filter (packed `struct sock_filter`s) over this process and all that it starts.

    Raises:
        OSError: the kernel takes none, or the program is empty, as for an architecture that has none.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    header = FilterProgram(len(program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def trim_memory() -> None:
    """Give the kernel back what the C library keeps of freed memory."""
    trim = getattr(_libc, "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def fix_addresses(*, fixed: bool) -> None:
    """Whether programs that are started from here on have their memory at the same addresses each time."""
    _checked(_libc.personality(ctypes.c_ulong(ADDR_NO_RANDOMIZE if fixed else 0)), "personality")


def landlock_version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    just_the_version = 1
    return int(max(0, _libc.syscall(SYS_LANDLOCK_CREATE_RULESET, 0, 0, just_the_version)))


def landlock_rules(attributes: bytes) -> int:
    """A new set of rules (a packed `struct landlock_ruleset_attr`), as a descriptor."""
    size = ctypes.c_size_t(len(attributes))
    return _checked(_libc.syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")


def landlock_allow(rules: int, kind: int, attributes: bytes) -> None:
    """Add a rule."""
    _checked(_libc.syscall(SYS_LANDLOCK_ADD_RULE, rules, kind, attributes, 0), "landlock_add_rule")


def landlock_restrict(rules: int) -> None:
    """Put the rules over this process and all that it starts."""
    _checked(_libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, rules, 0), "landlock_restrict_self")


def open_ipc() -> dict[str, int]:
    """The kernel's tables of what lives in our ipc namespace, to be read again and again."""
    tables = {}
    for kind in ("shm", "msg", "sem"):
        try:
            tables[kind] = os.open(f"/proc/sysvipc/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # a kernel without them
            continue
    return tables


def remove_ipc(tables: dict[str, int]) -> None:
    """Remove System V shared memory, queues and semaphores, which outlive the processes that made them."""
    remove = {
        "shm": lambda number: _libc.shmctl(number, IPC_RMID, None),
        "msg": lambda number: _libc.msgctl(number, IPC_RMID, None),
        "sem": lambda number: _libc.semctl(number, 0, IPC_RMID),
    }
    for kind, table in tables.items():
        text = os.pread(table, 4096, 0)
        if text.count(b"\n") < 2:  # the heading alone, as nearly always
            continue
        while more := os.pread(table, 1 << 16, len(text)):
            text += more
        for line in text.splitlines()[1:]:
            remove[kind](int(line.split()[1]))
