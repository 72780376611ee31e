"""Memory of a process in which a model computes on a CPU."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let glibc keep what tensors free for the next ones, instead of giving it to the kernel and asking for it again.

    A training step frees and takes hundreds of MB; page faults for it took a fifth of the processor time. A long
    conversation's keys and values are tens of MB, kept aside between its turns. Elsewhere than on glibc this does
    nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
