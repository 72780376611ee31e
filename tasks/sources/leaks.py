"""What an instruction must not say: anything that gives away the fix, or the tests that look for it.

    answer = Answer.of(before={"shop.py": b"..."}, after={"shop.py": b"..."}, known=words_of(...), tests=[node ids])
    find_leaks("Fixes #12: `round_half_up` is used now.", answer)
    # reference to an issue: '#12'; name that only the fix has: 'round_half_up'

It sees words and lines. That a sentence tells the way in other words is for a reader to find.
"""

from __future__ import annotations

import builtins
import difflib
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

WORD = re.compile(r"[^\W\d]\w*")
MIN_NAME = 3
"""Letters of an identifier that is looked for; shorter ones stand in any text."""
MIN_LINE = 8
"""Characters of a line of the diff that is looked for, without its spaces: `return x` may stand anywhere."""

REFERENCES = {
    "reference to an issue": re.compile(
        r"(?<![\w&])(?:[\w.-]+/[\w.-]+)?#\d+\b|\b(?:gh|bpo|issue|pr|ticket)[- ]#?\d+\b", re.I
    ),
    "role that leads to one": re.compile(r":(?:issue|pr|pull|gh|bug|ticket|commit|user):`[^`]*`", re.I),
    "address": re.compile(r"\b(?:https?|git|ssh)://\S+|\bwww\.\S+", re.I),
    "hash of a commit": re.compile(r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,40}\b"),
}  # fmt: skip
"""What leads out of the task, to where the fix can be read."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that a text gives away."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what!r}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be kept from a policy."""

    names: frozenset[str] = frozenset()
    """Identifiers that the fixed code has and the repository as given has nowhere, not even as a word."""
    lines: frozenset[str] = frozenset()
    """Lines of code of the diff, added or taken away, without their spaces; not those of comments and docstrings, which
    say what it is for."""
    tests: frozenset[str] = frozenset()
    """Names of the hidden tests' functions and files."""
    places: frozenset[str] = frozenset()
    """Paths and file names of what the fix changes."""

    @classmethod
    def of(
        cls, before: Mapping[str, bytes], after: Mapping[str, bytes], known: Iterable[str], tests: Iterable[str]
    ) -> Answer:
        """The answer of a fix.

        Args:
            before: path → content of the files that the fix changes, as given; a new file is missing here.
            after: the same, fixed.
            known: words of the repository as given, which give nothing away.
            tests: node ids of the hidden tests.
        """
        lines = {line for path, data in after.items() for line in _diff(before.get(path, b""), data)}
        fixed = {word for data in after.values() for word in names_of(data)}
        return cls(
            names=frozenset(word for word in fixed - set(known) if len(word) >= MIN_NAME),
            lines=frozenset(line for line in lines if len(line) >= MIN_LINE),
            tests=frozenset(name for test in tests for name in _names_of_test(test)),
            places=frozenset(after) | frozenset(_telling_name(path) for path in after),
        )


def words_of(data: bytes) -> set[str]:
    """Every identifier and every word of a text; none where it is binary."""
    return set() if b"\0" in data else set(WORD.findall(data.decode("utf-8", "replace")))


def names_of(data: bytes) -> set[str]:
    """The identifiers of a Python source, not the words of its comments and texts; of anything else, every word."""
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(data).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return words_of(data)
    return {token.string for token in tokens if token.type == tokenize.NAME} - set(keyword.kwlist)


def find_leaks(text: str, answer: Answer) -> tuple[Leak, ...]:
    """All that a text gives away, each thing once."""
    return tuple(dict.fromkeys(_leaks(text, answer)))


def without_references(text: str) -> str:
    """A text without issue numbers, addresses and hashes, nor the brackets that held nothing else."""
    for pattern in REFERENCES.values():
        text = pattern.sub("", text)
    text = re.sub(r"[ \t]*[(\[<]\s*[,;]?\s*[)\]>]", "", text)
    return re.sub(r"(?<=\w)[ \t]+(?=[.,;:)](?:\s|$))", "", text)


def _leaks(text: str, answer: Answer) -> Iterator[Leak]:
    for kind, pattern in REFERENCES.items():
        yield from (Leak(kind, found.group()) for found in pattern.finditer(text))
    words = set(WORD.findall(text))
    for word in sorted(words & answer.names):
        # "any" and "list" are also what people say.
        if not hasattr(builtins, word) or re.search(rf"`{word}`|\b{word}\(", text):
            yield Leak("name that only the fix has", word)
    for word in sorted(words & answer.tests):
        yield Leak("name of a hidden test", word)
    for place in sorted(answer.places | {name for name in answer.tests if not name.isidentifier()}):
        if re.search(rf"(?<![\w/.-]){re.escape(place)}(?![\w-])", text):
            yield Leak("name of a file of the fix", place)
    packed = _packed(text)
    for line in sorted(answer.lines):
        if line in packed:
            yield Leak("line of the fix", line)


def _diff(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (_code_lines(data) for data in (before, after))
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if line[:1] in "+-" and not line.startswith(("+++", "---")):
            yield _packed(line[1:])


def _code_lines(data: bytes) -> list[str]:
    """A source's lines; of Python only those that hold more than a comment or a part of a text."""
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(data).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return lines
    code = {token.start[0] for token in tokens if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER)}
    return [line for number, line in enumerate(lines, 1) if number in code]


def _packed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _names_of_test(test: str) -> Iterator[str]:
    """The test's own name, its class's, and its file's with and without the ending."""
    path, *inner = test.partition("[")[0].split("::")
    yield from (path, PurePosixPath(path).name, PurePosixPath(path).stem, *inner)


def _telling_name(path: str) -> str:
    """A file's name, with its folder where many files are called so."""
    pure = PurePosixPath(path)
    return "/".join(pure.parts[-2:]) if pure.name == "__init__.py" else pure.name
