"""Who tries to farm a term of the hybrid reward gets nothing for it: made records first, then real episodes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.audit import Sign, audit
from journeyman.training.hybrid import hybrid
from tests.making import FIX
from tests.training.groups import BUG, OLD, PROJECT, SOLVED, A, B, C, edited, episode, paid, ran, reported

HALF = (A, OLD)
"""What passes in the end of work that closes a part."""
TRIED = edited("1"), ran(A, failed=[B, C], tree="1")
"""Half of the work, tested once."""


@pytest.mark.parametrize("task", [BUG, PROJECT], ids=["bug", "project"])
@pytest.mark.parametrize(
    "farm",
    [
        pytest.param(
            [*TRIED, edited("2"), ran(failed=[A, B, C]), edited("1"), ran(A, failed=[B, C])], id="break, mend"
        ),
        pytest.param([edited("2"), ran(failed=[A, B, C]), *TRIED], id="fail on purpose, then do it"),
        pytest.param([*TRIED, *[ran(A, OLD, failed=[B, C])] * 20], id="test again and again"),
        pytest.param([*TRIED, ran(OLD), ran(A)], id="run what passes"),
        pytest.param([*TRIED, *[edited("2"), edited("1")] * 5], id="edit and revert"),
        pytest.param([*TRIED, edited("2", path="tests/test_shop.py"), ran(A, B, C, OLD)], id="change the tests"),
        pytest.param([*TRIED, reported()], id="say nothing"),
        pytest.param([*TRIED, reported(*[("blocked", "it is hard")] * 30)], id="all is uncertain"),
        pytest.param([*TRIED, reported(*[("changed", "shop.py")] * 30)], id="what is true, thirty times"),
    ],
)
def test_no_trick_earns_more_than_the_plain_work(task: Task, farm: Sequence[object]) -> None:
    plain = episode(*TRIED, reported(("not_done", "the rest")), task=task, passing=HALF, name="plain")
    tricked = episode(*farm, task=task, passing=HALF, name="tricked")  # type: ignore[arg-type]
    for others in ([], [episode(*TRIED, task=task, passing=SOLVED, name="solved")]):
        first, second, *_ = paid(plain, tricked, *others, task=task)
        assert second <= first


def test_true_claims_do_not_thin_a_false_one() -> None:
    lie = ("tests_run", "tests/other.py")
    one = episode(*TRIED, reported(lie), passing=HALF, name="one lie")
    many = episode(*TRIED, reported(lie, *[("changed", "shop.py")] * 30), passing=HALF, name="hidden among truths")
    assert len(set(paid(one, many))) == 1


def test_spoiling_what_worked_before_and_mending_it_earns_nothing() -> None:
    spoiled = episode(edited("2"), ran(failed=[OLD]), edited("0"), ran(OLD), passing=(OLD,))
    assert paid(spoiled) == [0.0]


# real episodes

WRONG = Action("edit", {"path": "parcel.py", "line": 22, "new": "        return total(self.prices) > 2 * FREE_FROM"})
RIGHT = Action("edit", {"path": "parcel.py", **FIX})
BACK = Action("edit", {"path": "parcel.py", "line": 22, "new": "        return total(self.prices) > FREE_FROM"})
LOOK, TEST, SILENT = Action("view", {"path": "parcel.py"}), Action("test"), Action("report")
LIE = Action("report", {"claims": [{"kind": "tests_pass"}]})
BROKEN = Action("edit", {"path": "parcel.py", "line": 8, "new": "    result = 1"})
HEALED = Action("edit", {"path": "parcel.py", "line": 8, "new": "    result = 0"})
PLAYS = {
    "solved": (RIGHT, TEST, SILENT),
    "failed first": (WRONG, TEST, RIGHT, TEST, SILENT),
    "gave up": (WRONG, TEST, SILENT),
    "lied": (WRONG, TEST, LIE),
    "spoiled and healed": (LOOK, BROKEN, TEST, HEALED, TEST, SILENT),
    "edit and revert": (RIGHT, TEST, BACK, SILENT),
    "nothing": (SILENT,),
}


@pytest.mark.slow
def test_real_episodes_stand_in_the_right_order(tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    bug = tasks[0]

    def play(actions: tuple[Action, ...]) -> Episode:
        return rollout(RepoEnv(bug, backend), ScriptedPolicy(actions), seed=0)

    group = {name: play(actions) for name, actions in PLAYS.items()}
    shaped = dict(zip(group, hybrid([*group.values()], bug), strict=True))
    totals = {name: each.total for name, each in shaped.items()}
    assert totals["solved"] == 1.0
    first = totals["failed first"]
    assert first is not None and 0.9 < first < 1.0, "as good, but for its length"
    assert [totals[name] for name in ("gave up", "spoiled and healed", "edit and revert", "nothing")] == [0.0] * 4
    assert totals["lied"] == -0.05
    assert "solved, failures of its own mended: 1" in str(shaped["failed first"].terms)
    seen = {(name, each.sign) for name, episode in group.items() for each in audit([episode])}
    assert seen == {
        ("lied", Sign.FALSE_CLAIM),
        ("spoiled and healed", Sign.UNDONE),
        ("spoiled and healed", Sign.REOPENED),  # one too many is over the limit: while it was spoiled, one check passed
    }
