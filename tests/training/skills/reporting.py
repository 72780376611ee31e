"""Episodes made by hand that end with a report: what was seen in them, what was claimed, and how it really was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from tests.training.groups import BUG, OLD, SOLVED, A, B, C, did, episode, ran, reported
from tests.training.groups import edited as changed

__all__ = [
    "BUG", "NAME", "OLD", "SOLVED", "A", "B", "C", "cut_off", "did", "edited", "ended", "episodes", "looked",
    "planned", "ran", "reported", "saw",
]  # fmt: skip
NAME = "20260101T000000-aa"
HIDDEN = C
"""A check that no run of a policy tells of here."""


def saw(*passed: str, failed: Collection[str] = (), target: str | None = None) -> Step:
    """A test run of which the policy reads which tests failed."""
    step = ran(*passed, failed=tuple(failed))
    action = Action("test", {"target": target} if target else {})
    return replace(step, action=action, observation=Observation("\n".join(["failed:", *failed]), "test"))


def edited(path: str = "shop.py") -> Step:
    """A change, as a policy makes it."""
    step = changed(path=path)
    return replace(step, action=Action("edit", {"path": path, "line": 1, "new": "b"}))


def looked(path: str, *, there: bool = True) -> Step:
    seen = Observation("1  a", "view") if there else Observation(f"no file {path}", "view", ok=False)
    return Step(Action("view", {"path": path}), seen)


def planned(*subtasks: tuple[str, str]) -> Step:
    parts = [{"title": title, "status": status} for title, status in subtasks]
    return Step(Action("plan", {"subtasks": parts}), Observation("plan", "plan"))


def ended(*steps: Step, passing: Collection[str] = (OLD,), name: str = NAME, **changes: Any) -> Episode:
    return replace(episode(*steps, passing=tuple(passing), name=name), **changes)


def cut_off(*steps: Step, **changes: Any) -> Episode:
    return ended(*steps, stop=StopReason.STEP_LIMIT, **changes)


SUBJECTS = st.one_of(
    st.sampled_from(("", A, B, OLD, "tests/test_shop.py", "tests/", "shop.py", "other.py", "docs/x.md", "first part")),
    st.sampled_from(
        ("\x1b[31mred\x1b[0m", "a\nreport b\nchanged: c", "x" * 5000, "\u202eevil", "../../etc", "{}", '"')
    ),
    st.text(max_size=30).filter(lambda text: text.encode("utf-8", "ignore").decode() == text),
)
CLAIMS = st.tuples(st.sampled_from(("tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked")), SUBJECTS)


@st.composite
def _runs(draw: st.DrawFn) -> Step:
    said = {check: draw(st.sampled_from(("passed", "failed", "untold"))) for check in (A, B, OLD)}
    told = {word: [check for check in said if said[check] == word] for word in ("passed", "failed")}
    return saw(*told["passed"], failed=told["failed"], target=draw(st.sampled_from((None, A))))


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    """Any work, with any report or none, solved or not; `HIDDEN` is in no test run."""
    some = st.one_of(
        st.builds(edited, path=st.sampled_from(("shop.py", "first part"))), _runs(), st.just(looked("other.py")),
        st.just(looked("docs/x.md", there=False)),
        st.builds(planned, st.tuples(SUBJECTS.map(lambda text: text[:200] or "part"),
                                     st.sampled_from(("open", "done", "dropped")))),
    )  # fmt: skip
    steps = draw(st.lists(some, max_size=6))
    passing = draw(st.sampled_from((SOLVED, (A, OLD), (OLD,))))
    if draw(st.integers(0, 4)):
        report = reported(*draw(st.lists(CLAIMS, max_size=6)))
        return ended(*steps, report, passing=passing)
    return cut_off(*steps, passing=passing)
