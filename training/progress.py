"""How long work says where it is: one small protocol, shown by the front door, ignored by scripts."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as `progress(done, total, "loss 0.41")`."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


def silent(done: int, total: int, note: str = "") -> None:
    """Nobody watches."""
