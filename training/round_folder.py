"""Where rounds lie, and how far each is.

OUT/settings.json          the plan
OUT/round-001/pool.json    the tasks drawn for it, and why
OUT/round-001/STAGE.json   what a stage came to; written last, so its presence means that the stage is whole
OUT/round-001/collect/     episodes of the champion on the pool
OUT/round-001/demonstrations/
OUT/round-001/rejected.txt ids of episodes that a reviewer will not have learned from; a person writes it
OUT/round-001/feedback/    rows of what people said of the episodes so far, if anybody said anything
OUT/round-001/refined/     what the champion did better after a critique
OUT/round-001/corrected/   what the champion failed at, mended by who knows the solution
OUT/round-001/train/       training runs (training/checkpoint.py)
OUT/round-001/eval/        episodes of champion and candidate on held-out tasks
OUT/final/                 the last word
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.training.checkpoint import TrainingError, write_json

STAGES = ("collect", "review", "compile", "train", "evaluate", "decide")
"""In their order."""


class RoundError(TrainingError):
    """A round cannot go on as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RoundFolder:
    """One round on the disk."""

    root: Path
    number: int
    """From 1."""

    @property
    def folder(self) -> Path:
        return self.root / f"round-{self.number:03}"

    @property
    def rejected(self) -> Path:
        return self.folder / "rejected.txt"

    @property
    def next_stage(self) -> str | None:
        """The first stage that is not whole; None when all are."""
        return next((stage for stage in STAGES if not self.has(stage)), None)

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.json").is_file()

    def read(self, name: str) -> dict[str, Any]:
        """What a stage came to.

        Raises:
            RoundError: the file is damaged.
        """
        path = self.folder / f"{name}.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RoundError(f"{path}: cannot be read ({error}); remove it, and its stage is done again") from error
        return found

    def write(self, name: str, value: dict[str, Any]) -> None:
        write_json(self.folder / f"{name}.json", value)

    def seconds(self) -> dict[str, float]:
        """Stage → how long it took on the clock, over all sittings that did not end by a kill."""
        return self.read("seconds") if self.has("seconds") else {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what happens within to the stage's time, also when it is interrupted."""
        started = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds()
            self.write("seconds", {**spent, stage: round(spent.get(stage, 0.0) + time.monotonic() - started, 3)})

    def relative(self, place: str | Path) -> str:
        """A path below the root as one that still holds when the root is moved; others, and names, as they are."""
        path = Path(place)
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(place)

    def model(self, name: str) -> str:
        """The inverse, for a model."""
        below = self.root / name
        return str(below) if name and below.is_dir() else name


def rounds_in(root: Path) -> list[RoundFolder]:
    """The rounds that were begun, in their order."""
    numbers = (path.name.removeprefix("round-") for path in root.glob("round-*/"))
    return [RoundFolder(root, number) for number in sorted(int(each) for each in numbers if each.isdigit())]


def outcomes_before(round_: RoundFolder) -> list[bool | None]:
    """How the rounds before it ended: accepted, refused, or None without a test; the first one first."""
    return [each.read("decide")["accepted"] for each in rounds_in(round_.root) if each.number < round_.number]


def champion_before(round_: RoundFolder, first: str) -> str:
    """The model that a round begins with: the last candidate that was accepted, else the `first` one."""
    before = [each for each in rounds_in(round_.root) if each.number < round_.number]
    won = [each for each in before if each.read("decide")["accepted"]]
    return won[-1].model(won[-1].read("train")["model"]) if won else first
