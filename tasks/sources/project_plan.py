"""Which functions of a library are stubbed, and which tests close which milestone: planned from traces, then tried.

A trace says which functions a test enters; it cannot say whether the test passes without one (an exception may be
swallowed, a result kept from an earlier test). So each milestone is tried: with its functions and those it builds on,
and all others stubbed, exactly the tests of these milestones may pass. What does not behave so is no check, and a
function that is left without any stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from journeyman.sandbox.sandbox import Sandbox
from journeyman.tasks.report import TestReport
from journeyman.tasks.runner import run_tests
from journeyman.tasks.sources.baseline import Baseline
from journeyman.tasks.sources.hide import function_of
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.milestones import Group, ancestors, groups_of
from journeyman.tasks.sources.project import by_module
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.stubs import Unit, find_units, stub

LEAST = 3
"""Milestones that make a project."""
MAX_CHECKS = 12
"""Checks of a milestone, or as many as it takes to enter each of its functions."""
EACH, SPARE = 3, 24
"""Tests of a function, and of a milestone, that are tried: one that fails takes far longer than one that passes, and
hundreds tell no more than a few.
"""
MAX_NEIGHBOURS = 20
"""Tests that need nothing of what is stubbed: what a solution must not break."""
ROUNDS = 5
TIMEOUT_S, SLOWER = 30.0, 10.0
"""Of one run, and how much slower than measured its tests may be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Groups whose tests were seen to behave as milestones must."""

    groups: tuple[Group, ...]
    """With the tests that become checks, the most telling first."""
    neighbours: tuple[str, ...]
    units: dict[str, Unit]


def units_of(library: Library, baseline: Baseline, modules: Sequence[str]) -> dict[str, Unit]:
    """What can be stubbed in some modules: what a test enters and what does not run at import. In library order."""
    found = [unit for path in modules for unit in find_units(path, library.read(path))]
    return {
        unit.id: unit
        for unit in found
        if any(place in baseline.touching for place in unit.lines) and not baseline.imported & set(unit.lines)
    }


def needs_of(baseline: Baseline, units: Mapping[str, Unit]) -> dict[str, frozenset[str]]:
    """Test → the units it enters, for tests that enter any."""
    entered: dict[str, set[str]] = {test: set() for test in baseline.tests}
    for unit in units.values():
        for place in unit.lines:
            for test in baseline.touching.get(place, ()):
                entered[test].add(unit.id)
    return {test: frozenset(names) for test, names in entered.items() if names}


def plan_project(
    library: Library,
    baseline: Baseline,
    modules: Sequence[str],
    sandbox: Sandbox,
    most: int,
    progress: Callable[[int, int], None],
) -> Plan:
    """Plan a project over some modules of a library.

    Args:
        sandbox: one with the library's pristine files in which nothing was run yet; its files are changed.
        most: milestones that there may be.
        progress: called with (done, all) after each run of the tests.

    Raises:
        SourceError: their tests give fewer than three milestones.
    """
    units = units_of(library, baseline, modules)
    for _ in range(ROUNDS):
        needs = needs_of(baseline, units)
        groups = groups_of(needs, list(units), most)
        if len(groups) < LEAST:
            break
        wanted = tuple(replace(group, tests=_telling(group, needs, each=EACH, most=SPARE)) for group in groups)
        bench = _Bench(library, baseline, sandbox, needs, wanted)
        tried = bench.try_groups(wanted, progress)
        kept = {name for group in tried for name in _covered(group.tests, needs) & set(group.functions)}
        if kept == units.keys():
            chosen = tuple(replace(g, tests=_telling(g, needs, each=1, most=MAX_CHECKS)) for g in tried)
            return Plan(chosen, bench.neighbours, units)
        units = {name: unit for name, unit in units.items() if name in kept}
    names = ", ".join(modules[:3]) + (", …" if len(modules) > 3 else "")
    raise SourceError(
        f"{library.sdist.requirement}: its tests tell fewer than {LEAST} milestones apart in {names}; "
        "name other modules"
    )


def _covered(tests: Sequence[str], needs: Mapping[str, frozenset[str]]) -> set[str]:
    return set[str]().union(*(needs[test] for test in tests))


def _telling(group: Group, needs: Mapping[str, frozenset[str]], *, each: int, most: int) -> tuple[str, ...]:
    """The most specific tests of each function, and then, up to so many, one of each test function in turn."""
    ranked = sorted(group.tests, key=lambda test: len(needs[test]))  # else as they run: the same on every machine
    chosen: dict[str, None] = {}
    for name in group.functions:
        chosen |= dict.fromkeys(islice((test for test in ranked if name in needs[test]), each))
    seen: dict[str, int] = {}
    turns: dict[str, int] = {}
    for test in ranked:
        turns[test] = seen[function_of(test)] = seen.get(function_of(test), -1) + 1
    for test in sorted(ranked, key=turns.__getitem__):
        if len(chosen) >= most:
            break
        chosen.setdefault(test)
    return tuple(sorted(chosen, key=ranked.index))


class _Bench:
    """Runs the tests of all groups on the library with some functions stubbed."""

    def __init__(
        self,
        library: Library,
        baseline: Baseline,
        sandbox: Sandbox,
        needs: Mapping[str, frozenset[str]],
        groups: Sequence[Group],
    ) -> None:
        self._library, self._sandbox = library, sandbox
        self._modules = set(by_module(name for group in groups for name in group.functions))
        files = {test.partition("::")[0] for test in needs}
        near = [test for test in baseline.tests if test not in needs and test.partition("::")[0] in files]
        far = [test for test in baseline.tests if test not in needs and test not in near]
        self.neighbours = tuple((near + far)[: 2 * MAX_NEIGHBOURS])
        wanted = {test for group in groups for test in group.tests}
        self._tests = [*(test for test in needs if test in wanted), *self.neighbours]
        self._timeout_s = TIMEOUT_S + SLOWER * sum(baseline.tests[test] for test in self._tests)

    def try_groups(self, groups: tuple[Group, ...], progress: Callable[[int, int], None]) -> tuple[Group, ...]:
        """The groups with those of their tests that pass exactly where they should."""
        good = set(self._tests)
        home = {test: number for number, group in enumerate(groups) for test in group.tests}
        states = [set[int](), *(ancestors(groups, number) for number in range(len(groups)))]
        for done, closed in enumerate(states, start=1):
            open_ = [name for number, group in enumerate(groups) if number not in closed for name in group.functions]
            passed = self._passed_without(open_, good)
            good -= {test for test in good if (test in passed) != (test not in home or home[test] in closed)}
            progress(done, len(states))
        self.neighbours = tuple(test for test in self.neighbours if test in good)[:MAX_NEIGHBOURS]
        return tuple(
            Group(group.functions, tuple(test for test in group.tests if test in good), group.depends_on)
            for group in groups
        )

    def _passed_without(self, functions: Sequence[str], tests: set[str]) -> set[str]:
        """The tests that pass with these functions stubbed. One that never ends is none; the rest is run without it."""
        stubbed = by_module(functions)
        for path in sorted(self._modules):
            self._sandbox.write(path, stub(self._library.read(path), stubbed.get(path, ())))
        ids = [test for test in self._tests if test in tests]
        passed: set[str] = set()
        while ids:
            report: TestReport = run_tests(self._sandbox, ids=ids, timeout_s=self._timeout_s)
            passed |= set(report.passed)
            stuck = report.ids("unfinished")
            if report.complete or not stuck:
                break
            ids = ids[ids.index(stuck[-1]) + 1 :]
        return passed
