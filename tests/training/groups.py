"""Episodes made by hand, for what is decided from records alone: no sandbox, no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.rewards import reward_terms, total
from journeyman.tasks.task import Check, CheckKind, Milestone, Task
from journeyman.tasks.verdict import Assurance, Outcome, Verdict
from journeyman.training.hybrid import HybridSettings, Shaped, hybrid

A, B, C = (f"tests/test_shop.py::test_{name}" for name in ("add", "sum", "tax"))
"""The checks that fail at first."""
OLD = "tests/test_shop.py::test_old"
"""The one that passes before and must pass after."""
FIELDS = {"instruction": "Mend the shop.", "repository": Path("nowhere"), "assurance": Assurance.FRESH}
CHECKS = (*(Check(id=each) for each in (A, B, C)), Check(id=OLD, kind=CheckKind.PASS_TO_PASS))
BUG = Task.model_validate({"name": "shop", "checks": CHECKS, **FIELDS})
PROJECT = Task.model_validate(
    {
        "name": "shop",
        "checks": CHECKS,
        "milestones": (
            Milestone(name="easy", checks=(A, OLD)),
            Milestone(name="middle", checks=(B,)),
            Milestone(name="hard", checks=(C,), depends_on=("easy",)),
        ),
        **FIELDS,
    }
)


def did(tool: str, diff: str = "", tests: TestRun | None = None, tree: str = "", **arguments: object) -> Step:
    return Step(Action(tool, arguments), Observation("", tool), diff=diff, tests=tests, tree_hash=tree)


def edited(tree: str = "", path: str = "shop.py", text: str = "b") -> Step:
    return did("edit", f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+{text}\n", tree=tree)


def ran(*passed: str, failed: Sequence[str] = (), errors: Sequence[str] = (), tree: str = "") -> Step:
    return did("test", tests=TestRun(passed, tuple(failed), tuple(errors)), tree=tree)


def reported(*claims: tuple[str, str]) -> Step:
    return did("report", claims=[{"kind": kind, "subject": subject} for kind, subject in claims])


def with_tokens(step: Step, written: int, read: int = 0) -> Step:
    ledger = TokenTurn(tuple(range(read)), tuple(range(written)), (-0.5,) * written)
    return replace(step, action=replace(step.action, tokens=ledger))


def verdict_of(task: Task, passing: Iterable[str], *, scored: bool = True) -> Verdict:
    passing = set(passing)
    outcomes = {c.id: Outcome.PASSED if c.id in passing else Outcome.FAILED for c in task.checks}
    milestones = {m.name: passing.issuperset(m.checks) for m in task.milestones}
    resolved = all(outcome is Outcome.PASSED for outcome in outcomes.values())
    return Verdict(outcomes, milestones, resolved if scored else None, Assurance.FRESH, "")


def episode(
    *steps: Step, task: Task = BUG, passing: Iterable[str] = (OLD,), name: str = "0-a", scored: bool = True
) -> Episode:
    """What is recorded of these steps when these checks pass in the end; with `scored=False`, a fault of ours."""
    verdict = verdict_of(task, passing, scored=scored)
    terms = reward_terms(task, verdict)
    return Episode(
        name, task.name, "made", 0, Observation("go"), steps, StopReason.REPORTED, total(terms), terms, verdict
    )


SOLVED = (A, B, C, OLD)


def amount(shaped: Shaped, name: str) -> float:
    """What the terms of this name pay together; "learned" for all of those."""
    return sum(term.amount for term in shaped.terms if term.name.partition(":")[0] == name)


def paid(*group: Episode, task: Task = BUG, settings: HybridSettings | None = None) -> list[float]:
    """The totals of a group's scored episodes."""
    return [each.total for each in hybrid(group, task, settings) if each.total is not None]
