"""An episode from reset to its reward, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gymnasium.error import ResetNeeded

from journeyman.envs.actions import TOOLS
from journeyman.envs.config import ConfigError
from journeyman.envs.episode import StopReason
from journeyman.envs.repo_env import RepoEnv
from journeyman.sandbox.sandbox import Sandbox, SandboxLost
from journeyman.tasks.task import Budget, TaskError
from tests.envs.sandboxed import act, fix, see
from tests.making import CANARY, solved, tiny_project, tiny_task

OpenEnv = Callable[..., RepoEnv]


def test_a_solved_task_pays_one(env: RepoEnv) -> None:
    see(env, "plan", subtasks=["find the limit", "mend it"])
    assert see(env, "test").startswith("1 failed, 2 passed\n")
    _, reward, terminated, truncated, info = act(env, "edit", path="parcel.py", old="> FREE_FROM", new=">= FREE_FROM")
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert "+        return total(self.prices) >= FREE_FROM" in info["diff"]
    _, _, _, _, info = act(env, "test")
    assert info["tests"].failed == ()
    text, reward, terminated, truncated, info = act(env, "report", claims=[{"kind": "tests_pass"}])
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert text == "reported\ntests_pass: supported (step 4 passed, after the last change)"
    assert (info["stop"], info["unscored"], info["verdict"].resolved) == (StopReason.REPORTED, False, True)
    assert [(term.name, term.amount) for term in info["terms"]] == [("outcome", 1.0)]
    assert info["verdict"].tree_hash == info["tree_hash"]


def test_doing_nothing_pays_nothing(env: RepoEnv) -> None:
    _, reward, terminated, _, info = act(env, "report")
    assert (reward, terminated, info["unscored"]) == (0.0, True, False)
    with pytest.raises(ResetNeeded):
        act(env, "test")


def test_half_a_project_pays_for_its_milestones(open_env: OpenEnv, tmp_path: Path) -> None:
    env = open_env(tiny_project(tmp_path / "project"))
    text, _ = env.reset(seed=0)
    assert "1. double: Double\ndouble(x) is twice x.\n2. quadruple (after double)\nTwice double." in text
    see(env, "edit", path="times.py", line=2, new="    return 2 * x")
    _, reward, _, _, info = act(env, "report")
    assert reward == 0.25
    assert [(term.name, term.amount) for term in info["terms"]] == [("outcome", 0.0), ("milestones", 0.25)]
    env.reset(seed=0)
    see(
        env,
        "write",
        path="times.py",
        content="def double(x):\n    return 2 * x\n\n\ndef quadruple(x):\n    return 4 * x\n",
    )
    assert act(env, "report")[1] == 1.0


def test_nothing_that_a_policy_reads_holds_the_answer_or_the_host(
    open_env: OpenEnv, tmp_path: Path, house: Path
) -> None:
    env = open_env(tiny_task(tmp_path / "t"))
    seen = [env.reset(seed=0)[0]]
    for tool, arguments in PLAY:
        text, _, _, _, info = act(env, tool, **arguments)
        seen += [text, info["diff"]]
    everything = "\n".join(seen)
    assert "outcome" not in everything
    for secret in (CANARY, "test_hidden", "test_exactly_at_the_limit", str(tmp_path), str(house), str(Path.home())):
        assert secret not in everything, secret


PLAY: list[tuple[str, dict[str, Any]]] = [
    ("view", {}),
    ("view", {"symbol": "is_free"}),
    ("view", {"path": "../hidden/tests"}),
    ("view", {"path": "/etc/passwd"}),
    ("search", {"pattern": "."}),
    ("search", {"pattern": "("}),
    ("run", {"command": "env; pwd; mount; ls -aR . | head -50; grep -r canary . /tmp /opt/journeyman | head"}),
    ("run", {"command": "cat .git/HEAD; cat ../hidden/* ; python -c 'import sys; print(sys.path); 1/0'"}),
    ("run", {"command": "git log -p; git reflog; git config -l; git cat-file --batch --batch-all-objects | strings"}),
    ("test", {}),
    ("test", {"target": "tests/nothing.py"}),
    ("edit", {"path": "parcel.py", "old": "> FREE_FROM", "new": ">= FREE_FROM"}),
    ("test", {}),
    ("report", {"claims": [{"kind": "fixed"}]}),
]


def test_the_same_actions_give_the_same_episode(open_env: OpenEnv, tmp_path: Path) -> None:
    env = open_env(tiny_task(tmp_path / "t"))
    seen = []
    for _ in range(2):
        record: list[Any] = [env.reset(seed=3)]
        for tool, arguments in PLAY:
            text, reward, terminated, _, info = act(env, tool, **arguments)
            record.append((text, reward, terminated, info["tree_hash"], info["diff"], info["tests"]))
        seen.append(record)
    assert seen[0] == seen[1]


@pytest.mark.docker
def test_an_episode_is_the_same_on_every_backend(backend: str, tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    seen = []
    for name in (backend, "docker"):
        env = RepoEnv(task, name)
        record: list[Any] = [env.reset(seed=0)]
        for tool, arguments in PLAY:
            if tool != "run":  # what stands around the repository may differ, such as mounts and names of users
                text, reward, _, _, info = act(env, tool, **arguments)
                record.append((text, reward, info["tree_hash"], info["diff"]))
        seen.append(record)
        env.close()
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "garbage", ["", "hello", "{", "null", '{"tool": 3}', '{"tool": "view", "line": -1}', None, 7, b"{}", "x" * 200_000]
)
def test_garbage_is_answered(env: RepoEnv, garbage: Any) -> None:
    text, reward, terminated, truncated, info = env.step(garbage)
    assert text.startswith("malformed action: ")
    assert text in env.observation_space
    assert (reward, terminated, truncated, info["observation"].ok) == (0.0, False, False, False)


def test_garbage_for_a_whole_episode_ends_it_and_is_still_graded(open_env: OpenEnv) -> None:
    env = open_env(config={"malformed_limit": 3})
    env.reset(seed=0)
    fix(env)
    ends = []
    for action in ("?", "?", '{"tool": "view"}', "?", "?", "?"):
        _, reward, terminated, truncated, info = env.step(action)
        ends.append(truncated)
    assert ends == [False] * 5 + [True]
    assert not terminated
    assert (info["stop"], reward) == (StopReason.MALFORMED_LIMIT, 1.0)


def test_no_mixture_of_odd_arguments_raises(open_env: OpenEnv) -> None:
    env = open_env(config={"max_steps": 200, "malformed_limit": 200, "max_observation_chars": 400})
    env.reset(seed=0)
    chosen = random.Random(7)
    texts = [
        "",
        ".",
        "/",
        "..",
        "parcel.py",
        "tests",
        "tests/../parcel.py",
        "é\u202e\x00",
        "*[(",
        "-k",
        "--help",
        "~",
        "$(x)",
    ]
    for _ in range(150):
        tool = chosen.choice(["plan", "view", "search", "outline", "edit", "write", "run", "test"])
        arguments: dict[str, Any] = {}
        for name in TOOLS[tool].model_fields:
            if name in ("line", "end"):
                arguments |= {name: chosen.choice([1, 2, 30, 10**20])} if chosen.random() < 0.5 else {}
            elif name == "subtasks":
                arguments[name] = [chosen.choice(texts)]
            elif name in ("path", "content", "pattern", "command", "new") or chosen.random() < 0.4:
                arguments[name] = chosen.choice(texts)
        text, _, terminated, truncated, info = act(env, tool, **arguments)
        assert text in env.observation_space
        assert not terminated
        assert not truncated, (tool, arguments, info)


def test_the_step_limit_truncates(open_env: OpenEnv) -> None:
    env = open_env(config={"max_steps": 2})
    _, info = env.reset(seed=0)
    assert info["observation"].steps_left == 2
    _, _, _, truncated, info = act(env, "view")
    assert (truncated, info["observation"].step, info["observation"].steps_left) == (False, 1, 1)
    _, reward, terminated, truncated, info = act(env, "view")
    assert (terminated, truncated, info["stop"], reward) == (False, True, StopReason.STEP_LIMIT, 0.0)


def test_a_report_in_the_last_step_is_a_report(open_env: OpenEnv) -> None:
    env = open_env(config={"max_steps": 1})
    env.reset(seed=0)
    _, _, terminated, truncated, info = act(env, "report")
    assert (terminated, truncated, info["stop"]) == (True, False, StopReason.REPORTED)


def test_the_time_limit_bounds_the_command_and_truncates(open_env: OpenEnv) -> None:
    env = open_env(budget=Budget(episode_timeout_s=0.5, command_timeout_s=30))
    env.reset(seed=0)
    text, _, _, truncated, info = act(env, "run", command="echo begun; sleep 20")
    assert text == "timed out after 1 s\nbegun"
    assert (truncated, info["stop"], info["observation"].ok) == (True, StopReason.TIME_LIMIT, False)


def test_an_end_from_outside_can_be_graded_or_not(env: RepoEnv) -> None:
    fix(env)
    reward, info = env.conclude(StopReason.TOKEN_LIMIT)
    assert (reward, info["stop"], info["unscored"]) == (1.0, StopReason.TOKEN_LIMIT, False)
    env.reset()
    fix(env)
    reward, info = env.conclude(StopReason.INTERRUPTED)
    assert (reward, info["verdict"], info["terms"], info["unscored"]) == (0.0, None, (), True)
    with pytest.raises(ResetNeeded):
        env.conclude(StopReason.INTERRUPTED)


def sandbox_of(env: RepoEnv) -> Sandbox:
    assert env._workspace is not None
    return env._workspace.sandbox


def test_a_sandbox_lost_from_outside_leaves_the_episode_unscored(env: RepoEnv) -> None:
    fix(env)
    sandbox_of(env).close()
    text, reward, terminated, truncated, info = act(env, "view", path="parcel.py")
    assert text == "the sandbox is gone: the episode is over"
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert (info["stop"], info["unscored"], info["terms"]) == (StopReason.SANDBOX_LOST, True, ())
    env.reset()
    assert "parcel.py" in see(env, "view")


def test_a_sandbox_that_the_policy_kills_pays_nothing(env: RepoEnv) -> None:
    fix(env)
    sandbox_of(env).close()
    with pytest.raises(SandboxLost):
        sandbox_of(env).files()
    _, reward, _, truncated, info = act(env, "run", command="kill -9 1")
    assert (reward, truncated, info["stop"], info["unscored"]) == (0.0, True, StopReason.SANDBOX_LOST, False)
    assert info["terms"][0].source == "rule: the sandbox died after the policy's `run` had begun in it"


def test_a_sandbox_that_dies_of_what_the_policy_left_in_it_pays_nothing(env: RepoEnv) -> None:
    fix(env)
    act(env, "run", command="head -c 1000000 /dev/zero > /dev/shm/left")
    sandbox_of(env).close()
    _, reward, _, _, info = act(env, "view", path="parcel.py")
    assert (reward, info["stop"], info["unscored"]) == (0.0, StopReason.SANDBOX_LOST, False)
    assert info["terms"][0].source == "rule: the sandbox died after the policy's `run` had begun in it"


def test_another_task_for_one_episode(env: RepoEnv, tmp_path: Path) -> None:
    project = tiny_project(tmp_path / "project")
    text, _ = env.reset(options={"task": project})
    assert text.startswith("Write the two functions")
    assert env.task == project
    text, _ = env.reset()
    assert text.startswith("A parcel")
    with pytest.raises(ValueError, match="unknown options \\['tusk'\\]"):
        env.reset(options={"tusk": project})


def test_each_reset_starts_from_the_pristine_repository(env: RepoEnv) -> None:
    first = env.reset()[1]["tree_hash"]
    fix(env)
    see(env, "write", path="new.py", content="x = 1\n")
    text, info = env.reset()
    assert info["tree_hash"] == first
    assert "new.py" not in text


def test_only_source_edits_count(env: RepoEnv) -> None:
    see(env, "write", path="tests/test_parcel.py", content="def test_free_from_the_limit_on():\n    pass\n")
    see(env, "write", path="conftest.py", content="import os\nos._exit(0)\n")
    see(env, "run", command="touch parcel.pyc")
    _, reward, _, _, info = act(env, "report", summary="all tests pass")
    assert reward == 0.0
    assert {"conftest.py", "tests/test_parcel.py"} <= set(info["verdict"].ignored)


def test_bad_settings_are_refused_before_anything_opens(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    with pytest.raises(ConfigError, match="max_stepz"):
        RepoEnv(task, config={"max_stepz": 3})
    with pytest.raises(ValueError, match="no sandbox backend 'vm'; there are: auto, namespace"):
        RepoEnv(task, "vm")
    with pytest.raises(TaskError, match="neither a task folder nor the name of a bundled task"):
        RepoEnv("no-such-task")
    with pytest.raises(ValueError, match="render_mode 'human'"):
        RepoEnv(task, render_mode="human")


def test_the_reference_solution_pays_one_through_the_tools(env: RepoEnv) -> None:
    see(env, "write", path="parcel.py", content=solved())
    assert json.loads(json.dumps(env.config.to_dict())) == env.config.to_dict()
    assert act(env, "report")[1] == 1.0
