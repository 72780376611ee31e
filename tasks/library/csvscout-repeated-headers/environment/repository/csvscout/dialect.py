"""Which delimiter a text uses."""

from __future__ import annotations

from collections import Counter

DELIMITERS = ",;\t|"
SAMPLE_LINES = 20


def guess_delimiter(text: str) -> str:
    """The delimiter that splits most of the first lines into the same number of fields; a comma if none does."""
    lines = [line for line in text.splitlines() if line.strip()][:SAMPLE_LINES]
    best, best_score = ",", (0, 0)
    for delimiter in DELIMITERS:
        score = _score(lines, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(lines: list[str], delimiter: str) -> tuple[int, int]:
    """(lines that agree, fields they agree on), or zeros where the delimiter splits nothing."""
    counts = Counter(_count_fields(line, delimiter) for line in lines)
    fields, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return (agreeing, fields) if fields > 1 else (0, 0)


def _count_fields(line: str, delimiter: str) -> int:
    """Fields of one line; delimiters between quotes do not count."""
    fields, quoted = 1, False
    for character in line:
        if character == '"':
            quoted = not quoted
        elif character == delimiter and not quoted:
            fields += 1
    return fields
