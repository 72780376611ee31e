"""What may stand in a text that a policy reads, and how a long one is cut.

Everything that comes out of a sandbox is hostile or noisy: terminal sequences, bidirectional overrides that show
code in another order than it runs, megabytes of log. `clean` makes it plain, `cut` makes it short and says what is
missing, `normalise` takes out what differs between two identical runs, so that a replay can compare texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REPLACEMENT = "\ufffd"
"""Stands for each character that an observation cannot hold."""

_FORBIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, all but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings and overrides
    "\u2028\u2029"  # line ends that only some tools count as such
    "\ud800-\udfff"  # surrogates, among them the undecodable bytes of a file
    "\ufdd0-\ufdef\ufeff\ufffe\uffff"  # no characters
    "\U00010000-\U0010ffff"  # beyond the basic plane
)
_NOT_ALLOWED = re.compile(f"[{_FORBIDDEN}]")
_TERMINAL_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles, links
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
)


def allowed_characters() -> frozenset[str]:
    """The characters of the basic plane that `clean` leaves alone."""
    return frozenset(c for c in map(chr, range(0x10000)) if not _NOT_ALLOWED.match(c))


def clean(text: str) -> str:
    """Plain text: no terminal sequences, "\\n" as the only line end, `REPLACEMENT` for what must not be shown."""
    text = _TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n")).replace("\r", "\n")
    return _NOT_ALLOWED.sub(REPLACEMENT, text)


NORMALISERS: Mapping[str, tuple[re.Pattern[str], str]] = {
    # pytest may cut an object's look in its middle: <itertools.ch...x7f68faed6c50>
    "addresses": (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b|(?<=\.\.\.)(?:0?x)?[0-9a-fA-F]{4,16}(?=>)"), "0x…"),
    "temporary names": (re.compile(r"(?<=/tmp/tmp)[a-z0-9_]{8}\b"), "…"),
    "durations": (re.compile(r"(?<=\S) in \d+(?:\.\d+)?s\b(?: \(\d+:\d\d:\d\d\))?"), ""),
}
"""Name → (pattern, what stands in its place): what a command prints differently each time, by name, for the record."""


def normalise(text: str) -> str:
    """A command's output without what differs between two identical runs."""
    for pattern, stand_in in NORMALISERS.values():
        text = pattern.sub(stand_in, text)
    return text


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: the head and the tail, whole lines where possible, and how much is missing.

    The tail gets two thirds, for that is where programs say what went wrong.
    """
    if len(text) <= limit:
        return text
    room = max(limit - len(_gap(len(text))), 0)
    head, tail = text[: room // 3], text[len(text) - (room - room // 3) :]
    if (end := head.rfind("\n")) > len(head) // 2:
        head = head[: end + 1]
    if -1 < (start := tail.find("\n")) < len(tail) // 2:
        tail = tail[start + 1 :]
    return (head.removesuffix("\n") + _gap(len(text) - len(head) - len(tail)) + tail)[:limit]


def _gap(missing: int) -> str:
    return f"\n[… {missing} characters left out …]\n"


def shorten(line: str, limit: int) -> str:
    """One line of at most `limit` characters; a cut ends in "…"."""
    return line if len(line) <= limit else line[: limit - 1] + "…"
