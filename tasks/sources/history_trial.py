"""Which tests close which step, and which steps each step needs: not guessed from the changes, but run.

A test of a step fails in every state before it and passes in every state after it. A step needs another if its tests
do not pass without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from journeyman.sandbox.sandbox import Environment, SandboxFactory, SandboxLost
from journeyman.tasks.report import TestReport
from journeyman.tasks.runner import run_tests
from journeyman.tasks.sources.commit_trial import RUNS, TIMEOUT_S, always, fails, failure_of
from journeyman.tasks.sources.git_history import Unfit
from journeyman.tasks.sources.history_states import States
from journeyman.tasks.sources.trial import Failure

MAX_CHECKS = 12
"""Checks of a milestone."""
MAX_KEPT = 40
"""Checks that must go on passing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A step that tests tell from the one before."""

    number: int
    """Of the step, from 1."""
    tests: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    """How they fail without it."""


@dataclass(frozen=True, slots=True)
class StateBench:
    """Runs tests on any source, in a sandbox of its own each time."""

    states: States
    repository: Path
    """Folder with the files of state 0."""
    hidden: Mapping[str, bytes]
    environment: Environment
    sandboxes: SandboxFactory = field(repr=False)

    def run(
        self, sources: Mapping[str, bytes], *, ids: Sequence[str] | None = None, files: Sequence[str] = ()
    ) -> TestReport:
        """Run some tests, or all of some files.

        Raises:
            Unfit: they took too long, or brought the sandbox down.
        """
        with self.sandboxes.create(self.environment, self.repository) as sandbox:
            for path, data in {**self.hidden, **sources}.items():
                sandbox.write(path, data)
            target = list(files) if ids is None else None
            try:
                report = run_tests(sandbox, ids=ids, target=target, timeout_s=TIMEOUT_S)
            except SandboxLost as error:
                raise Unfit("its tests bring the sandbox down", str(error)) from error
        if report.timed_out:
            raise Unfit("its tests take too long", report.headline())
        return report


def tell_apart(bench: StateBench, progress: Callable[[int, int], None]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """The steps that tests tell apart, with their tests; and the tests that pass in every state.

    Raises:
        Unfit: no test passes at the end, or they do not come to theirs.
    """
    number = len(bench.states.steps)
    runs = number + RUNS * (number + 1)
    passing = _passing(bench, bench.states.test_files())
    candidates: dict[str, int] = {}
    failures: dict[str, Failure] = {}
    for step in range(1, number + 1):
        found = _candidates(bench, step)
        candidates |= dict.fromkeys(found, step)
        failures |= found
        progress(step, runs)
    kept = [test for test in passing if test not in candidates]
    alive = [*candidates, *kept]
    for state in range(number + 1):
        sources = bench.states.sources(state)
        reports = [bench.run(sources, ids=alive) for _ in range(RUNS)]
        passed = set(always(reports, "passed"))
        alive = [
            test for test in alive if (test in passed if state >= candidates.get(test, 0) else fails(test, reports))
        ]
        progress(number + RUNS * (state + 1), runs)
    left = [test for test in alive if test in candidates]
    steps = sorted({candidates[test] for test in left})
    told = {step: [test for test in left if candidates[test] == step] for step in steps}
    return tuple(
        Found(step, tuple(tests), tuple(failures[test] for test in tests if failures[test].test))
        for step, tests in told.items()
    ), tuple(test for test in alive if test not in candidates)[:MAX_KEPT]


def _candidates(bench: StateBench, step: int) -> dict[str, Failure]:
    """Tests of a step that pass on it and not before it → how they fail before it; one without words says nothing."""
    files = list(bench.states.brought(step))
    if not files:
        return {}
    try:
        after = bench.run(bench.states.sources(step), files=files)
        before = bench.run(bench.states.sources(step - 1), files=files)
    except Unfit:
        return {}
    nothing = Failure("", "", "", ())
    passed = [test for test in always([after], "passed") if fails(test, [before])]
    return {test: failure_of(test, before) or nothing for test in passed}


def _passing(bench: StateBench, files: Sequence[str]) -> list[str]:
    last = bench.run(bench.states.sources(len(bench.states.steps)), files=files)
    if not last.passed:
        said = last.summary(1) if last.results else last.output.strip().rpartition("\n")[2]
        raise Unfit("no test passes on the last commit", f"{last.headline()}: {said}")
    return always([last], "passed")


def needs(
    bench: StateBench, parts: Sequence[tuple[int, int]], checks: Sequence[Sequence[str]], progress: Callable[[], None]
) -> tuple[frozenset[int], ...]:
    """For each part the places of the earlier parts that its checks do not pass without.

    Args:
        parts: the states before and after each part, in order.
    """
    found: list[frozenset[int]] = []
    for place, own in enumerate(checks):

        def enough(needed: frozenset[int], place: int = place, own: Sequence[str] = own) -> bool:
            return _pass_with(bench, parts, {*needed, place}, own)

        before = frozenset(range(place))
        found.append(_without(sorted(before, reverse=True), before, enough))
        progress()
    return tuple(found)


def _without(block: Sequence[int], needed: frozenset[int], enough: Callable[[frozenset[int]], bool]) -> frozenset[int]:
    """What is left of `needed` once as much of a block is taken away as can be: all at once, else half by half."""
    if not block:
        return needed
    if enough(needed - set(block)):
        return needed - set(block)
    half = (len(block) + 1) // 2
    return needed if len(block) == 1 else _without(block[half:], _without(block[:half], needed, enough), enough)


def _pass_with(
    bench: StateBench, parts: Sequence[tuple[int, int]], places: Collection[int], ids: Sequence[str]
) -> bool:
    sources = bench.states.merged([parts[place] for place in sorted(places)])
    if sources is None:
        return False
    try:
        return set(bench.run(sources, ids=list(ids)).passed) >= set(ids)
    except Unfit:
        return False


def direct(needed: Sequence[frozenset[int]]) -> tuple[tuple[int, ...], ...]:
    """Of the parts that each needs, those that no other of them needs anyway."""
    above: list[set[int]] = []
    for own in needed:
        above.append(set(own).union(*(above[other] for other in own)))
    return tuple(tuple(sorted(own - set[int]().union(*(above[other] for other in own)))) for own in needed)
