"""Local models that play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings
from journeyman.training.measure import MakePolicy


@contextmanager
def local_players(model: str, settings: LocalSettings) -> Iterator[MakePolicy]:
    """A model on this machine, in memory as long as the context is open.

    Raises:
        ModelError: it cannot be found or read.
    """
    with LocalModel.load(model, settings=settings) as local:
        yield lambda _: local.policy()
