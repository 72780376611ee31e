"""Which mutants are tried, and in which order: every function and every operator gets its turn."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from itertools import zip_longest

from journeyman.tasks.sources.baseline import Baseline
from journeyman.tasks.sources.code import Function, faults_in, functions_in, is_python
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.suite import tests_near
from journeyman.tasks.sources.trial import Mutant, tests_for


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks are wished for; by default, all that can be proven."""

    one_line: bool = False
    """Only faults that a change of one line mends."""
    max_function_lines: int | None = None
    """Longest function that may hold the fault, in lines with its docstring."""
    named: bool = False
    """Only where the instruction names the function that holds the fault."""

    def takes(self, mutation: Mutation, function: Function, mentioned: Set[str]) -> bool:
        """Whether a mutation may give such a task. `mentioned` holds the words of the library's tests."""
        if (self.one_line and not mutation.one_line) or (self.named and function.name not in mentioned):
            return False
        return self.max_function_lines is None or function.lines <= self.max_function_lines


@dataclass(slots=True)
class Quota:
    """How many tasks one function and one operator may give, so that no kind crowds out others. A place gives one."""

    per_function: int
    per_operator: int
    functions: Counter[tuple[str, str]] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    places: set[tuple[str, int]] = field(default_factory=set)
    """(module, first byte) of the faults so far."""

    @classmethod
    def for_count(cls, count: int, functions: int) -> Quota:
        return cls(max(3, -(-3 * count // (2 * max(1, functions)))), max(3, -(-count // 4)))

    def allows(self, mutation: Mutation) -> bool:
        return (
            (mutation.path, mutation.start) not in self.places
            and self.functions[mutation.path, mutation.function] < self.per_function
            and self.operators[mutation.operator] < self.per_operator
        )

    def take(self, mutation: Mutation) -> None:
        self.functions[mutation.path, mutation.function] += 1
        self.operators[mutation.operator] += 1
        self.places.add((mutation.path, mutation.start))


def mutants_in_turn(library: Library, baseline: Baseline, seed: int, wanted: Wanted) -> tuple[Mutant, ...]:
    """All mutants that some test touches, the same for the same seed: one of each function, then the next of each, and
    within a function one of each operator, then the next of each.
    """
    rng = random.Random(f"{seed}:{library.sdist.requirement}")
    groups = list(_by_function(library, baseline, wanted))
    rng.shuffle(groups)
    turns = zip_longest(*(list(_vary(group, rng)) for group in groups))
    return tuple(mutant for turn in turns for mutant in turn if mutant is not None)


def _by_function(library: Library, baseline: Baseline, wanted: Wanted) -> Iterator[list[Mutant]]:
    seen: set[str] = set()
    mentioned = {word.decode() for path in library.tests for word in re.findall(rb"[A-Za-z_]\w*", library.read(path))}
    for path in library.sources:
        source = library.read(path)
        try:
            found = faults_in(path, source)
        except ValueError:
            continue  # a module for another Python: no test that passed can have imported it
        functions = {function.qualname: function for function in functions_in(path, source)}
        groups: dict[str, list[Mutant]] = defaultdict(list)
        for mutation in found:
            function = functions[mutation.function]
            tests = _tests_on(baseline, path, function)
            if not tests or not wanted.takes(mutation, function, mentioned):
                continue
            key = hashlib.sha256(path.encode() + b"\0" + mutation.apply(source)).hexdigest()[:12]
            if key not in seen:
                seen.add(key)
                groups[mutation.function].append(Mutant(key, mutation, function, source, tests))
        yield from groups.values()


def _tests_on(baseline: Baseline, path: str, function: Function) -> tuple[str, ...]:
    return tests_for(baseline, path, function) if is_python(path) else tests_near(baseline, path)


def _vary(group: list[Mutant], rng: random.Random) -> Iterator[Mutant]:
    by_operator: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in group:
        by_operator[mutant.mutation.operator].append(mutant)
    columns = list(by_operator.values())
    for column in columns:
        rng.shuffle(column)
    rng.shuffle(columns)
    return (mutant for turn in zip_longest(*columns) for mutant in turn if mutant is not None)
