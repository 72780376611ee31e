"""A line of commits as steps: each changes source and brings tests, at once or in the commits that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import PurePosixPath

from journeyman.tasks.edits import is_test_file
from journeyman.tasks.sources.commit_sides import is_of_tests, is_source
from journeyman.tasks.sources.git_history import Change, History, Unfit

LOOKED_AT = 40
"""Commits that are looked at for each step that is wanted, the newest, where nobody says where to begin."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work: the state before it and the state after it."""

    before: str
    after: str
    messages: tuple[str, ...]
    """Of its commits that change source."""
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    """Files of tests that it changes or brings, as they are named after it."""


@dataclass(slots=True)
class _Open:
    """A step that is not whole yet."""

    before: str = ""
    messages: list[str] = field(default_factory=list)
    sources: dict[str, None] = field(default_factory=dict)
    tests: dict[str, None] = field(default_factory=dict)


def steps_of(history: History, since: str | None, until: str | None, most: int, least: int) -> tuple[Step, ...]:
    """The newest unbroken run of steps, at most so many, the oldest first.

    A commit that removes or renames source breaks a run, because a reference is a folder of files; so does one that
    makes links, and one that cannot be read.

    Raises:
        SourceError: there is no repository, or no such commit.
    """
    commits = history.line(since, until)
    if since is None:
        commits = commits[-LOOKED_AT * most :]
    looked = [_look(history, commit) for commit in commits]
    runs = [list(_steps(run)) for whole, run in groupby(looked, key=lambda change: change is not None) if whole]
    long_enough = [run for run in runs if len(run) >= least]
    return tuple((long_enough or runs or [[]])[-1][-most:])


def _look(history: History, commit: str) -> Change | None:
    try:
        change = history.change(commit, merges=True)
    except Unfit:
        return None
    odd = any(is_source(path) or is_of_tests(path) for path in change.special)
    return None if odd or any(is_source(path) for path in change.removed) else change


def _steps(run: Iterable[Change | None]) -> Iterator[Step]:
    open_ = _Open()
    last: Step | None = None
    for change in run:
        if change is None:
            continue
        sources = [path for path in change.changed if is_source(path)]
        tests = [path for path in change.changed if is_test_file(PurePosixPath(path))]
        if tests and not sources and not open_.sources:
            if last is not None:  # tests that follow what they test
                last = replace(last, after=change.commit, tests=tuple(dict.fromkeys([*last.tests, *tests])))
            continue
        if not sources and not tests:
            continue
        open_.before = open_.before or change.parent
        open_.messages += [change.message] if sources else []
        open_.sources.update(dict.fromkeys(sources))
        open_.tests.update(dict.fromkeys(tests))
        if open_.sources and open_.tests:
            if last is not None:
                yield last
            last = Step(open_.before, change.commit, tuple(open_.messages), tuple(open_.sources), tuple(open_.tests))
            open_ = _Open()
    if last is not None:
        yield last
