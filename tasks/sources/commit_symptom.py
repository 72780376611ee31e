"""What an instruction shows of the failing behaviour: a statement that should hold, and what comes instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from journeyman.tasks.sources.functions import find_functions
from journeyman.tasks.sources.hide import function_of
from journeyman.tasks.sources.leaks import Answer, find_leaks
from journeyman.tasks.sources.statement import failing_lines
from journeyman.tasks.sources.symptom import MAX_STATEMENT_LINES, message_lines, shorten
from journeyman.tasks.sources.trial import Failure

MAX_EXAMPLES = 2
"""Of different test functions: the more is shown, the less is left that a fix must hold beyond."""


def with_example(
    told: str, failures: Sequence[Failure], tests: Mapping[str, bytes], sources: Iterable[bytes], answer: Answer
) -> str:
    """An instruction with examples that give nothing away; as it was, where there is none.

    Args:
        told: what the commit's message says.
        failures: how the hidden tests fail on the repository as given.
        tests: path → content of the hidden files.
        sources: contents of the source files that the fix changes, as given.
    """
    known = {function.name for source in sources for function in find_functions(source)}
    shortest: dict[str, str] = {}
    for failure in failures:
        text = _example(failure, dict(tests), known)
        before = shortest.get(function_of(failure.test))
        if text and not find_leaks(text, answer) and (before is None or len(text) < len(before)):
            shortest[function_of(failure.test)] = text
    if not shortest:
        return told
    shown = sorted(dict.fromkeys(shortest.values()), key=len)[:MAX_EXAMPLES]
    return "\n\n".join([told, "For example, this fails:" if len(shown) == 1 else "For example, these fail:", *shown])


def _example(failure: Failure, tests: dict[str, bytes], known: set[str]) -> str:
    try:
        blocks = failing_lines(failure, tests, known).blocks
    except (SyntaxError, ValueError):
        return ""
    if not blocks:
        return ""
    shown = [line for block in blocks for line in shorten(block, MAX_STATEMENT_LINES + 1 - len(blocks))]
    return "\n".join(f"    {line}" for line in (*shown, *message_lines(failure)))
