"""The symptom of a fault in another language than Python, as `symptom` tells Python's: never the fault, never the fix.

`parse` gives a wrong result.
test/num.js::nums fails at test/num.js:15:
    t.deepEqual(argv, {
    expected: { x: 1234, y: 5.67 }
    actual: { x: '1234', y: 5.67 }
"""

from __future__ import annotations

import re
from collections.abc import Set

from journeyman.tasks.sources.statement import Told
from journeyman.tasks.sources.trial import Failure

MAX_STATEMENT_LINES = 3
MAX_MESSAGE_LINES = 5
ABOVE = 8
"""Lines above a failing one that are looked at."""
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_BREAKS = re.compile(r"^(?:panic: )?((?:runtime error|[A-Z]\w*(?:Error|Exception))\b)|^(panic)", re.MULTILINE)
_WHOLE = re.compile(rb"""\b(?:const|let|var)\s+(\w+)\s*=\s*require\(\s*["']\.""")
DEFAULT = "exports"
"""What a function is called that is all that its module exports: `module.exports = function …`."""
_OPEN, _CLOSED = "([{", ")]}"


def failing_line(failure: Failure, tests: dict[str, bytes], known: Set[str]) -> Told:
    """The line of the test in which a failure came up, with what follows it where it goes on.

    Args:
        failure: how the test failed.
        tests: test file → its text.
        known: bare names of the library's functions.
    """
    places = [(path, line) for path, line, _ in failure.frames if path in tests]
    if not places:
        return Told()
    path, number = places[-1]
    lines = tests[path].decode("utf-8", "replace").splitlines()
    block: list[str] = []
    for line in lines[number - 1 : number - 1 + MAX_STATEMENT_LINES]:
        block.append(line.strip())
        if _depth("".join(block)) <= 0:
            break
    blocks = [tuple(line for line in block if line)] if any(block) else []
    names = _known(" ".join(block), known)
    # Where the failing line calls nothing, as Go's `t.Errorf`, the nearest line above it that does says more.
    for line in reversed(lines[max(0, number - 1 - ABOVE) : number - 1] if not names else []):
        if names := _known(line, known):
            blocks.insert(0, (line.strip(),))
            break
    return Told(tuple(blocks), tuple(dict.fromkeys(names)))


def _known(text: str, known: Set[str]) -> list[str]:
    return [word for word in _WORD.findall(text) if word in known]


def _depth(text: str) -> int:
    return sum(text.count(each) for each in _OPEN) - sum(text.count(each) for each in _CLOSED)


def whole_modules(test: bytes) -> set[str]:
    """The names under which a test file has whole modules of the repository."""
    return {name.decode() for name in _WHOLE.findall(test)}


def said_lines(failure: Failure) -> list[str]:
    """What the runner said, in a few lines."""
    return [line.strip() for line in failure.message.splitlines() if line.strip()][:MAX_MESSAGE_LINES]


def raised(failure: Failure) -> str:
    """The kind of error that ended the test, where it was no assertion's; empty where it was."""
    match = _BREAKS.search(failure.message)
    word = (match[1] or match[2]) if match else ""
    return "" if word.startswith("Assertion") else word
