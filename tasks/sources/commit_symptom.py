"""What an instruction shows of the failing behaviour: one statement that should hold, and what comes instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from journeyman.tasks.sources.functions import find_functions
from journeyman.tasks.sources.leaks import Answer, find_leaks
from journeyman.tasks.sources.statement import failing_lines
from journeyman.tasks.sources.symptom import MAX_STATEMENT_LINES, message_lines, shorten
from journeyman.tasks.sources.trial import Failure


def with_example(
    told: str, failures: Sequence[Failure], tests: Mapping[str, bytes], sources: Iterable[bytes], answer: Answer
) -> str:
    """An instruction with the shortest example that gives nothing away; as it was, where there is none.

    Args:
        told: what the commit's message says.
        failures: how the hidden tests fail on the repository as given.
        tests: path → content of the hidden files.
        sources: contents of the source files that the fix changes, as given.
    """
    known = {function.name for source in sources for function in find_functions(source)}
    shown = [text for failure in failures if (text := _example(failure, dict(tests), known))]
    clean = [text for text in shown if not find_leaks(text, answer)]
    if not clean:
        return told
    return f"{told}\n\nFor example, this fails:\n\n{min(clean, key=len)}"


def _example(failure: Failure, tests: dict[str, bytes], known: set[str]) -> str:
    try:
        blocks = failing_lines(failure, tests, known).blocks
    except (SyntaxError, ValueError):
        return ""
    if not blocks:
        return ""
    shown = [line for block in blocks for line in shorten(block, MAX_STATEMENT_LINES + 1 - len(blocks))]
    return "\n".join(f"    {line}" for line in (*shown, *message_lines(failure)))
