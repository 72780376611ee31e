"""Arms in processes of their own, several at once, each as soon as its parent is trained: what a GPU or a machine of
many processors asks for, since one arm keeps neither busy."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arms import ARMS, Arm

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Part:
    """What one process does: an arm of one seed, trained and measured."""

    arm: str
    seed: int

    @property
    def parent(self) -> Part | None:
        return Part(name, self.seed) if (name := ARMS[self.arm].parent) else None

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.arm}"


class PartsFailedError(Exception):
    """Not everything could be done; the message says what."""


def parts_of(arms: Sequence[Arm], seeds: Sequence[int], has_figures: Callable[[Part], bool]) -> list[Part]:
    """What is left to do, with the parents that have to be trained for it, which come before."""
    wanted = [Part(arm.name, seed) for seed in seeds for arm in arms]
    found: list[Part] = []
    for part in (part for part in wanted if not has_figures(part)):
        line = [part]
        while parent := line[-1].parent:
            line.append(parent)
        found += [each for each in reversed(line) if each not in found]
    # A model as it comes needs no training, and is measured once, whatever the seed.
    plain = [part for part in found if part.parent is None]
    measured = [plain[0]] if plain and plain[0] in wanted and not has_figures(plain[0]) else []
    return measured + [part for part in found if part.parent is not None]


def side_by_side(
    parts: Sequence[Part],
    begin: Callable[[Part], subprocess.Popen[bytes]],
    is_trained: Callable[[Part], bool],
    jobs: int,
) -> None:
    """Do all parts, `jobs` at once, the first ones first.

    Raises:
        PartsFailedError: a process failed; what did not need it was done.
    """
    waiting, running, failed = list(parts), dict[Part, subprocess.Popen[bytes]](), list[Part]()
    try:
        while waiting or running:
            for part, process in list(running.items()):
                if (code := process.poll()) is not None:
                    del running[part]
                    failed += [part] if code else []
            ready = [part for part in waiting if part.parent is None or is_trained(part.parent)]
            for part in ready[: jobs - len(running)]:
                waiting.remove(part)
                running[part] = begin(part)
            if not running and not ready:
                break
            time.sleep(POLL_S)
    finally:
        for process in running.values():
            process.terminate()
    if failed or waiting:
        never = f"; never begun: {'; '.join(map(str, waiting))}" if waiting else ""
        raise PartsFailedError(f"failed: {'; '.join(map(str, failed))}{never}. Run again to go on")
