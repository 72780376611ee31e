"""Why a package is there."""

from __future__ import annotations

from pinwheel.resolve import Resolution


def why(resolution: Resolution, name: str) -> list[tuple[str, ...]]:
    raise NotImplementedError


def render_tree(resolution: Resolution) -> str:
    raise NotImplementedError
