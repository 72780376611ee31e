"""Which rows a model was trained on, kept beside it: OUT/rows.jsonl, a line for each.

Who said what is not copied there: a row of compiled feedback is named, with its folder, so that what somebody takes
back is gone from here as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.rows import Row

ROWS = "rows.jsonl"
Use = Literal["trained", "held out", "not used", "in the reward"]


class TrainedRow(BaseModel):
    """A row as a training took it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: str = ""
    """Of compiled feedback; empty where the tests decided."""
    digest: str = ""
    """Of that row as it was (`Row.digest`); empty in what older versions kept."""
    folder: str = ""
    """Of the compiled feedback, seen from the run's."""
    origin: Literal["test", "rule", "person", "simulated"]
    items: tuple[str, ...] = ()
    """Of guidelines, with their versions, that were judged by."""
    task: str
    episodes: tuple[str, ...]
    said: str
    use: Use

    def is_still(self, row: Row) -> bool:
        """Whether a row of its id is what was taken, as far as that was kept: judged anew, it has the same id."""
        return self.digest in ("", row.digest)


def of_feedback(row: Row, episodes: tuple[str, ...], folder: Path, run: Path, use: Use) -> TrainedRow:
    """A row of a folder of compiled feedback, as the training run in `run` took it."""
    return TrainedRow(
        row=row.id, digest=row.digest, folder=Path(os.path.relpath(folder.resolve(), run.resolve())).as_posix(),
        origin=row.origin,
        items=tuple(sorted({source.item for source in row.sources if source.item})), task=row.task,
        episodes=episodes, said=row.said, use=use,
    )  # fmt: skip


def note_rows(run: Path, rows: Sequence[TrainedRow]) -> None:
    """Keep beside a training run what it was trained on; whole or not at all."""
    partial = run / f"{ROWS}.{os.getpid()}.partial"
    partial.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    partial.replace(run / ROWS)


def rows_of_run(run: Path) -> list[TrainedRow]:
    """What a training run was trained on; none where that was not kept.

    Raises:
        TrainingError: a line is none of ours.
    """
    path = run / ROWS
    if not path.exists():
        return []
    try:
        return [TrainedRow.model_validate(json.loads(line)) for line in path.read_text().split("\n") if line]
    except (ValueError, ValidationError) as error:
        raise TrainingError(f"{path} does not tell what was trained on; move it away and train again") from error
