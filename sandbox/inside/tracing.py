"""Another process, stopped, in which the tracer makes system calls: ptrace, on x86_64."""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import ctypes
import os
import signal

PTRACE_SINGLESTEP, PTRACE_DETACH = 9, 17
PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SEIZE, PTRACE_INTERRUPT = 12, 13, 0x4206, 0x4207
WALL = 0x40000000
"""waitpid(2): for any child, also one that is only traced."""
MMAP = 9
PROT_READ_WRITE, MAP_PRIVATE_FIXED = 1 | 2, 0x02 | 0x10
SYSCALL = b"\x0f\x05"
"""The instruction."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


NAMES = """
r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs
"""


class Registers(ctypes.Structure):
    """`struct user_regs_struct` of x86_64."""

    _fields_ = tuple((name, ctypes.c_ulong) for name in NAMES.split())


def is_possible() -> bool:
    return os.uname().machine == "x86_64"


class Traced:
    """A process that stands still until `release`, or until we end. It must have the C library where we have it.

    Raises:
        OSError: the kernel does not let us trace it.
    """

    def __init__(self, process: int) -> None:
        self._process = process
        self._instruction = _syscall_instruction()
        self._ask(PTRACE_SEIZE)
        self._ask(PTRACE_INTERRUPT)
        os.waitpid(process, WALL)
        self._before = Registers()
        self._ask(PTRACE_GETREGS, self._before)

    def map_private(self, start: int, size: int, handle: int, offset: int) -> None:
        """Have it map pages of its descriptor `handle` in the place of those that it has there. Raises OSError."""
        registers = Registers.from_buffer_copy(self._before)
        registers.rip, registers.rax = self._instruction, MMAP
        registers.orig_rax = ctypes.c_ulong(-1).value  # it is in no call that the kernel would start again
        registers.rdi, registers.rsi, registers.rdx = start, size, PROT_READ_WRITE
        registers.r10, registers.r8, registers.r9 = MAP_PRIVATE_FIXED, handle, offset
        self._ask(PTRACE_SETREGS, registers)
        self._ask(PTRACE_SINGLESTEP)
        status = os.waitpid(self._process, WALL)[1]
        if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != signal.SIGTRAP:
            raise OSError(f"the traced process has status {status:#x} instead of having made a step")
        self._ask(PTRACE_GETREGS, registers)
        if registers.rax != start:
            raise OSError(
                f"the traced process cannot map {size} bytes at {start:#x}: {ctypes.c_long(registers.rax).value}"
            )

    def release(self) -> None:
        """Let it go on where it was."""
        self._ask(PTRACE_SETREGS, self._before)
        self._ask(PTRACE_DETACH)

    def _ask(self, request: int, registers: Registers | None = None) -> None:
        if _libc.ptrace(request, self._process, None, None if registers is None else ctypes.addressof(registers)) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"ptrace {request:#x}: {os.strerror(number)}")


def _syscall_instruction() -> int:
    """Where the C library has one. Raises OSError."""
    function = ctypes.cast(_libc.syscall, ctypes.c_void_p).value or 0
    at = ctypes.string_at(function, 64).find(SYSCALL)
    if at < 0:
        raise OSError("the C library's syscall function is not what we know")
    return function + at
