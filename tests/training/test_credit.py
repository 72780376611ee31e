"""What each action of a group's episodes is credited with."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.tasks.task import Assurance
from journeyman.tasks.verdict import Verdict
from journeyman.training.checkpoint import TrainingError
from journeyman.training.credit import CreditSettings, advantages, decided_before, has_signal, leave_one_out

WHOLE = CreditSettings(state_share=0.0)


def played(reward: float | None, trees: str = "ab", stop: StopReason = StopReason.REPORTED) -> Episode:
    """An episode whose actions left these trees, a letter each; all begin with the tree "o"."""
    steps = tuple(
        Step(Action("view", {"path": "."}), Observation("y"), tree_hash=tree, diff="" if tree == before else "changed")
        for before, tree in pairwise("o" + trees)
    )
    return Episode("e", "t", "p", 0, Observation("x"), steps, stop, reward, (), None)


def test_an_episode_is_compared_with_the_others_and_never_with_itself() -> None:
    group = [played(1.0), played(0.0), played(0.0)]
    assert advantages(group, WHOLE) == [[1.0, 1.0], [-0.5, -0.5], [-0.5, -0.5]]


def test_unscored_is_nobody_and_a_lone_score_says_nothing() -> None:
    assert advantages([played(1.0), played(None), played(0.0)], WHOLE) == [[1.0] * 2, [0.0] * 2, [-1.0] * 2]
    assert not has_signal(advantages([played(1.0), played(None)], WHOLE))


@pytest.mark.parametrize("stop", [StopReason.TOKEN_LIMIT, StopReason.TIME_LIMIT])
def test_what_was_cut_off_is_compared_with_but_not_learned_from(stop: StopReason) -> None:
    group = [played(1.0), played(0.0, stop=stop), played(0.0)]
    assert advantages(group, WHOLE) == [[1.0] * 2, [0.0] * 2, [-0.5] * 2]
    learned = advantages(group, CreditSettings(state_share=0.0, learn_from_cut=True))
    assert learned[1] == [-0.5] * 2


def test_a_group_that_did_alike_has_no_signal_whatever_the_rounding() -> None:
    assert not has_signal(advantages([played(0.1 + 0.2), played(0.1 + 0.2), played(0.1 + 0.2)], WHOLE))


def test_who_came_to_the_same_files_is_compared_there() -> None:
    """Three edit the same line rightly ("r"), one wrongly ("w"). Of those who did right, one then spoils it ("s")."""
    group = [played(1.0, "rr"), played(1.0, "rr"), played(0.0, "rs"), played(0.0, "ww")]
    all_at_states = advantages(group, CreditSettings(state_share=1.0))
    third = 1 / 3
    # At the beginning all four are compared, then those whose file is right; the one on another way is alone there.
    assert all_at_states == [
        pytest.approx([2 * third, 0.5]), pytest.approx([2 * third, 0.5]),
        pytest.approx([-2 * third, -1.0]), pytest.approx([-2 * third, -2 * third]),
    ]  # fmt: skip
    half = advantages(group, CreditSettings(state_share=0.5))
    assert half[2] == pytest.approx([-2 * third, (-2 * third - 1) / 2])


def test_a_state_that_an_episode_comes_back_to_counts_once() -> None:
    group = [played(1.0, "aba"), played(0.0, "acc")]
    assert advantages(group, CreditSettings(state_share=1.0))[0] == [1.0, 1.0, 1.0]


def test_who_looked_first_stands_where_the_others_began() -> None:
    """One edits at once and solves it; three look first, change the file each in a way of its own, and one of them
    solves it. Looking changed nothing, so all four chose their edit before the same files."""
    group = [played(1.0, "a"), played(1.0, "ob"), played(0.0, "oc"), played(0.0, "ood")]
    found = advantages(group, CreditSettings(state_share=1.0))
    third = 1 / 3
    assert found == [pytest.approx([sign * 2 * third] * n) for sign, n in ((1, 1), (1, 2), (-1, 2), (-1, 3))]


def test_who_puts_everything_back_stands_at_the_beginning_again() -> None:
    group = [played(0.0, "oo"), played(1.0, "aob"), played(1.0, "c")]
    assert advantages(group, CreditSettings(state_share=1.0)) == [[-1.0] * 2, [0.5] * 3, [0.5]]


def test_rewards_can_be_others_than_the_graders() -> None:
    group = [played(0.0), played(0.0)]
    assert advantages(group, WHOLE, [0.3, 0.1]) == [pytest.approx([0.2] * 2), pytest.approx([-0.2] * 2)]
    assert advantages(group, WHOLE, [None, 0.1]) == [[0.0] * 2, [0.0] * 2]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(TrainingError, match="state_share"):
        CreditSettings(state_share=share)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8))
def test_leave_one_out_sums_to_nothing_and_is_the_mean_difference(rewards: list[float | None]) -> None:
    found = leave_one_out(rewards)
    assert sum(found) == pytest.approx(0.0, abs=1e-9)
    scored = [reward for reward in rewards if reward is not None]
    for reward, value in zip(rewards, found, strict=True):
        if reward is None or len(scored) < 2:
            assert value == 0.0
        else:
            rest = list(scored)
            rest.remove(reward)
            assert value == pytest.approx(reward - sum(rest) / len(rest))


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, None]), st.text("ab", max_size=4)), min_size=2, max_size=6),
    st.floats(0, 1),
)
def test_every_action_has_one_and_none_is_larger_than_the_largest_difference(
    rows: list[tuple[float | None, str]], share: float
) -> None:
    group = [played(reward, trees) for reward, trees in rows]
    found = advantages(group, CreditSettings(state_share=share))
    assert [len(values) for values in found] == [len(trees) for _, trees in rows]
    scored = [reward for reward, _ in rows if reward is not None]
    spread = max(scored) - min(scored) if scored else 0.0
    assert all(abs(value) <= spread + 1e-9 for values in found for value in values)


def closed(episode: Episode, *names: str) -> Episode:
    milestones = {name: name in names for name in ("first", "second")}
    return replace(episode, verdict=Verdict({}, milestones, False, Assurance.FRESH, ""))


def test_what_came_after_a_milestone_had_no_part_in_closing_it() -> None:
    """One closes the first milestone with its second action and then wanders; the other closes none."""
    group = [closed(played(0.25, "abcd"), "first"), closed(played(0.0, "axyz"))]
    spent = decided_before(group, {"first": 0.25, "second": 0.25}, [{"first": 2}, {}])
    assert spent == [[0.0, 0.0, 0.25, 0.25], [0.0] * 4]
    found = advantages(group, WHOLE, spent=spent)
    assert found == [[0.25, 0.25, 0.0, 0.0], [-0.25] * 4]


def test_where_nobody_knows_when_it_was_closed_all_of_the_episode_is_credited() -> None:
    group = [closed(played(0.25, "ab"), "first"), closed(played(0.0, "ab")), closed(played(None, "ab"))]
    assert decided_before(group, {"first": 0.25}, [{}, {}, {}]) == [[0.0, 0.0]] * 3


def test_what_is_decided_before_an_action_leaves_nothing_to_learn_from() -> None:
    """Rounding left a trace, and a token that is credited with a trace would count as one that is learned."""
    group = [
        closed(played(0.1 + 0.2, "abc"), "first", "second"),
        closed(played(0.0, "axy")),
        closed(played(0.0, "axy")),
    ]
    weights = {"first": 0.1, "second": 0.2}
    spent = decided_before(group, weights, [{"first": 1, "second": 2}, {}, {}])
    assert advantages(group, WHOLE, spent=spent)[0][2] == 0.0


def test_a_loss_that_is_scored_without_a_verdict_closed_nothing() -> None:
    lost = played(0.0, "ab", StopReason.SANDBOX_LOST)
    spent = decided_before([closed(played(0.5, "ab"), "first"), lost], {"first": 0.5}, [{"first": 1}, {}])
    assert spent == [[0.0, 0.5], [0.0, 0.0]]
