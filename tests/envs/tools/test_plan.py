"""`plan`: counts for everybody, and for who names evidence what changed and what the record says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from journeyman.envs.repo_env import RepoEnv
from tests.envs.sandboxed import act, fix, see

TESTS = "tests/test_parcel.py"


def done(title: str, evidence: str | None = None) -> dict[str, Any]:
    return {"title": title, "status": "done", **({} if evidence is None else {"evidence": evidence})}


def test_a_plan_without_evidence_is_answered_as_ever(env: RepoEnv) -> None:
    assert see(env, "plan", subtasks=["find it"]) == "plan of 1 subtask, 0 done"
    assert see(env, "plan", subtasks=[done("find it"), "mend it"]) == "plan of 2 subtasks, 1 done"


def test_evidence_is_answered_by_what_the_record_says(env: RepoEnv) -> None:
    first = see(env, "plan", subtasks=[{"title": "mend the limit", "evidence": TESTS}, "say so"])
    assert first == "plan of 2 subtasks, 0 done"
    early = see(env, "plan", subtasks=[done("mend the limit"), "say so"])
    assert (
        early == f"plan of 2 subtasks, 1 done (closed 1); {TESTS} unverifiable: no test run of it after the last change"
    )
    see(env, "plan", subtasks=["mend the limit", "say so"])
    fix(env)
    see(env, "test")
    told = see(env, "plan", subtasks=[done("mend the limit", TESTS), done("say so", "step 99")])
    assert told.startswith(f"plan of 2 subtasks, 2 done (closed 2); {TESTS} supported: step 5 passed")
    assert told.endswith("; step 99 contradicted: there is no step 99 before it")
    assert "\n" not in told


def test_what_is_told_of_many_closings_is_short(env: RepoEnv) -> None:
    parts = [done(f"part {n} of {'x' * n}", "line\n" * 50 + str(n)) for n in range(40)]
    told = see(env, "plan", subtasks=parts)
    assert len(told) < 800
    assert told.endswith("; and 37 more")
    assert "\n" not in told


@pytest.mark.parametrize("solved", [False, True])
def test_no_plan_and_no_evidence_is_paid(open_env: Callable[..., RepoEnv], solved: bool) -> None:
    rewards = []
    for parts in ([], [done(f"part {n}", TESTS) for n in range(40)]):
        env = open_env()
        env.reset(seed=0)
        for _ in range(3):
            see(env, "plan", subtasks=[*parts, done("mend the limit", TESTS)])
        if solved:
            fix(env)
        _, reward, _, _, info = act(env, "report")
        rewards.append((reward, info["terms"]))
    assert rewards[0] == rewards[1]
    assert rewards[0][0] == float(solved)
