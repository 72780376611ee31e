"""Milestones out of traces: functions that become testable together, and which of them build on which.

    tests with the functions that each enters → groups, the smallest first → at most so many → a DAG

A group is what the next test needs beyond all groups before it; so its functions can be tested as soon as those are
there, and not before. Its tests are those that need nothing of a later group. It depends on the groups whose functions
its tests enter as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Group:
    """A milestone's functions and tests."""

    functions: tuple[str, ...]
    """`Unit.id` of each, in the order in which they stand in the library."""
    tests: tuple[str, ...]
    depends_on: tuple[int, ...]
    """Places of the groups on which it builds directly, all before its own."""


def groups_of(needs: Mapping[str, frozenset[str]], order: Sequence[str], most: int) -> tuple[Group, ...]:
    """Groups in an order in which each comes after those it depends on.

    Args:
        needs: test → the functions it enters, at least one; a test that enters none belongs to no group.
        order: all functions, as they stand in the library.
        most: how many groups there may be; beyond that, small ones that are near each other are put together.
    """
    place = {name: number for number, name in enumerate(order)}
    parts = _in_turn(needs, place)
    home = dict.fromkeys(needs, 0)
    where = {name: number for number, part in enumerate(parts) for name in part}
    for test, entered in needs.items():
        home[test] = max(where[name] for name in entered)
    graph = _graph(needs, home, where)
    while len(graph) > most:
        keep, gone = _nearest(graph, parts, place)
        parts[keep] |= parts[gone]
        where = {name: keep if number == gone else number for name, number in where.items()}
        home = {test: keep if number == gone else number for test, number in home.items()}
        graph = _graph(needs, home, where)
    turn = list(_in_order(graph, {number: min(place[name] for name in parts[number]) for number in graph}))
    groups = []
    for number in turn:
        functions = tuple(sorted(parts[number], key=place.__getitem__))
        tests = tuple(test for test in needs if home[test] == number)
        groups.append(Group(functions, tests, tuple(sorted(map(turn.index, _reduced(number, graph))))))
    return tuple(groups)


def ancestors(groups: Sequence[Group], number: int) -> set[int]:
    """Places of a group and of all that it builds on."""
    return {number}.union(*(ancestors(groups, parent) for parent in groups[number].depends_on))


def _in_turn(needs: Mapping[str, frozenset[str]], place: Mapping[str, int]) -> list[set[str]]:
    """The functions that the next test needs beyond those before: the fewest first, then as they stand."""
    left = set(needs.values())
    done: set[str] = set()
    parts: list[set[str]] = []
    while left := {rest for entered in left if (rest := entered - done)}:
        part = min(left, key=lambda rest: (len(rest), sorted(place[name] for name in rest)))
        parts.append(set(part))
        done |= part
    return parts


Graph = dict[int, set[int]]
"""Part → the parts whose functions its tests enter."""


def _graph(needs: Mapping[str, frozenset[str]], home: Mapping[str, int], where: Mapping[str, int]) -> Graph:
    graph: Graph = {number: set() for number in where.values()}
    for test, entered in needs.items():
        graph[home[test]] |= {where[name] for name in entered} - {home[test]}
    return graph


def _nearest(graph: Graph, parts: Sequence[set[str]], place: Mapping[str, int]) -> tuple[int, int]:
    """The two parts to join, and never so that a circle arises: of one module rather than of two; small ones, and such
    as build on the same parts, for what one needs the other waits for; near each other rather than far.
    """
    above = _above(graph)

    def cost(pair: tuple[int, int]) -> tuple[bool, int, int]:
        first, second = pair
        modules = {name.partition("::")[0] for name in parts[first] | parts[second]}
        waits = len((above[first] ^ above[second]) - {first, second})
        gap = min(abs(place[one] - place[other]) for one in parts[first] for other in parts[second])
        return len(modules) > 1, len(parts[first]) + len(parts[second]) + waits, gap

    return min((pair for pair in combinations(sorted(graph), 2) if not _between(*pair, graph, above)), key=cost)


def _above(graph: Graph) -> Graph:
    """For each part all parts that it needs, through others too."""
    above: Graph = {}
    for number in TopologicalSorter(graph).static_order():
        above[number] = graph[number].union(*(above[parent] for parent in graph[number]))
    return above


def _between(first: int, second: int, graph: Graph, above: Graph) -> bool:
    """Whether a third part stands between two: joined, they would make a circle with it."""
    ways = ((first, second), (second, first))
    return any(high in above[middle] for low, high in ways for middle in graph[low] - {high})


def _in_order(graph: Graph, place: Mapping[int, int]) -> Iterator[int]:
    """Each part after those it needs; of those that are ready, the one that stands first in the library."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ready: set[int] = set()
    while ready := ready | set(sorter.get_ready()):
        number = min(ready, key=place.__getitem__)
        yield number
        ready.remove(number)
        sorter.done(number)


def _reduced(number: int, graph: Graph) -> set[int]:
    """The parts on which one builds directly: without those that another of them needs anyway."""
    above = _above(graph)
    return {parent for parent in graph[number] if not any(parent in above[other] for other in graph[number])}
