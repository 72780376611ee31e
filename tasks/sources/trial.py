"""A mutant on trial: its file in a live sandbox, the tests that touch its function, and what they say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.sandbox.sandbox import Sandbox
from journeyman.tasks.sources.baseline import Baseline, ask_probe
from journeyman.tasks.sources.code import Function
from journeyman.tasks.sources.operators.mutation import Mutation

MAX_TESTS = 40
"""Tests that enter the function and are run on a mutant of it."""
MAX_NEIGHBOURS = 12
"""Tests of the same module that do not enter the function: what a solution must not break."""
MAX_FAIL_TO_PASS = 12
MAX_PASS_TO_PASS = 20
MUTANT_TIMEOUT_S = 8.0

WRONG_REASONS = frozenset(
    {"NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError"}
    | {"RecursionError", "MemoryError", "SystemExit", "KeyboardInterrupt"}
)
"""Exceptions which say that the change broke the program rather than its behaviour: a linter finds such faults."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation with the changed file and the tests to run on it."""

    key: str
    """Content hash of the path and the changed file: the same result has the same key."""
    mutation: Mutation
    function: Function
    pristine: bytes
    """The whole file without the fault, shared by all mutants of it."""
    tests: tuple[str, ...]

    @property
    def source(self) -> bytes:
        """The whole changed file."""
        return self.mutation.apply(self.pristine)


@dataclass(frozen=True, slots=True)
class Failure:
    """How one test failed on a mutant."""

    test: str
    exception: str
    message: str
    frames: tuple[tuple[str, int, str], ...]
    """(path, line, function) in the workspace, outermost first."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the tests said."""

    mutant: Mutant
    rejected: str
    """Why it makes no task, in a word or two; empty when it does."""
    failures: tuple[Failure, ...] = ()
    passed: tuple[str, ...] = ()


def tests_for(baseline: Baseline, path: str, function: Function) -> tuple[str, ...]:
    """The tests to run on mutants of a function: those that enter it, then some of its module's. None enters: none."""
    touching = baseline.touching.get((path, function.first_line), ())[:MAX_TESTS]
    if not touching:
        return ()
    inside = set(baseline.touching[path, function.first_line])
    return touching + tuple(test for test in baseline.of_module(path) if test not in inside)[:MAX_NEIGHBOURS]


def try_mutants(mutants: Sequence[Mutant], sandbox: Sandbox) -> list[Trial]:
    """Run a batch of mutants of one library in a sandbox that holds its pristine files."""
    spec = {
        "mode": "mutants",
        "timeout_s": MUTANT_TIMEOUT_S,
        "mutants": [
            {
                "key": mutant.key,
                "path": mutant.mutation.path,
                "source": mutant.source.decode("utf-8", "surrogateescape"),
                "tests": list(mutant.tests),
            }
            for mutant in mutants
        ],
    }
    records, _ = ask_probe(sandbox, spec, timeout_s=30.0 + (MUTANT_TIMEOUT_S + 2.0) * len(mutants))
    by_key = {record["key"]: record for record in records if record["kind"] == "mutant"}
    return [_judge(mutant, by_key.get(mutant.key)) for mutant in mutants]


def _judge(mutant: Mutant, record: dict[str, Any] | None) -> Trial:
    if record is None or record["ended"] == "died":
        return Trial(mutant, "crash")
    if record["ended"] == "timeout":
        return Trial(mutant, "timeout")
    if any(entry["kind"] == "broken" for entry in record["tests"]):
        return Trial(mutant, "import fails")
    results = {entry["id"]: entry for entry in record["tests"] if entry["kind"] == "test"}
    if set(results) != set(mutant.tests):
        return Trial(mutant, "tests missing")
    passed = tuple(test for test in mutant.tests if results[test]["outcome"] == "passed")
    failed = [results[test] for test in mutant.tests if results[test]["outcome"] != "passed"]
    if not failed:
        return Trial(mutant, "survived")
    if not passed:
        return Trial(mutant, "everything fails")
    if any(entry["outcome"] != "failed" for entry in failed):
        return Trial(mutant, "set-up fails")
    if any(entry.get("exception") in WRONG_REASONS for entry in failed):
        return Trial(mutant, "wrong reason")
    return Trial(mutant, "", tuple(_failure(entry) for entry in failed), passed)


def _failure(entry: dict[str, Any]) -> Failure:
    frames = tuple((str(path), int(line), str(name)) for path, line, name in entry.get("frames", ()))
    return Failure(entry["id"], entry.get("exception", ""), entry.get("message", ""), frames)
