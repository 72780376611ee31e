"""Format every table of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gridmark.align import parse_separator
from gridmark.cells import has_pipe, split_row
from gridmark.table import parse_lines, render_table

_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<rest>.*)")
_INDENT = re.compile(r" {0,3}(?=[^ \t])")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


def format_document(text: str) -> str:
    return "".join(_formatted([line for line in _LINE.findall(text) if line]))


def _formatted(lines: Sequence[str]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        end = _fenced_end(lines, position)
        if end == position:
            end = _table_end(lines, position)
            if end > position:
                yield _format_table(lines[position:end])
                position = end
                continue
            end = position + 1
        yield from lines[position:end]
        position = end


def _fenced_end(lines: Sequence[str], position: int) -> int:
    """Where the code block that opens at `position` ends; `position` itself if none opens there."""
    opening = _FENCE.fullmatch(_bare(lines[position]))
    if opening is None or (opening["marks"][0] == "`" and "`" in opening["rest"]):
        return position
    marks = opening["marks"]
    for number in range(position + 1, len(lines)):
        closing = _FENCE.fullmatch(_bare(lines[number]))
        if closing and closing["marks"].startswith(marks) and not closing["rest"].strip():
            return number + 1
    return len(lines)


def _table_end(lines: Sequence[str], position: int) -> int:
    """Where the table that begins at `position` ends; `position` itself if none begins there."""
    if position + 1 >= len(lines) or not all(_may_be_row(line) for line in lines[position : position + 2]):
        return position
    header, aligns = split_row(_bare(lines[position])), parse_separator(split_row(_bare(lines[position + 1])))
    if aligns is None or len(aligns) != len(header):
        return position
    end = position + 2
    while end < len(lines) and _may_be_row(lines[end]) and _fenced_end(lines, end) == end:
        end += 1
    return end


def _may_be_row(line: str) -> bool:
    return has_pipe(line) and _INDENT.match(line) is not None


def _format_table(lines: Sequence[str]) -> str:
    indent = _INDENT.match(lines[0])
    newline = lines[0][len(_bare(lines[0])) :]
    rendered = render_table(parse_lines([_bare(line) for line in lines])).split("\n")
    last = lines[-1][len(_bare(lines[-1])) :]
    return newline.join((indent[0] if indent else "") + line for line in rendered) + (newline if last else "")


def _bare(line: str) -> str:
    """The line without its ending."""
    return line.rstrip("\r\n")
