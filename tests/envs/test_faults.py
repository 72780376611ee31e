"""Faults strike as they were drawn, mislead only in what is shown, and come again when an episode is done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs import registration
from journeyman.envs.codec import from_plain, plain
from journeyman.envs.config import ConfigError, EnvConfig
from journeyman.envs.episode import Ancestry, Change, Episode, StopReason
from journeyman.envs.faults import injector
from journeyman.envs.faults.injector import MAX_OPENING, Injector
from journeyman.envs.faults.kinds import ALL_KINDS, HELD_OUT_KINDS, KINDS, TRAINING_KINDS
from journeyman.envs.faults.settings import Faults, faults_named
from journeyman.envs.formats.atif import from_atif, to_atif
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.fork import Branch, Different
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from tests.envs.sandboxed import act
from tests.making import FIX, tiny_task

Open = Callable[..., RepoEnv]
VIEW: dict[str, Any] = {"path": "parcel.py", "symbol": "Parcel.is_free"}


@pytest.fixture(autouse=True)
def at_the_first_occasion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(injector, "_AT_ONCE", 1.0)


def under(*kinds: str) -> dict[str, Any]:
    return {"faults": {"kinds": list(kinds)}}


@pytest.fixture
def struck_by(open_env: Open) -> Callable[[str], RepoEnv]:
    """An episode over the tiny task in which a fault waits for its occasion."""

    def begin(kind: str) -> RepoEnv:
        env = open_env(config=under(kind))
        env.reset(seed=1)
        return env

    return begin


def test_kinds_are_known_by_name_and_those_for_measuring_are_others() -> None:
    assert tuple(KINDS) == ALL_KINDS and not set(TRAINING_KINDS) & set(HELD_OUT_KINDS)
    assert faults_named("held-out, garbled").kinds == ("garbled", *HELD_OUT_KINDS)
    assert faults_named("all") == Faults(kinds=ALL_KINDS)
    for wrong in ("gremlins", "", ",", "training;all"):
        with pytest.raises(ValueError, match="there are: training"):
            faults_named(wrong)
    for rate in (0, -1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="share"):
            faults_named("all", rate)


def test_settings_without_faults_are_those_of_older_runs() -> None:
    assert "faults" not in EnvConfig().to_dict()
    config = EnvConfig.from_dict(under("wrong-file", "garbled"))
    assert config.to_dict()["faults"] == {"kinds": ["garbled", "wrong-file"], "rate": 1.0}
    assert EnvConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ConfigError, match="no fault 'gremlin'"):
        EnvConfig.from_dict(under("gremlin"))


def test_records_hold_a_fault_only_where_there_was_one() -> None:
    episode = from_plain(Episode, _record(""))
    assert "fault" not in plain(episode) and episode.reset_seed == 3, "an older record is read, and written as it was"
    forked = Ancestry("a", 1, Change.POLICY, seed=9)
    assert plain(Ancestry("a", 1, Change.POLICY)).keys() == plain(forked).keys() - {"seed"}


def _record(fault: str) -> dict[str, Any]:
    first = {"text": "Mend it.", "tool": "reset", "ok": True, "step": 0, "steps_left": 3}
    record = {
        "id": "e", "task": "t", "policy": "p", "seed": 3, "first": first, "steps": [], "stop": "reported",
        "reward": None, "terms": [], "verdict": None, "config": "{}",
    }  # fmt: skip
    return record | ({"fault": fault} if fault else {})


@given(seed=st.integers(0, 2**31), task=st.text(max_size=20), rate=st.floats(0.01, 1))
def test_a_draw_is_the_same_again(seed: int, task: str, rate: float) -> None:
    faults = Faults(kinds=ALL_KINDS, rate=rate)
    one, again = (Injector(faults, seed, task, 8) for _ in range(2))
    assert vars(one) == vars(again)


@given(seed=st.integers(0, 2**31), group=st.integers(1, 16))
def test_seeds_that_are_alike_draw_alike_and_records_say_so(seed: int, group: int) -> None:
    faults = Faults(kinds=ALL_KINDS, rate=0.5, seeds_alike=group)
    first = seed // group * group
    assert vars(Injector(faults, first, "t", 8)) == vars(Injector(faults, seed, "t", 8))
    assert EnvConfig.from_dict(EnvConfig(faults=faults).to_dict()).faults == faults


def test_all_kinds_are_drawn_and_as_often_as_was_said() -> None:
    drawn = [Injector(Faults(kinds=ALL_KINDS, rate=0.5), seed, "t", 8)._fault for seed in range(2000)]
    names = [fault.name for fault in drawn if fault is not None]
    assert 900 < len(names) < 1100
    assert all(70 < names.count(kind) < 160 for kind in ALL_KINDS)
    assert all(len(KINDS[kind].opening()) < MAX_OPENING - 2 for kind in ALL_KINDS)


def test_a_tool_fails_once_and_nothing_is_done(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("tool-fails")
    for tool, arguments in (("view", VIEW), ("edit", {"path": "parcel.py", **FIX})):
        *_, info = act(env, tool, **arguments)
        if info["fault"]:
            break
    assert info["observation"].text.startswith(f"{tool} failed: ") and not info["observation"].ok and not info["diff"]
    *_, info = act(env, tool, **arguments)
    assert info["observation"].ok and not info["fault"]


def test_an_interrupted_run_has_no_result(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("interrupted")
    *_, info = act(env, "test")
    assert info["observation"].text == "interrupted before the end, no result; so far 1 passed"
    assert info["tests"] is None and not info["observation"].ok and info["fault"] == "interrupted"
    *_, info = act(env, "test")
    assert info["observation"].text.startswith("1 failed, 2 passed") and info["tests"].failed
    env = struck_by("interrupted")
    *_, info = act(env, "run", command="echo one; echo two; touch made; exit 3")
    assert info["observation"].text == "interrupted before the end, no exit status\none"
    assert "made" in info["diff"], "what it did until then stays, and the record says so"


def test_a_lost_edit_is_answered_as_done_and_recorded_as_it_is(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("lost-edit")
    *_, refused = act(env, "edit", path="parcel.py", line=999, new="x")
    assert not refused["fault"], "what was refused cannot be lost"
    *_, info = act(env, "edit", path="parcel.py", **FIX)
    assert info["observation"].text.startswith("edited parcel.py:22") and info["observation"].ok
    assert info["fault"] == "lost-edit" and not info["diff"] and info["tree_hash"] == refused["tree_hash"]
    assert act(env, "test")[-1]["tests"].failed
    *_, info = act(env, "edit", path="parcel.py", **FIX)
    assert ">= FREE_FROM" in info["diff"]
    assert act(env, "report", claims=[{"kind": "changed", "subject": "parcel.py"}])[1] == 1.0


def test_nothing_is_lost_where_no_visible_test_would_show_it(open_env: Open, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    hidden = tuple(check for check in task.checks if "hidden" in check.id)
    env = open_env(task.model_copy(update={"checks": hidden}), under("lost-edit"))
    env.reset(seed=1)
    assert not act(env, "edit", path="parcel.py", **FIX)[-1]["fault"]


def test_a_garbled_view_loses_its_middle_and_the_record_keeps_it(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("garbled")
    assert not act(env, "view", path=".")[-1]["fault"], "a listing is no code"
    *_, info = act(env, "view", path="parcel.py")
    assert "lines lost]" in info["observation"].text and info["fault"] == "garbled"
    assert "result += price" not in info["observation"].text and "result += price" in info["output"]


def test_shifted_lines_ask_for_another_look(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("shifted-lines")
    *_, info = act(env, "view", **VIEW)
    (shown,) = (row for row in info["observation"].text.split("\n") if "> FREE_FROM" in row)
    moved = int(shown.partition("|")[0])
    assert 24 <= moved <= 27 and "22|" in info["output"]
    for _ in range(2):
        *_, info = act(env, "edit", path="./parcel.py", **FIX | {"line": moved})
        assert info["observation"].text == "not edited: parcel.py has changed since you viewed it" and info["fault"]
    text, *_ = act(env, "view", **VIEW)
    assert "\n22|" in text
    *_, info = act(env, "edit", path="parcel.py", **FIX)
    assert info["observation"].ok and not info["fault"]


def test_who_edits_by_the_text_itself_needs_no_numbers(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("shifted-lines")
    act(env, "view", **VIEW)
    *_, info = act(env, "edit", path="parcel.py", old="> FREE_FROM", new=">= FREE_FROM")
    assert info["observation"].ok and info["diff"]


def test_another_file_is_shown_under_its_own_name(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("wrong-file")
    text, *_, info = act(env, "view", **VIEW)
    assert text.startswith("tests/test_parcel.py:1-") and info["fault"] == "wrong-file"
    assert act(env, "view", **VIEW)[0].startswith("parcel.py:20")


def test_a_failing_test_goes_by_the_name_of_one_that_passes(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("misleading-test")
    text, *_, info = act(env, "test")
    assert info["fault"] == "misleading-test"
    assert "test_free_from_the_limit_on" not in text and "assert False" in text
    assert "tests/test_parcel.py::test_total" in text or "tests/test_parcel.py::test_label" in text
    assert info["tests"].failed == ("tests/test_parcel.py::test_free_from_the_limit_on",), "the record knows better"


def test_all_tests_time_out_twice_and_a_named_one_does_not(struck_by: Callable[[str], RepoEnv]) -> None:
    env = struck_by("times-out")
    for _ in range(2):
        text, *_, info = act(env, "test")
        assert text.startswith("timed out after 20 s") and info["tests"] is None and info["fault"] == "times-out"
    assert not act(env, "test")[-1]["fault"]
    env = struck_by("times-out")
    act(env, "test")
    *_, info = act(env, "test", target="tests/test_parcel.py")
    assert info["tests"].failed and not info["fault"]


def test_a_stale_plan_stands_in_the_opening(open_env: Open) -> None:
    env = open_env(config=under("stale-plan") | {"guidelines": [{"name": "g", "version": 1, "text": "Be kind."}]})
    text, info = env.reset(seed=1)
    assert info["fault"] == "stale-plan" and "- [x] repair the fault" in text and text.endswith("Be kind.")
    assert text in env.observation_space
    assert not act(env, "view", **VIEW)[-1]["fault"], "one fault an episode"


def test_none_strikes_without_room_to_recover_nor_counts_as_malformed(open_env: Open) -> None:
    env = open_env(config=under("stale-plan", "lost-edit") | {"max_steps": 4, "malformed_limit": 2})
    for seed in range(4):
        assert not env.reset(seed=seed)[1]["fault"]
        assert not act(env, "edit", path="parcel.py", **FIX)[-1]["fault"]
    env = open_env(config=under("times-out") | {"malformed_limit": 2})
    env.reset(seed=0)
    env.step("gibberish")
    assert "stop" not in act(env, "test")[-1] and "stop" not in env.step("gibberish")[-1]


_QUICK = ("lost-edit", "stale-plan")
"""Of a fault in a step and one in the opening; the others are of the same make."""


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in _QUICK else pytest.mark.slow) for k in ALL_KINDS])
def test_an_episode_and_its_fork_do_it_again(kind: str, tmp_path: Path, backend: str) -> None:
    task = tiny_task(tmp_path)
    make = partial(RepoEnv, task, backend, EnvConfig.from_dict(under(kind)))
    episode = rollout(make(), OraclePolicy(task, with_test_first=True), seed=5)
    struck = [n for n, step in enumerate(episode.steps, 1) if step.fault] or [0]
    assert episode.fault or struck != [0]
    assert from_atif(to_atif(episode)) == episode
    assert verify(episode, make).identical
    with Branch(make(), episode, struck[-1]) as branch:
        child = branch.run(Different(OraclePolicy(task, with_test_first=True), seed=6), last=True)
    assert child.seed == 6 and child.reset_seed == 5 and child.fault == episode.fault
    assert [s.fault for s in child.steps].count(kind) == len(struck) - (struck == [0]), "the same, and no second one"
    assert verify(child, make).identical
    with Branch(make(), child, len(child.steps) - 1) as branch:
        grandchild = branch.run(Different(ScriptedPolicy([]), seed=7), last=True)
    assert verify(grandchild, make).identical and grandchild.stop is StopReason.REPORTED


def test_to_gymnasium_it_is_an_environment_like_any_other(tmp_path: Path, backend: str) -> None:
    task = tiny_task(tmp_path)
    make = partial(gymnasium.make, registration.ENV_ID, task=task, backend=backend, config=under(*ALL_KINDS))
    env = make()
    check_env(env.unwrapped, skip_render_check=True)
    env.close()
    both = SyncVectorEnv([make, make])
    _, info = both.reset(seed=[4, 4])
    call = json.dumps({"tool": "view", **VIEW})
    texts, *_, info = both.step([call, call])
    assert texts[0] == texts[1] and info["fault"][0] == info["fault"][1]
    both.close()


def test_without_a_seed_the_generator_of_gymnasium_gives_the_next(tmp_path: Path, backend: str) -> None:
    env = RepoEnv(tiny_task(tmp_path), backend, under(*ALL_KINDS))
    seeds = []
    for _ in range(2):
        env.reset(seed=3)
        seeds.append([env.reset()[1]["seed"] for _ in range(2)])
    env.close()
    assert seeds[0] == seeds[1] and seeds[0][0] != seeds[0][1]
