"""Which system calls a sandboxed process may make: all but those that reach for the kernel rather than for files.

Namespaces, the empty capability set and the missing network already forbid most of these. The filter is the second
wall: it keeps code that nobody needs in a test run (io_uring, bpf, nested namespaces, …), where kernels have had
their holes, out of reach.
"""

from __future__ import annotations

import errno
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: (number on x86_64, number on aarch64); 0 where the architecture has none
DENIED = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "lookup_dcookie": (212, 18),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "iopl": (172, 0), "ioperm": (173, 0), "modify_ldt": (154, 0), "uselib": (134, 0), "acct": (163, 89),
    "swapon": (167, 224), "swapoff": (168, 225), "syslog": (103, 116), "vhangup": (153, 58),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162),
    "mq_open": (240, 180),  # a queue outlives its processes, and cannot be found to be removed
    "move_pages": (279, 239), "migrate_pages": (256, 238), "mbind": (237, 235), "set_mempolicy": (238, 237),
}  # fmt: skip
CLONE, SOCKET, IOCTL, CLONE3 = (56, 220), (41, 198), (16, 29), 435
NEW_NAMESPACES = 0x7E020000
"""Every CLONE_NEW* flag that clone takes."""
FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: without an interface the last two reach nothing, but programs expect to ask."""
TERMINAL_INJECTION = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""

LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24
"""Offsets in `struct seccomp_data` (the low halves of the arguments)."""


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _op(RETURN, REFUSE | number)


def _when_call(number: int, body: bytes) -> bytes:
    return _op(JUMP_EQUAL, number, 0, len(body) // 8) + body


def program(machine: str) -> bytes:
    """The filter as packed `struct sock_filter`s. Raises KeyError for an architecture that is not known."""
    which = 0 if machine == "x86_64" else 1
    code = _op(LOAD, ARCHITECTURE) + _op(JUMP_EQUAL, ARCHITECTURES[machine], 1, 0) + _op(RETURN, KILL)
    code += _op(LOAD, NUMBER)
    if machine == "x86_64":  # the x32 calls have numbers of their own
        code += _op(JUMP_GREATER, 0x40000000, 0, 1) + _refuse(errno.ENOSYS)
    code += _when_call(
        CLONE[which],
        _op(LOAD, FIRST) + _op(JUMP_SET, NEW_NAMESPACES, 0, 1) + _refuse(errno.EPERM) + _op(RETURN, ALLOW),
    )
    code += _when_call(CLONE3, _refuse(errno.ENOSYS))  # its flags lie in memory, out of a filter's sight; clone does it
    families = b"".join(_op(JUMP_EQUAL, family, 0, 1) + _op(RETURN, ALLOW) for family in FAMILIES)
    code += _when_call(SOCKET[which], _op(LOAD, FIRST) + families + _refuse(errno.EAFNOSUPPORT))
    injection = b"".join(_op(JUMP_EQUAL, request, 0, 1) + _refuse(errno.EPERM) for request in TERMINAL_INJECTION)
    code += _when_call(IOCTL[which], _op(LOAD, SECOND) + injection + _op(RETURN, ALLOW))
    for numbers in DENIED.values():
        if numbers[which]:
            code += _when_call(numbers[which], _refuse(errno.EPERM))
    return code + _op(RETURN, ALLOW)
