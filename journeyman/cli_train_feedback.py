"""What the trainings that take compiled feedback have in common: `--feedback`, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from journeyman.cli_common import CannotError
from journeyman.training.feedback.compiled import Compiled, Voices
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.feedback.noted import note_voices
from journeyman.training.reward_log import read_rewards

FeedbackOption = Annotated[
    Path | None, typer.Option(help="What people said: a folder of `journeyman feedback compile`.")
]


def open_feedback(folder: Path | None, episodes: Sequence[Path] | None) -> Compiled | None:
    """The compiled feedback in a folder.

    Raises:
        CannotError: neither that nor episodes are given.
        CompiledError: there is none.
    """
    if folder is None and not episodes:
        raise CannotError("nothing to learn from: give --episodes, --feedback or both")
    return Compiled(folder) if folder is not None else None


def voices(folder: Path | None) -> Voices | None:
    """What people said, as it enters a reward. Raises CompiledError where the folder holds no compiled feedback."""
    return Voices(Compiled(folder)) if folder is not None else None


@contextmanager
def noting_voices(run: Path, folder: Path | None) -> Iterator[None]:
    """Keep beside a run on its own episodes what its reward is told, also where it is stopped after it paid."""
    try:
        yield
    except (DriftAlarmError, KeyboardInterrupt):
        if read_rewards(run):
            _note(run, folder)
        raise
    _note(run, folder)


def _note(run: Path, folder: Path | None) -> None:
    if folder is not None:
        note_voices(run, Compiled(folder))
