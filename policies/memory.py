"""Memory of a process in which a model computes: what is kept at hand, and what is given back."""

from __future__ import annotations

import ctypes
import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")

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


def gives_memory_back(train: Callable[P, R]) -> Callable[P, R]:
    """A function after which what it freed is the kernel's again, and the GPU's: what a training step needed, GB of it,
    would else be held while the same process goes on to measure what it trained."""

    @functools.wraps(train)
    def trained(*args: P.args, **named: P.kwargs) -> R:
        try:
            return train(*args, **named)
        finally:
            gc.collect()  # a trainer and its parts refer to each other
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim is not None:
                trim(0)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    return trained
