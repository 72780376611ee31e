"""Milestones out of traces: whatever the tests enter, each can be tested once those before it are done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.sources.milestones import Group, ancestors, groups_of

FUNCTIONS = [f"{module}.py::{name}" for module in "mn" for name in "abcdef"]
traces = st.lists(st.frozensets(st.sampled_from(FUNCTIONS), min_size=1, max_size=5), min_size=1, max_size=25)


def test_what_a_test_needs_beyond_the_others_is_a_milestone_of_its_own() -> None:
    needs = {
        "test_parse": frozenset({"parse"}),
        "test_render": frozenset({"render", "escape"}),
        "test_round_trip": frozenset({"parse", "render", "escape"}),
        "test_diff": frozenset({"parse", "diff"}),
    }
    assert groups_of(needs, ["escape", "parse", "render", "diff"], most=30) == (
        Group(("parse",), ("test_parse",), ()),
        Group(("escape", "render"), ("test_render", "test_round_trip"), (0,)),
        Group(("diff",), ("test_diff",), (0,)),
    )


def test_only_direct_edges_are_named() -> None:
    needs = {"one": frozenset("a"), "two": frozenset("ab"), "three": frozenset("abc"), "other": frozenset("d")}
    groups = groups_of(needs, list("abcd"), most=30)
    assert [(group.functions, group.depends_on) for group in groups] == [
        (("a",), ()), (("b",), (0,)), (("c",), (1,)), (("d",), ()),
    ]  # fmt: skip
    assert ancestors(groups, 2) == {0, 1, 2}


def test_neighbours_of_one_module_are_joined_first_and_never_around_a_third() -> None:
    needs = {"a": frozenset({"m::a"}), "b": frozenset({"n::b"}), "c": frozenset({"n::c"}), "d": frozenset({"m::d"})}
    joined = groups_of(needs, ["m::a", "n::b", "n::c", "m::d"], most=2)
    assert [group.functions for group in joined] == [("m::a", "m::d"), ("n::b", "n::c")]
    chain = {"one": frozenset({"m::a"}), "two": frozenset({"m::a", "n::b"}), "three": frozenset({"n::b", "m::d"})}
    assert [group.functions for group in groups_of(chain, ["m::a", "n::b", "m::d"], most=2)] != [("m::a", "m::d")]


@given(traces, st.integers(min_value=1, max_value=12))
def test_each_can_be_tested_once_those_before_it_are_done(entered: list[frozenset[str]], most: int) -> None:
    needs = {f"t{number}": names for number, names in enumerate(entered)}
    groups = groups_of(needs, FUNCTIONS, most)
    assert 1 <= len(groups) <= most
    assert sorted(name for group in groups for name in group.functions) == sorted(frozenset().union(*entered))
    assert sorted(test for group in groups for test in group.tests) == sorted(needs)
    for number, group in enumerate(groups):
        assert group.tests
        assert all(parent < number for parent in group.depends_on)
        there = {name for place in ancestors(groups, number) for name in groups[place].functions}
        assert all(needs[test] <= there for test in group.tests)
        assert all(needs[test] & set(group.functions) for test in group.tests) or most < len(FUNCTIONS)
