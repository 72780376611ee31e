"""The symptom of a fault in another language than Python, as `symptom` tells Python's: never the fault, never the fix.

`parse` gives a wrong result.
test/num.js::nums fails at test/num.js:15:
    t.deepEqual(argv, {
    expected: { x: 1234, y: 5.67 }
    actual: { x: '1234', y: 5.67 }
"""

from __future__ import annotations

import re
from collections.abc import Container, Set

from journeyman.tasks.sources.statement import Told
from journeyman.tasks.sources.trial import Failure

MAX_STATEMENT_LINES = 3
MAX_MESSAGE_LINES = 5
ABOVE = 12
"""Lines above a failing one, or of a statement or a test, that are looked at."""
_DECLARE = frozenset({"const", "let", "var", "mut"})
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_BREAKS = re.compile(r"^(?:panic: )?((?:runtime error|[A-Z]\w*(?:Error|Exception))\b)|^(panic)", re.MULTILINE)
_WHOLE = re.compile(rb"""\b(?:const|let|var)\s+(\w+)\s*=\s*require\(\s*["']\.""")
_STRING = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"|`[^`\n]*`""")
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
        return _first_call(failure.test, tests, known)
    path, number = places[-1]
    lines = tests[path].decode("utf-8", "replace").splitlines()
    block: list[str] = []
    for line in lines[number - 1 : number - 1 + ABOVE]:
        block.append(line.strip())
        if _depth("".join(block)) <= 0:
            break
    blocks = [tuple(line for line in block if line)[:MAX_STATEMENT_LINES]] if any(block) else []
    names = _known(" ".join(block), known)
    used = set(_WORD.findall(" ".join(block)))
    # Where the failing line calls nothing, as Go's `t.Errorf`, the nearest line above that made what it uses says more.
    for line in reversed(lines[max(0, number - 1 - ABOVE) : number - 1] if not names else []):
        made, equals, value = line.partition("=")
        if equals and used & set(_WORD.findall(made)) - _DECLARE and (names := _known(value, known)):
            blocks.insert(0, (line.strip(),))
            break
    return Told(tuple(blocks), tuple(dict.fromkeys(names)))


def _first_call(test: str, tests: dict[str, bytes], known: Set[str]) -> Told:
    """Where a test broke within the code: its first line that calls the code."""
    path, _, name = test.partition("::")
    own = re.escape(name.rpartition("::")[2].partition("/")[0])
    lines = tests.get(path, b"").decode("utf-8", "replace").splitlines()
    begun = next((n for n, line in enumerate(lines) if re.search(rf"\bfn {own}\b|\bfunc {own}\b", line)), len(lines))
    for line in lines[begun + 1 : begun + 1 + ABOVE]:
        if line.startswith("}"):
            break
        if names := _known(line, known):
            return Told(((line.strip(),),), tuple(dict.fromkeys(names)))
    return Told()


def _known(text: str, known: Set[str]) -> list[str]:
    """The known names in a text, but for its strings; those with a module's before them first."""
    bare = _STRING.sub('""', text)
    dotted = [name for name in sorted(known) if "." in name and f"{name}(" in bare]
    return dotted + [word for word in _WORD.findall(bare) if word in known]


def _depth(text: str) -> int:
    return sum(text.count(each) for each in _OPEN) - sum(text.count(each) for each in _CLOSED)


def whole_modules(test: bytes) -> tuple[set[str], set[str]]:
    """The names by which a test file calls whole modules of the repository, and members of such (`qs.parse`)."""
    names = {name.decode() for name in _WHOLE.findall(test)}
    text = test.decode("utf-8", "replace")
    called = {name for name in names if re.search(rf"\b{re.escape(name)}\(", text)}
    return called, {found for name in names for found in re.findall(rf"\b{re.escape(name)}\.\w+(?=\()", text)}


def said_lines(failure: Failure) -> list[str]:
    """What the runner said, in a few lines."""
    return [line.strip() for line in failure.message.splitlines() if line.strip()][:MAX_MESSAGE_LINES]


def raised(failure: Failure, tests: Container[str]) -> str:
    """The kind of error that ended the test, where it was no assertion's; empty where it was."""
    if failure.test.partition("::")[0].endswith(".rs"):
        return "" if not failure.frames or failure.frames[-1][0] in tests else "a panic"
    match = _BREAKS.search(failure.message)
    word = ("a panic" if match[2] else match[1]) if match else ""
    return "" if word.startswith("Assertion") else word
