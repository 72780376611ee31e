"""Python's own parser, for code that runs in threads.

Before 3.12 the parser counts its depth for all threads together, and of two that parse at once either may fail with
`SystemError: AST constructor recursion depth mismatch` (python/cpython#106905): one at a time.
"""

from __future__ import annotations

import ast
import threading

_PARSING = threading.Lock()


def parse(source: str | bytes) -> ast.Module:
    """As `ast.parse`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or too deep to be read.
    """
    with _PARSING:
        return ast.parse(source)
