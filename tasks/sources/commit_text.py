"""A commit's message made into an instruction: what was wrong stays, what gives the fix away goes.

Sentence by sentence: one that leaks is left out whole, because what is left of it would make no sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.tasks.sources.leaks import Answer, find_leaks, without_references

MIN_WORDS = 3
"""Telling words that a message must have after all is removed."""
MAX_LINES = 30

_TRAILER = re.compile(
    r"^(?:[A-Z][A-Za-z]*(?:-[A-Za-z]+)+|Fix(?:e[sd])?|Close[sd]?|Resolve[sd]?|Refs?|See|Bug|Link|PR)\s*:\s*\S"
)
_PICKED = re.compile(r"^\(cherry picked from commit .*\)$|^This reverts commit ", re.I)
_PREFIX = re.compile(r"^(?:fix|feat|bug|bugfix|hotfix|perf|refactor|chore|change)(?:\([^)]*\))?!?:\s*", re.I)
_CLOSES = re.compile(
    r"[,;(\[]?\s*\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|ref(?:s|erences)?|see|via|in|per|cf\.?)(?:\s+(?:issue|bug|pr|ticket))?"
    r":?\s+(?=(?:[\w.-]+/[\w.-]+)?#\d|gh-\d|https?://)",
    re.I,
)  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")
_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_EMPTY = """
add added adds and are bug bugfix bugs change changed changes cleanup code commit error fix fixed fixes fixing for from
improve improved in is issue issues it its minor more of on pep8 problem refactor release review revert some stuff test
tests that the this to typo typos up update updated updates use was wip with work
"""
"""Words that say nothing of what is wrong."""


def instruction_of(message: str, answer: Answer) -> str:
    """What may be told of a commit's message; empty where that says too little."""
    kept = [part for paragraph in _paragraphs(message) if (part := _without_leaks(paragraph, answer))]
    text = "\n\n".join(kept)
    telling = {word.lower() for word in _WORD.findall(text)} - set(_EMPTY.split())
    return text if len(telling) >= MIN_WORDS else ""


def _paragraphs(message: str) -> Iterator[str]:
    lines = [line.rstrip() for line in message.splitlines()]
    lines = [line for line in lines if not _TRAILER.match(line) and not _PICKED.match(line)][:MAX_LINES]
    lines = ["".join(c for c in line if c.isprintable()) for line in lines]
    for number, paragraph in enumerate("\n".join(lines).strip().split("\n\n")):
        yield _PREFIX.sub("", paragraph.strip("\n")) if number == 0 else paragraph.strip("\n")


def _without_leaks(paragraph: str, answer: Answer) -> str:
    """Its sentences that give nothing away; of a list or of code, the lines."""
    paragraph = without_references(_CLOSES.sub(" ", paragraph))
    is_prose = not re.search(r"(?m)^(?:\s{2,}|[-*+]\s|>+\s|\d+[.)]\s)", paragraph)
    parts = _SENTENCE.split(re.sub(r"\s*\n\s*", " ", paragraph)) if is_prose else paragraph.splitlines()
    kept = [part for part in parts if re.search(r"\w", part) and not find_leaks(part, answer)]
    text = (" " if is_prose else "\n").join(kept)
    return re.sub(r"(?<=\S)[ \t]{2,}", " ", text).lstrip(" ,;:)").rstrip(" ,;:(") if is_prose else text
