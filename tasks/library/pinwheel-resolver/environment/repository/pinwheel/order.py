"""What to install first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def install_batches(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    raise NotImplementedError
