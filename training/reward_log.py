"""What each episode of a run was paid in training, term by term with its source, for whoever asks where it came from.

OUT/rewards.jsonl holds a line for each episode that was played for a step. (Of several processes each writes its own,
rewards.1.jsonl and so on.) The lines of steps that are done again after an interrupt are cut off, as in steps.jsonl.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from journeyman.training.checkpoint import TrainingError
from journeyman.training.groups import Collected

REWARDS = "rewards.jsonl"


class RewardLog:
    """A run's rewards on the disk.

    Args:
        folder: the run's, which exists.
        resumed_from: the step of the checkpoint that the run goes on from, 0 for none. Later lines are cut off.
        process: this one among those that train together.
        processes: so many there are. There may have been more before; what they left, the first one cuts off.
    """

    def __init__(self, folder: Path | str, *, resumed_from: int = 0, process: int = 0, processes: int = 1) -> None:
        self._path = Path(folder) / (f"rewards.{process}.jsonl" if process else REWARDS)
        _cut(self._path, resumed_from)
        if process == 0:
            for path in Path(folder).glob("rewards.*.jsonl"):
                number = path.name.split(".")[1]
                if number.isdecimal() and int(number) >= processes:
                    _cut(path, resumed_from)

    def collected(self, step: int, collected: Collected) -> None:
        """Keep what was paid for a step, from 1 on."""
        trained = {id(group) for group in collected.groups}
        rows = []
        for group in collected.played:
            for number, episode in enumerate(group.episodes):
                shaped = group.shaped[number] if group.shaped else None
                terms = shaped.terms if shaped else episode.terms
                rows.append(
                    {
                        "step": step, "episode": episode.id, "task": episode.task, "trained": id(group) in trained,
                        "total": shaped.total if shaped else episode.reward,
                        "terms": [asdict(term) for term in terms],
                        "steps": [asdict(term) for term in group.told[number]] if group.told else [],
                    }
                )  # fmt: skip
        with self._path.open("a") as file:
            file.write("".join(map(_line, rows)))
            file.flush()
            os.fsync(file.fileno())


def read_rewards(folder: Path | str) -> list[dict[str, Any]]:
    """What the episodes of a run were paid, in the order of its steps; none where nothing is recorded.

    Raises:
        TrainingError: a whole line is none of ours.
    """
    paths = sorted(Path(folder).glob("rewards*.jsonl"))
    return sorted((row for path in paths for row in _read(path)), key=lambda row: int(row["step"]))


def _cut(path: Path, last: int) -> None:
    """Keep the lines of the steps up to `last`."""
    kept = [row for row in _read(path) if row["step"] <= last]
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text("".join(map(_line, kept)))
    partial.replace(path)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    *whole, _ = path.read_text(errors="replace").split("\n")  # the rest was cut short
    for number, line in enumerate(whole, 1):
        try:
            row = json.loads(line)
            yield {name: row[name] for name in ("step", "episode", "task", "trained", "total", "terms", "steps")}
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path}, line {number}: not what an episode was paid; move the file away") from error


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"
