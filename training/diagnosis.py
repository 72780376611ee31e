"""What a failing test says about the change that mended it, in one short line that is true by construction.

Nothing in it is made up: the message is the failing run's, as it was observed; the line is one that the mending change
replaced; and a later run, in which the same test passed, shows that it was mended.

    assert False: line 22 still reads `return total(self.prices) > FREE_FROM`
    assert 3 == 4: line 12 now reads `return x - 1`             (a change of the episode's own made it so)
    KeyError: 'b': after line 7 something is missing
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.changes import changes_of
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.text import shorten
from journeyman.policies.dialect import Dialect

MESSAGE_CHARS = 60
LINE_CHARS = 60


def is_broken(tests: TestRun | None) -> bool:
    """Whether a test run found something failing."""
    return tests is not None and bool(tests.failed or tests.errors)


def diagnosis(steps: Sequence[Step], fix: int) -> str:
    """The line to be said before the action `fix`: the first change after a test run that failed; else empty."""
    failed = _failed_run(steps, fix)
    did = changes_of(steps[fix].diff)
    if failed is None or not did or not _passes_later(failed, steps[fix:]):
        return ""
    change = did[0]
    offset = next((number for number, old in enumerate(change.old) if old.strip()), None)
    if offset is not None:
        own = {(each.path, new) for step in steps[:fix] for each in changes_of(step.diff) for new in each.new}
        is_own = (change.path, change.old[offset]) in own
        row = shorten(change.old[offset].strip(), LINE_CHARS)
        what = f"line {change.line + offset} {'now' if is_own else 'still'} reads `{row}`"
    elif change.line > 1 and not change.old:
        what = f"after line {change.line - 1} something is missing"
    else:
        return ""
    return f"{shorten(_message(failed), MESSAGE_CHARS)}: {what}"


def with_diagnosis(said: str, action: Action, dialect: Dialect) -> str:
    """A call as it is written, with a line before it; without it where the call would not be read back so."""
    written = dialect.format(action)
    if not said or action.tool == MALFORMED:
        return written
    alone, both = dialect.parse(written), dialect.parse(f"{said}\n{written}")
    same = (alone.tool, dict(alone.arguments)) == (both.tool, dict(both.arguments))
    return f"{said}\n{written}" if same else written


def _failed_run(steps: Sequence[Step], fix: int) -> Step | None:
    """The failing test run that the change answers: nothing was changed in between."""
    for step in reversed(steps[:fix]):
        if step.tests is not None:
            return step if is_broken(step.tests) else None
        if step.diff:
            return None
    return None


def _passes_later(failed: Step, after: Sequence[Step]) -> bool:
    first = _first(failed)
    passed = [test for step in after if step.tests is not None for test in step.tests.passed]
    return any(test == first or test.startswith(f"{first}::") for test in passed)


def _first(failed: Step) -> str:
    """The test that the message is of, or the file that could not be collected: the first that was explained."""
    assert failed.tests is not None
    names = (*failed.tests.errors, *failed.tests.failed)
    shown = failed.observation.text.split("\n")[1:2]
    return next((name for name in names if name in shown), names[0])


def _message(failed: Step) -> str:
    """The first failure's message, else the name of the test."""
    indented = [line.strip() for line in failed.observation.text.split("\n") if line.startswith("  ") and line.strip()]
    if indented:
        return indented[0].removeprefix("AssertionError: ").rstrip(":")
    return f"{_first(failed).rsplit('::', 1)[-1]} fails"
