"""A unified diff as a page shows it: rows coloured by what became of them, and the code in them by its syntax.

The code is an agent's. Only the lexers of a few languages are used, and only on texts of a size at which none of them
takes long; what is longer is shown without syntax. Whatever a lexer makes of a text, every character of it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import PurePosixPath

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String

from journeyman.terminal import diff_kind, visible

HUNK = 2_000
"""Characters of a hunk that is coloured by its syntax: the time that a lexer takes can grow with their square, and at
so many the worst of them, on the worst of many texts, took 70 ms. All but C's, which is therefore not among them."""
MOST = 6_000
"""Characters of a diff that are."""
LEXERS = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascript", ".ts": "typescript", ".tsx": "typescript", ".go": "go", ".rs": "rust", ".json": "json",
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".sh": "bash", ".css": "css",
}  # fmt: skip
_CLASSES = (
    (Comment, "comment"), (String, "string"), (Number, "figure"), (Keyword, "keyword"), (Name.Function, "defined"),
    (Name.Class, "defined"), (Name.Decorator, "defined"), (Name.Builtin, "builtin"),
)  # fmt: skip
_NAME = re.compile(r"(?:---|\+\+\+) (?:[ab]/)?(?P<path>[^\t]+)")

Row = tuple[str, str]
"""The class that colours a row, and the row."""


def diff_rows(diff: str) -> Iterator[tuple[str, Markup]]:
    """A unified diff's neighbouring rows of one kind together: (class that colours them, their text, escaped)."""
    rows = [(diff_kind(row), row) for row in diff.removesuffix("\n").split("\n")]
    shown = [escape(visible(row)) for _, row in rows]
    lexer, left = None, MOST
    for head, part in groupby(enumerate(rows), key=lambda numbered: numbered[1][0] in ("head", "hunk")):
        numbers = [number for number, _ in part]
        if head:
            if names := [rows[number][1] for number in numbers if rows[number][0] == "head"]:
                lexer = _lexer_of(names)
            continue
        size = sum(len(rows[number][1]) + 1 for number in numbers)
        if lexer is not None and size <= min(HUNK, left):
            _colour(numbers, rows, lexer, shown)
            left -= size
    for kind, group in groupby(zip(rows, shown, strict=True), key=lambda pair: pair[0][0]):
        yield kind, Markup("\n").join(text for _, text in group)


def _lexer_of(heads: Iterable[str]) -> Lexer | None:
    for head in heads:
        found = _NAME.fullmatch(head)
        if found and (name := LEXERS.get(PurePosixPath(found["path"]).suffix.lower())):
            return _lexer(name)
    return None


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _colour(numbers: Sequence[int], rows: Sequence[Row], lexer: Lexer, shown: list[Markup]) -> None:
    """Colour the rows of one hunk: as the file was for those that went, as it became for all others."""
    for side, wanted in (("del", {"del"}), ("add", {"add", "same"})):
        mine = [number for number in numbers if rows[number][0] in (side, "same")]
        code = "\n".join(rows[number][1][1:] for number in mine)
        for number, text in zip(mine, _lines(code, lexer), strict=False):
            if rows[number][0] in wanted and rows[number][1][:1] in ("+", "-", " "):
                shown[number] = escape(rows[number][1][:1]) + text


def _lines(code: str, lexer: Lexer) -> Iterator[Markup]:
    """The lines of a code, coloured."""
    spans: list[Markup] = []
    named = ((next((name for each, name in _CLASSES if kind in each), ""), text)
             for _, kind, text in lexer.get_tokens_unprocessed(code))  # fmt: skip
    for name, tokens in groupby(named, key=lambda pair: pair[0]):
        first, *others = "".join(text for _, text in tokens).split("\n")
        spans.append(_span(name, first))
        for other in others:
            yield Markup("").join(spans)
            spans = [_span(name, other)]
    yield Markup("").join(spans)


def _span(name: str, text: str) -> Markup:
    shown = visible(text)
    return Markup('<span class="c-{}">{}</span>').format(name, shown) if name and shown else escape(shown)
