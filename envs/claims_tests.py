"""What the record shows of tests: the runs of the `test` action, and pytest started by a plain command.

A claim may name all tests (nothing), a folder, a file, a class, a test, one of its cases, or a test by its bare name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from journeyman.envs.claims_changes import Changes
from journeyman.envs.claims_commands import Command, plain_subject
from journeyman.envs.claims_pytest import may_run, runs_of
from journeyman.envs.episode import Step

_MARKS = ("::", "/", "[")
"""What follows the name of a class, file or folder in a test's id, or the name of a test with cases."""
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
ALL = frozenset(
    {
        "all",
        "all tests",
        "the tests",
        "test suite",
        "the test suite",
        "suite",
        "full suite",
        "everything",
        "whole test suite",
        "the whole test suite",
        "full test suite",
        "the whole suite",
        "whole suite",
        "the full suite",
        "the full test suite",
        "the entire suite",
        "the entire test suite",
        "entire test suite",
        "all the tests",
        "every test",
    }
)
"""Words that say what an empty subject says."""
THAT_FAILED = frozenset(
    f"{before}{which}{what}"
    for before in ("", "the ", "the one ", "the only ", "all ", "all the ", "all of the ")
    for which in ("failing ", "broken ", "red ")
    for what in ("test", "tests")
)
"""Words that say of what is fixed what an empty subject says."""


def is_about(node_id: str, subject: str) -> bool:
    """Whether a test is the subject, stands in it (a file, folder or class), or is a case of it."""
    return node_id == subject or any(node_id.startswith(subject.rstrip("/") + mark) for mark in _MARKS)


@dataclass(frozen=True, slots=True)
class Told:
    """What one run tells of one subject."""

    step: int
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    whole: bool
    """All that the subject names was run."""
    shell: bool = False
    """By a command, which prints what the tests print."""
    skips: bool = False
    """Some tests were skipped, or expected to fail, and it does not say which."""


@dataclass(slots=True)
class _Run:
    step: int
    target: str
    """What it was to run: empty for all, "-k …" for some."""
    passed: Sequence[str]
    failed: Sequence[str]
    complete: bool
    shell: bool = False
    chosen: bool = False
    """It had no target, and the environment chose some tests."""
    skips: bool = False
    broken: bool = False
    """Some test of its target failed or was cut short, though perhaps none is named."""

    def covers(self, subject: str, told: Collection[str]) -> bool:
        """Whether it ran all that the subject names, of which it told these tests."""
        if not self.complete or self.target.startswith("-"):
            return False
        if not self.target:
            return not self.chosen or not subject  # what it was given to run is all tests, but no folder's or file's
        if "/" in subject or "::" in subject or subject.endswith(".py") or not told:
            return bool(subject) and is_about(subject, self.target)
        return bool(subject) and all(is_about(id_.partition("[")[0], self.target) for id_ in told)


@dataclass(slots=True)
class _Last:
    """The last outcome of each test, as runs tell it."""

    failing: dict[str, int] = field(default_factory=dict)
    passing: dict[str, int] = field(default_factory=dict)

    def hear(self, told: Told) -> None:
        if told.whole and not told.failed:
            self.failing.pop(SOME_TEST, None)
            if told.shell and not told.skips:
                self.failing.clear()
        for id_ in told.passed:
            if "::" not in id_:  # a whole file, as commands tell it
                self.failing = {each: n for each, n in self.failing.items() if not is_about(each, id_)}
            self.failing.pop(id_, None)
            self.failing.pop(id_.partition("::")[0], None)  # its file could not be loaded then
            self.passing[id_] = told.step
        for id_ in told.failed:
            self.passing.pop(id_, None)
            self.failing[id_] = told.step


class Tests:
    """The runs of an episode by what claims ask for."""

    __test__ = False  # not a pytest class

    def __init__(
        self, steps: Sequence[Step], commands: Mapping[int, Command], subjects: Collection[str], changes: Changes
    ) -> None:
        self.changes = changes
        runs = list(_runs(steps, commands, changes))
        self.any = any(run.passed or run.failed or run.shell for run in runs)
        perhaps = list(dict.fromkeys(target for command in commands.values() for target in may_run(command)))
        self._perhaps = perhaps if len(perhaps) <= _MOST_TARGETS else [""]
        self._spoiled = [_target(step) for step in steps if _is_spoiled(step)]
        self._now: dict[str, tuple[_Last, list[Told]]] = {}
        self._told = _told(runs, frozenset(subjects), changes.net)

    def may_have_run(self, subject: str) -> bool:
        """Whether a command, or a test run that a fault spoiled, may have run it, of which the record does not tell."""
        return any(
            not target or not subject or _may_hold(target, subject) for target in (*self._perhaps, *self._spoiled)
        )

    def told(self, subject: str) -> list[Told]:
        return self._told.get(subject, [])

    def now(self, subject: str) -> tuple[_Last, list[Told]]:
        """The last outcomes that hold for the files as they are at the end, and the runs that tell them."""
        if subject not in self._now:
            current, last = [told for told in self.told(subject) if self.changes.is_current(told.step)], _Last()
            for told in current:
                last.hear(told)
            self._now[subject] = last, current
        return self._now[subject]

    def unseen_failures(self, subject: str) -> list[tuple[str, int]]:
        """Tests that failed in some run and were not seen to pass in any later one, with that step."""
        (last, _), ever = self.now(subject), _Last()
        for told in self.told(subject):
            ever.hear(told)
        return [(id_, n) for id_, n in ever.failing.items() if id_ not in last.passing]


def _runs(steps: Sequence[Step], commands: Mapping[int, Command], changes: Changes) -> Iterator[_Run]:
    trusted = True
    """A command's word is taken only while nothing stands in pytest's way that the policy put there."""
    for n, step in enumerate(steps, 1):
        trusted = trusted and not any(_IN_THE_WAY.search(path) for path in changes.of_step.get(n, ()))
        if step.tests is not None:
            target, tests, ok = _target(step), step.tests, step.observation.ok
            died = not ok and _DIED.search(step.observation.text) is not None
            failed = (*tests.failed, *tests.errors)
            yield _Run(n, target, tests.passed, failed, ok, chosen=tests.chosen, broken=died)
        elif trusted and (command := commands.get(n)):
            for each in runs_of(command):
                yield _Run(
                    n, each.target, each.passed, each.failed, each.complete, shell=True, skips=each.skips,
                    broken=each.broken,
                )  # fmt: skip


def _may_hold(target: str, subject: str) -> bool:
    """Whether a run of a test, file or folder may have run what a claim names, of which it tells nothing."""
    if is_about(subject, target) or is_about(target, subject):
        return True
    if "/" in subject:
        return False
    # A bare name: where it stands nobody knows, unless it names its file, or the target a single test.
    file, _, test = target.partition("::")
    first = subject.partition("::")[0]
    if first.endswith(".py"):
        return not file.endswith(".py") or file.rsplit("/", 1)[-1] == first
    return not test or is_about(subject.rpartition("::")[2], test.rpartition("::")[2].partition("[")[0])


def _target(step: Step) -> str:
    """What a `test` step was to run; empty for all."""
    return plain_subject(str(step.action.arguments.get("target") or ""))


def _is_spoiled(step: Step) -> bool:
    """Whether a test run was asked for, and a fault of the environment's left no result of it."""
    return step.action.tool == "test" and bool(step.fault) and step.tests is None


_IN_THE_WAY = re.compile(
    r"(?:^|/)(?:conftest\.py|pytest[^/]*|_pytest|sitecustomize\.py|usercustomize\.py|[^/]*\.(?:ini|toml|cfg|pth))(?:/|$)"
)
_DIED = re.compile(r"; (?:the test process died before its end|timed out after \d+ s)$", re.M)
_MOST_TARGETS = 1000
"""Of more it is not looked up which were meant: commands print what they like, and a report may hold thousands of
claims."""
SOME_TEST = ""
"""Stands for a test that failed and was not named."""


def _told(runs: Sequence[_Run], subjects: frozenset[str], changed: Collection[str]) -> dict[str, list[Told]]:
    """Each run is read once, however many claims there are: a report may hold thousands."""
    found: dict[str, list[Told]] = {subject: [] for subject in subjects}
    bare = {subject for subject in subjects if subject and "/" not in subject}
    stems = {subject.rstrip("/"): subject for subject in subjects if subject}
    lengths = set(map(len, stems))
    keys: dict[str, set[str]] = {}
    by_file: dict[str, list[str]] = {}
    for subject in subjects:
        if "::" in subject:
            by_file.setdefault(subject.partition("::")[0], []).append(subject)
    for run in runs:
        told: dict[str, tuple[list[str], list[str]]] = {}
        for side, ids in enumerate((run.passed, run.failed)):
            for id_ in ids:
                if id_ not in keys:
                    keys[id_] = _keys(id_, stems, lengths, bare)
                for key in keys[id_]:
                    told.setdefault(key, ([], []))[side].append(id_)
        _file_errors(run, by_file, told)
        if "" in subjects and (run.passed or run.failed or run.shell or run.broken):
            told[""] = (list(run.passed), list(run.failed))
        if (run.shell or run.broken) and run.target in subjects:
            told.setdefault(run.target, ([], []))
        for subject, (passed, failed) in told.items():
            if run.broken and not failed and subject in ("", run.target):
                failed = [SOME_TEST]
            found[subject].append(_tell(run, subject, passed, failed))
    for subject, known in found.items():
        meant = subject
        if "/" not in subject and (one := _one_test(subject, known)):
            found[subject] = known = [replace(told, whole=told.whole or bool(told.passed)) for told in known]
            meant = one
        if known and (unnamed := [run for run in runs if _ran_unnamed(run, meant, known, changed)]):
            known.extend(Told(run.step, (), (), True, True) for run in unnamed)
            known.sort(key=lambda told: told.step)
    return found


def _one_test(subject: str, known: Sequence[Told]) -> str:
    """The one test that a bare name was ever seen to mean, without cases beside it; empty where there are others."""
    ids = {id_ for told in known for id_ in (*told.passed, *told.failed)}
    return min(ids) if len(ids) == 1 and min(ids).endswith(f"::{subject}") else ""


def _ran_unnamed(run: _Run, subject: str, known: Sequence[Told], changed: Collection[str]) -> bool:
    """Whether a command that named no test ran these and all passed: they are known, and their file is as it was."""
    return (
        run.shell and not run.broken and not run.skips and "/" in subject and run.covers(subject, ())
        and all(told.step != run.step for told in known) and subject.partition("::")[0] not in changed
    )  # fmt: skip


def _tell(run: _Run, subject: str, passed: Sequence[str], failed: Sequence[str]) -> Told:
    leaf = list(passed) == [subject] and not failed
    return Told(run.step, tuple(passed), tuple(failed), leaf or run.covers(subject, [*passed, *failed]), run.shell,
                run.skips)  # fmt: skip


def _keys(id_: str, stems: dict[str, str], lengths: set[int], bare: Collection[str]) -> set[str]:
    """The subjects that a test belongs to."""
    names = {id_[: mark.start()] for mark in _MARK.finditer(id_) if mark.start() in lengths} | {id_}
    found = {stems[name] for name in names if name in stems}
    if bare:
        found |= _bare_names(id_) & set(bare)
    return found


def _bare_names(id_: str) -> set[str]:
    """What a test may be called by without its folder: its file, its class, itself, with or without its case."""
    path, _, rest = id_.partition("::")
    parts = rest.partition("[")[0].split("::") if rest else []
    names = {"::".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}
    file = path.rsplit("/", 1)[-1]
    names |= {file, *(f"{file}::{'::'.join(parts[:j])}" for j in range(1, len(parts) + 1))}
    if "[" in rest:
        case = rest[rest.index("[") :]
        names |= {f"{'::'.join(parts[i:])}{case}" for i in range(len(parts))} | {f"{file}::{rest}"}
    return names


def names_test(subject: str, id_: str) -> bool:
    """Whether a claim's subject means a test, among others or alone."""
    name = tests_named(subject)
    return not name or is_about(id_, name) or ("/" not in name and name in _bare_names(id_))


def tests_named(subject: str) -> str:
    """A claim's subject as the name of tests; empty for all of them."""
    plain = plain_subject(subject)
    return "" if " ".join(plain.casefold().split()) in ALL else plain.rstrip("/")


def _file_errors(run: _Run, by_file: Mapping[str, Sequence[str]], told: dict[str, tuple[list[str], list[str]]]) -> None:
    """A file that cannot be loaded fails each test in it."""
    for id_ in run.failed:
        for subject in by_file.get(id_, ()) if "::" not in id_ else ():
            told.setdefault(subject, ([], []))[1].append(id_)
