"""Each term of the hybrid reward, by example; that its promises hold for any group: test_hybrid_properties.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from journeyman.envs.episode import Episode
from journeyman.envs.rewards import no_reward
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.hardness import Hardness
from journeyman.training.hybrid import HybridSettings, Shaped, hybrid, term_means
from tests.training.groups import (
    BUG,
    OLD,
    PROJECT,
    SOLVED,
    A,
    B,
    C,
    amount,
    did,
    edited,
    episode,
    paid,
    ran,
    reported,
    with_tokens,
)


@pytest.mark.parametrize("task", [BUG, PROJECT], ids=["bug", "project"])
def test_the_reference_earns_exactly_one_and_doing_nothing_nothing(task: Task) -> None:
    reference = episode(edited(), ran(*SOLVED), reported(("tests_pass", "")), task=task, passing=SOLVED)
    nothing = episode(did("view"), reported(), task=task, name="1-a")
    assert paid(reference, nothing, task=task) == [1.0, 0.0]
    assert paid(reference, task=task) == [1.0]


def test_milestones_pay_by_how_hard_they_are() -> None:
    easy = episode(edited(), task=PROJECT, passing=(A, OLD), name="0-a")
    hard = episode(edited(), task=PROJECT, passing=(C, OLD), name="1-a")
    assert paid(easy, hard, task=PROJECT) == pytest.approx([0.5 / 3, 0.5 / 3])
    known = Hardness().after(episode(task=PROJECT, passing=(A, OLD), name=f"{n}-b") for n in range(20))
    first, second = hybrid([easy, hard], PROJECT, hardness=known)
    assert amount(second, "milestones") > 10 * amount(first, "milestones") > 0
    assert first.terms[1].source == "1 of 3 milestones closed: easy 0.04"


def test_without_the_task_milestones_pay_as_recorded() -> None:
    first, second = hybrid([episode(task=PROJECT, passing=each, name=each[0]) for each in ((A, OLD), SOLVED)], None)
    assert (amount(first, "milestones"), second.total) == (pytest.approx(0.5 / 3), 1.0)


def test_a_mended_check_pays_as_much_as_one_at_the_first_try_and_a_failing_one_nothing() -> None:
    group = [
        episode(edited(), ran(A, failed=[B, C]), edited(), ran(A, B, failed=[C]), passing=(A, B, OLD), name="mended"),
        episode(edited(), ran(A, B, failed=[C]), passing=(A, B, OLD), name="at once"),
        episode(edited(), ran(A, failed=[B, C]), passing=(A, OLD), name="gave up"),
        episode(edited(), passing=(A, B, OLD), name="never looked"),
        episode(ran(failed=[A, B, C]), passing=(OLD,), name="only looked"),
    ]
    assert paid(*group) == pytest.approx([0.1 * 2 / 3, 0.1 * 2 / 3, 0.1 / 3, 0.0, 0.0])
    term = hybrid(group, BUG)[0].terms[1]
    assert term.source == "2 of 3 checks shown passing by its own tests, and confirmed; 1 mended"


def test_half_of_what_is_left_goes_with_each_false_claim() -> None:
    failing = edited(), ran(failed=[A])
    claims = [("tests_pass", ""), ("changed", "never.py"), ("tests_run", "tests/other.py")]
    group = [episode(*failing, reported(*claims[:n]), name=str(n)) for n in range(4)]
    assert paid(*group) == pytest.approx([0.0, -0.05, -0.075, -0.0875])
    assert "step 2 failed" in hybrid(group, BUG)[1].terms[2].source


def test_success_that_was_claimed_without_looking_is_false_only_where_one_could_have_looked() -> None:
    blind = episode(edited(), reported(("tests_pass", "")), name="blind")
    assert paid(blind) == [0.0], "no test of the group tells of a check that fails: nobody could know"
    looked = episode(edited(), ran(failed=[A]), reported(("not_done", "add")), name="looked")
    assert paid(blind, looked) == [-0.05, 0.0]
    lucky = episode(edited(), reported(("tests_pass", "")), passing=SOLVED, name="lucky")
    assert paid(lucky, looked) == [1.0, 0.0]


def test_length_costs_only_what_is_solved_and_as_much_as_the_group_solves() -> None:
    def solving(steps: int, name: str, passing: tuple[str, ...] = SOLVED) -> Episode:
        return episode(*[edited()] * steps, reported(), passing=passing, name=name)

    assert paid(solving(4, "short"), solving(8, "long")) == pytest.approx([1.0, 1 - 0.05 / 2])
    failed = [solving(9, f"failed {n}", (OLD,)) for n in range(2)]
    assert paid(solving(4, "short"), solving(8, "long"), *failed) == pytest.approx([1.0, 1 - 0.05 / 4, 0.0, 0.0])
    assert paid(solving(8, "alone"), *failed) == [1.0, 0.0, 0.0]


def test_tokens_are_counted_where_all_solved_episodes_have_them_without_opening_and_report() -> None:
    def solving(name: str, *written: int) -> Episode:
        steps = [with_tokens(edited(), n, read=100 if not number else 10) for number, n in enumerate(written)]
        return episode(*steps, with_tokens(reported(), 10_000), passing=SOLVED, name=name)

    short, long = solving("short", 20, 10), solving("long", 30, 40)
    assert paid(short, long) == pytest.approx([1.0, 1 - 0.05 / 2])
    assert "80 tokens, the cheapest 40; 2 of 2 solved" in [term.source for term in hybrid([short, long], BUG)[1].terms]
    scripted = episode(edited(), edited(), edited(), passing=SOLVED, name="scripted")
    assert "2 steps" in hybrid([short, long, scripted], BUG)[0].terms[3].source


def test_whoever_says_nothing_of_an_episode_moves_it_nowhere() -> None:
    group = [episode(edited(), passing=SOLVED, name=str(n)) for n in range(3)]
    learned = {"0": {"style": 1.0}, "1": {"style": 0.0}}
    totals = [each.total for each in hybrid(group, BUG, learned=learned)]
    assert totals == pytest.approx([1.05, 1.0, 1.025]), "all are solved: how is what is left to tell"
    group = [episode(edited(), name=str(n)) for n in range(3)]
    totals = [each.total for each in hybrid(group, BUG, learned=learned)]
    assert totals == pytest.approx([0.01, 0.0, 0.005]), "none is: nobody but the grader steers"


@pytest.mark.parametrize("value", [1.3, -0.1, float("nan")])
def test_a_learned_value_out_of_its_range_is_refused(value: float) -> None:
    with pytest.raises(TrainingError, match=r"the learned value 'style' of episode 0-a is .*in \[0, 1\]"):
        hybrid([episode()], BUG, learned={"0-a": {"style": value}})


def test_episodes_of_two_tasks_are_no_group() -> None:
    with pytest.raises(TrainingError, match="of shop, tiny"):
        hybrid([episode(), replace(episode(), task="tiny")], BUG)


def test_a_lost_sandbox_pays_nothing_by_rule() -> None:
    lost = replace(episode(edited()), verdict=None, terms=no_reward("the sandbox died"), reward=0.0)
    (shaped,) = hybrid([lost], PROJECT)
    assert shaped.total == 0.0 and shaped.terms[0].source == "rule: the sandbox died"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cost": -0.1}, "cost is -0.1"),
        ({"honesty": float("nan")}, "honesty is nan"),
        ({"learned": 0.2}, "learned <= 0.1"),
        ({"learned_alone": 0.08}, "learned_alone <= learned"),
        ({"milestones": 0.8}, "lower some"),
    ],
)
def test_settings_that_would_break_a_promise_are_refused(changes: dict[str, float], why: str) -> None:
    with pytest.raises(TrainingError, match=why):
        HybridSettings(**changes)


def test_a_term_without_weight_is_left_out_and_the_log_has_the_means_of_the_others() -> None:
    plain = HybridSettings(milestones=0, self_correction=0, honesty=0, cost=0, learned=0, learned_alone=0)
    group = [episode(passing=SOLVED, name="1"), episode(name="2"), episode(name="3", scored=False)]
    shaped = hybrid(group, BUG, plain, learned={"1": {"style": 1.0}})
    assert term_means(shaped) == {"outcome": 0.5, "total": 0.5}
    both = [*shaped, *hybrid([episode(task=PROJECT, passing=SOLVED)], PROJECT)]
    assert term_means(both)["milestones"] == pytest.approx(0.5 / 3)
    assert list(term_means(both)) == ["outcome", "milestones", "self_correction", "honesty", "cost", "total"]
    assert term_means([Shaped((), None)]) == {}
