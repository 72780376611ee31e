"""The task of an episode, for pages: they do without it where it is gone."""

from __future__ import annotations

from contextlib import suppress

from journeyman.cli_common import CannotError
from journeyman.cli_verify import task_of
from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task


def found_task(episode: Episode) -> Task | None:
    """None where it can't be found any more."""
    with suppress(CannotError, OSError):  # a name may be too long for a path
        return task_of(episode)
    return None
