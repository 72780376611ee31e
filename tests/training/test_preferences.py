"""Which episodes make pairs: better and worse by the grader, of one task under one set of rules, few and different."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Change, Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.training.checkpoint import TrainingError
from journeyman.training.preferences import (
    Pairs,
    PreferenceSettings,
    balanced_weights,
    held_out_tasks,
    labels_of,
    pairs_of,
    reasons,
)
from tests.training.preferring import episode, forked, view


def names(pairs: Pairs) -> list[tuple[str, str, int]]:
    return [(pair.chosen.id, pair.rejected.id, pair.shared) for pair in pairs.found]


def test_the_better_episode_of_a_task_is_chosen() -> None:
    episodes = [episode("bad", 0.0), episode("good", 1.0), episode("other", 1.0, task="u")]
    found = pairs_of(episodes)
    (pair,) = found.found
    assert (pair.chosen.id, pair.rejected.id, pair.margin, pair.task) == ("good", "bad", 1.0, "t")
    assert pair.source == "verified rewards 1.00 and 0.00"
    assert found.left_out == {"tasks with one usable episode": 1}


def test_the_margin_decides_and_equals_make_no_pair() -> None:
    episodes = [episode("a", 0.5), episode("b", 0.75), episode("c", 0.75)]
    assert names(pairs_of(episodes, PreferenceSettings(min_margin=0.25))) == [("b", "a", 0), ("c", "a", 0)]
    found = pairs_of(episodes, PreferenceSettings(min_margin=0.3))
    assert not found.found and found.left_out == {"tasks whose episodes earned alike": 1}
    with pytest.raises(TrainingError, match="above 0"):
        PreferenceSettings(min_margin=0.0)


def test_what_cannot_be_compared_is_counted_by_its_reason() -> None:
    episodes = [
        episode("good", 1.0),
        episode("unscored", None),
        episode("cut", 0.0, stop=StopReason.TOKEN_LIMIT),
        episode("lost", 0.0, stop=StopReason.SANDBOX_LOST),
        episode("hinted", 0.0, view("a"), ancestry=forked("good", 1, Change.HINT)),
        episode("empty", 0.0, steps=()),
    ]
    found = pairs_of(episodes)
    assert not found.found
    assert reasons(found.left_out) == (
        "broken off by a fault: 1, cut short by a limit: 1, helped by a hint: 1, tasks with one usable episode: 1, "
        "unscored: 1, without an action: 1"
    )


def test_cut_episodes_are_the_worse_ones_if_asked_and_never_the_better() -> None:
    cut = episode("cut", 0.0, stop=StopReason.STEP_LIMIT)
    settings = PreferenceSettings(cut_as_worse=True)
    assert names(pairs_of([episode("good", 1.0), cut], settings)) == [("good", "cut", 0)]
    solved = episode("cut", 1.0, stop=StopReason.STEP_LIMIT)
    assert not pairs_of([episode("bad", 0.0), solved], settings).found


def test_other_settings_or_another_version_of_the_task_are_not_compared() -> None:
    for changes in ({"config": {"max_steps": 3}}, {"versions": {"task": "changed"}}):
        assert not pairs_of([episode("good", 1.0), episode("bad", 0.0, **changes)]).found


def test_the_same_actions_count_once_and_not_at_all_where_their_reward_changes() -> None:
    def reported(name: str, reward: float) -> Episode:
        return episode(name, reward, steps=episode("x", 0.0).steps)

    found = pairs_of([episode("good", 1.0), reported("a", 0.0), reported("b", 0.0)])
    assert names(found) == [("good", "a", 0)]
    assert found.left_out == {"same actions as another": 1}
    found = pairs_of([reported("a", 0.0), reported("b", 1.0)])
    assert not found.found and found.left_out["rewarded differently for the same actions"] == 2


def test_a_task_gives_few_pairs_spread_over_its_episodes_whatever_their_order() -> None:
    episodes = [episode(f"good{i}", 1.0) for i in range(3)] + [episode(f"bad{i}", i / 10) for i in range(3)]
    settings = PreferenceSettings(per_task=3)
    found = names(pairs_of(episodes, settings))
    assert found == [("good0", "bad0", 0), ("good1", "bad1", 0), ("good2", "bad2", 0)]
    assert all(names(pairs_of(order, settings)) == found for order in list(permutations(episodes))[::97])


def test_what_goes_on_from_a_step_is_compared_with_what_shares_it() -> None:
    first = view("a")
    parent = episode("parent", 0.0, first, view("b"))
    good = episode("good", 1.0, first, view("c"), ancestry=forked("parent", 1))
    bad = episode("bad", 0.0, first, view("d"), ancestry=forked("parent", 1))
    elsewhere = episode("elsewhere", 1.0, first, view("b"), view("e"), ancestry=forked("parent", 2))
    found = pairs_of([parent, good, bad, elsewhere])
    assert names(found) == [("elsewhere", "parent", 2), ("good", "bad", 1), ("good", "parent", 1)]
    assert found.found[0].source == "verified rewards 1.00 and 0.00, apart after step 2"


def test_a_fork_of_a_fork_belongs_where_its_own_part_begins() -> None:
    actions = [view(name) for name in "abc"]
    root = episode("root", 0.0, *actions)
    child = episode("child", 0.0, *actions[:2], view("x"), ancestry=forked("root", 2))
    early = episode("early", 1.0, actions[0], view("y"), ancestry=forked("child", 1))
    late = episode("late", 1.0, *actions[:2], view("x"), view("z"), ancestry=forked("child", 3))
    assert names(pairs_of([root, child, early, late])) == [("late", "child", 3), ("early", "root", 1)]


def test_a_fork_at_the_beginning_is_an_episode_like_any_other() -> None:
    again = episode("again", 1.0, view("b"), ancestry=forked("parent", 0))
    assert names(pairs_of([episode("parent", 0.0), again])) == [("again", "parent", 0)]


def test_episodes_are_desirable_or_not_and_what_is_between_is_neither() -> None:
    episodes = [episode(name, reward) for name, reward in (("a", 1.0), ("b", 0.8), ("c", 0.75), ("d", 0.0))]
    episodes.append(episode("e", 1.0, view("x"), stop=StopReason.STEP_LIMIT))
    episodes.append(episode("f", 1.0, view("x"), ancestry=forked("a", 1)))
    found = labels_of(episodes)
    assert [(label.episode.id, label.desirable, label.shared) for label in found.found] == [
        ("a", True, 0), ("f", True, 1), ("c", False, 0), ("d", False, 0),
    ]  # fmt: skip
    assert found.left_out == {"neither good nor bad": 1, "cut short by a limit": 1}
    few = labels_of(episodes, PreferenceSettings(per_task=1)).found
    assert [label.episode.id for label in few] == ["a", "d"], "of each kind the clearest"


def test_a_malformed_call_is_told_apart_by_its_text() -> None:
    episodes = [episode(name, 0.0, Action.malformed(name, "not JSON")) for name in ("x", "y")]
    assert len(pairs_of([episode("good", 1.0), *episodes]).found) == 2


def test_weights_make_both_kinds_count_alike() -> None:
    for desirable, undesirable in ((3, 12), (12, 3), (5, 5)):
        first, second = balanced_weights(desirable, undesirable)
        assert first * desirable == pytest.approx(second * undesirable) and min(first, second) == 1.0
    assert balanced_weights(0, 4) == (1.0, 1.0)


def test_tasks_are_held_out_whole() -> None:
    tasks = [f"t{i}" for i in range(10)]
    apart = held_out_tasks(tasks, 0.2, seed=0)
    assert len(apart) == 2 and apart == held_out_tasks(reversed(tasks * 3), 0.2, seed=0)
    assert held_out_tasks(tasks, 0.2, seed=1) != apart
    assert not held_out_tasks(["only"], 0.2, seed=0)


def test_a_task_is_left_to_train_on_however_many_are_held_out() -> None:
    assert len(held_out_tasks(["a", "b", "c"], 0.9, seed=0)) == 2
    with pytest.raises(TrainingError, match="one task, only: hold out none"):
        held_out_tasks(["only"], 0.9, seed=0)
    assert not held_out_tasks([], 0.9, seed=0)


def test_what_was_imported_is_verified_by_nobody_here() -> None:
    ours = [episode("a", 1.0), episode("b", 0.0)]
    pairs = pairs_of([replace(each, versions={IMPORTED: "inspect"}) for each in ours], PreferenceSettings())
    assert not pairs.found and pairs.left_out == {"imported, so nothing here verified it": 2}
