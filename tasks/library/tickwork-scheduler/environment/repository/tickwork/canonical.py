"""One spelling for each schedule."""

from __future__ import annotations

from tickwork.expressions import Expression


def canonical(expression: Expression) -> str:
    raise NotImplementedError
