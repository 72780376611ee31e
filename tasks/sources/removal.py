"""The source `removal`: a function, or all methods of a class, lose their bodies; the library's tests want them back.

Each removal is a `Mutation`, so it is tried, recorded, built and proven as a single fault is. What is said differs:
signature and docstring as they stand, and lines that call it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from journeyman.tasks.sources.baseline import Baseline
from journeyman.tasks.sources.contract import calls_of, contract
from journeyman.tasks.sources.functions import Function, Span
from journeyman.tasks.sources.hide import cut
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.operators.mutation import Change, Mutation, place
from journeyman.tasks.sources.stubs import Unit, find_units, stubbed_body
from journeyman.tasks.sources.symptom import Symptom
from journeyman.tasks.sources.trial import MAX_NEIGHBOURS, MAX_TESTS, Mutant

FUNCTION, CLASS = "removed_function", "removed_class"
OPERATORS = frozenset({FUNCTION, CLASS})
MAX_CALLS = 3
LEAST_METHODS = 2
"""Methods that make the removal of a class another task than that of a function."""
EASY_LINES, MEDIUM_LINES = 8, 25
"""Longest in lines, with signatures and docstrings."""


def removals_in_turn(library: Library, baseline: Baseline, seed: int) -> tuple[Mutant, ...]:
    """All removals that some test notices, the same for the same seed: two functions, then a class, and so on."""
    functions: list[Mutant] = []
    classes: list[Mutant] = []
    for path in library.sources:
        source = library.read(path)
        able = [unit for unit in find_units(path, source) if not baseline.imported & set(unit.lines)]
        functions += _mutants(FUNCTION, ([unit] for unit in able if len(unit.functions) == 1), source, baseline)
        classes += _mutants(CLASS, _classes(able), source, baseline)
    rng = random.Random(f"{seed}:{library.sdist.requirement}:removal")
    rng.shuffle(functions)
    rng.shuffle(classes)
    turns = zip_longest(functions[::2], functions[1::2], classes)
    return tuple(mutant for turn in turns for mutant in turn if mutant is not None)


def removed(mutation: Mutation, pristine: bytes) -> list[Unit]:
    """The units that a removal took."""
    span = Span(mutation.start, mutation.end)
    return [
        u for u in find_units(mutation.path, pristine) if all(Span(*_ends(pristine, f)) in span for f in u.functions)
    ]


def statement(
    mutant: Mutant, symptom: Symptom, hidden: Iterable[str], tests: Mapping[str, bytes], library: Library
) -> str:
    """The instruction: what is missing, its contract, who calls it, one failing test.

    Args:
        hidden: test functions that a policy does not see; none of their lines is quoted.
    """
    mutation = mutant.mutation
    callers = {path: cut(path, source, hidden) for path, source in tests.items()}
    inside = {path: mutant.source if path == mutation.path else library.read(path) for path in library.sources}
    of_class = mutation.operator == CLASS
    gone = "its methods raise" if of_class else "it raises"
    lines = [
        f"`{mutation.function}` of `{mutation.path}` is a stub: {gone} `NotImplementedError`. Implement it.",
        contract(removed(mutation, mutant.pristine), {mutation.path: mutant.pristine}, callers),
    ]
    called = [f"    {path}: {line}" for path, line in calls_of(mutation.function.rpartition(".")[2], inside)]
    if called:
        lines.append("It is called in\n\n" + "\n".join(called[:MAX_CALLS]))
    lines.append(symptom.text.partition("\n")[2])
    return "\n\n".join(lines)


def is_told(mutant: Mutant, symptom: Symptom) -> bool:
    """Whether anything says what a removed function should do: its docstring, a test that names it, or the language."""
    function = mutant.function
    if mutant.mutation.operator == CLASS or function.name.startswith("__"):
        return True
    return (isinstance(function, Function) and function.docstring is not None) or symptom.names_the_fault


def difficulty(mutant: Mutant) -> str:
    """By how much must be written."""
    lines = mutant.mutation.original.count("\n") + 1
    if mutant.mutation.operator == CLASS or lines > MEDIUM_LINES:
        return "hard"
    return "easy" if lines <= EASY_LINES else "medium"


def _classes(units: list[Unit]) -> Iterator[list[Unit]]:
    by_class: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.functions[0].is_method:
            by_class.setdefault(unit.qualname.rpartition(".")[0], []).append(unit)
    return (methods for methods in by_class.values() if len(methods) >= LEAST_METHODS)


def _mutants(operator: str, groups: Iterable[list[Unit]], source: bytes, baseline: Baseline) -> Iterator[Mutant]:
    for units in groups:
        functions = sorted((f for unit in units for f in unit.functions), key=lambda f: f.span.start)
        tests = _tests(units, baseline)
        if not tests:
            continue
        path, owner = units[0].path, units[0].qualname.rpartition(".")[0]
        mutation = _removal(operator, path, owner if operator == CLASS else units[0].qualname, source, functions)
        key = hashlib.sha256(path.encode() + b"\0" + mutation.apply(source)).hexdigest()[:12]
        yield Mutant(key, mutation, functions[0], source, tests)


def _removal(operator: str, path: str, name: str, source: bytes, functions: list[Function]) -> Mutation:
    """One change from the first body to the end of the last; what stands between them stays."""
    start, end = _ends(source, functions[0])[0], _ends(source, functions[-1])[1]
    changed = source[start:end]
    for function in reversed(functions):
        span, replacement = stubbed_body(source, function)
        changed = changed[: span.start - start] + replacement + changed[span.end - start :]
    return place(operator, path, name, source, Change(start, end, changed.decode()))


def _ends(source: bytes, function: Function) -> tuple[int, int]:
    span, _ = stubbed_body(source, function)
    return span.start, span.end


def _tests(units: list[Unit], baseline: Baseline) -> tuple[str, ...]:
    """Tests that enter any of the units, then some of their module that enter none."""
    touching = list(dict.fromkeys(t for u in units for where in u.lines for t in baseline.touching.get(where, ())))
    if not touching:
        return ()
    inside = set(touching)
    near = [test for test in baseline.of_module(units[0].path) if test not in inside]
    far = [test for test in baseline.tests if test not in inside and test not in near]
    return (*touching[:MAX_TESTS], *(near + far)[:MAX_NEIGHBOURS])
