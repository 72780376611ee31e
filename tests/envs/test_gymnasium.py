"""To Gymnasium it is an environment like any other: the checker, registration, vector environments and wrappers."""

from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

from journeyman.envs import registration
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.spaces import SourceText, action_space, observation_space
from journeyman.envs.wrappers import SampleTasks
from journeyman.tasks.task import Task
from tests.making import FIX, tiny_project, tiny_task

gymnasium.register_envs(registration)

FIXING = json.dumps({"tool": "edit", "path": "parcel.py", **FIX})
REPORT = '{"tool": "report"}'


def make(task: Task, backend: str) -> gymnasium.Env[str, str]:
    return gymnasium.make(registration.ENV_ID, task=task, backend=backend)


def test_the_checker_has_nothing_to_say(tmp_path: Path, backend: str) -> None:
    env = gymnasium.make(registration.ENV_ID, task=tiny_task(tmp_path), backend=backend, render_mode="ansi")
    check_env(env.unwrapped)  # warnings are errors here
    env.close()


def test_rendering_shows_the_last_action_and_its_answer(tmp_path: Path, backend: str) -> None:
    env = RepoEnv(tiny_task(tmp_path), backend, render_mode="ansi")
    text, _ = env.reset(seed=0)
    assert env.render() == text
    env.step('{"tool": "outline", "path": "tests/test_parcel.py"}')
    assert (env.render() or "").startswith(
        '> {"tool": "outline", "path": "tests/test_parcel.py"}\n4-5 def test_total()'
    )
    env.close()
    assert RepoEnv(tiny_task(tmp_path), backend).render() is None


def test_a_task_can_be_named_by_its_folder_or_in_the_library(backend: str) -> None:
    env = gymnasium.make(registration.ENV_ID, task="till-line-rounding", backend=backend)
    text, _ = env.reset(seed=0)
    assert len(text) > 100
    folder = env.unwrapped.task.repository.parent.parent  # type: ignore[attr-defined]
    env.close()
    by_folder = RepoEnv(folder, backend)
    assert by_folder.reset(seed=0)[0] == text
    by_folder.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_vector_environments(kind: str, tmp_path: Path, backend: str) -> None:
    makers = [partial(make, tiny_task(tmp_path), backend)] * 2
    envs: VectorEnv[Any, Any, Any]
    envs = SyncVectorEnv(makers) if kind == "sync" else AsyncVectorEnv(makers, shared_memory=False)
    try:
        texts, infos = envs.reset(seed=[1, 2])
        assert texts[0] == texts[1] == infos["observation"][0].text
        envs.step([FIXING, '{"tool": "view"}'])
        texts, rewards, terminated, truncated, infos = envs.step([REPORT, "garbage"])
        assert list(rewards) == [1.0, 0.0]
        assert list(terminated) == [True, False]
        assert not any(truncated)
        assert infos["verdict"][0].resolved
        assert texts[1].startswith("malformed action")
        texts, *_ = envs.step([REPORT, REPORT])  # the first one starts anew
        assert texts[0].startswith("A parcel")
    finally:
        envs.close()


def test_texts_refuse_the_shared_memory_that_would_freeze_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shared_memory=False"):
        AsyncVectorEnv([partial(make, tiny_task(tmp_path), "namespace")])


def test_gymnasiums_own_wrappers_work(tmp_path: Path, backend: str) -> None:
    env: Any = gymnasium.wrappers.RecordEpisodeStatistics(
        gymnasium.wrappers.TransformAction(
            gymnasium.wrappers.TransformObservation(
                make(tiny_task(tmp_path), backend), str.upper, observation_space(9000)
            ),
            json.dumps,
            action_space(),
        )
    )
    text, _ = env.reset(seed=0)
    assert text.startswith("A PARCEL")
    env.step({"tool": "edit", "path": "parcel.py", **FIX})
    *_, info = env.step({"tool": "report"})
    assert (info["episode"]["r"], info["episode"]["l"]) == (1.0, 2)
    env.close()


def test_tasks_are_drawn_by_the_seed(tmp_path: Path, backend: str) -> None:
    tasks = [tiny_task(tmp_path / "a"), tiny_project(tmp_path / "b")]
    env = SampleTasks(make(tasks[0], backend), tasks)

    def draw(seed: int) -> list[str]:
        return [env.reset(seed=seed if n == 0 else None)[0][:9] for n in range(5)]

    assert draw(1) == draw(1)
    assert {*draw(1), *draw(2), *draw(3)} == {"A parcel ", "Write the"}
    assert env.reset(options={"task": tasks[1]})[0].startswith("Write")
    env.close()
    with pytest.raises(ValueError, match="at least one task"):
        SampleTasks(env, [])


def test_an_environment_travels_to_a_worker_before_it_opens(tmp_path: Path) -> None:
    env = RepoEnv(tiny_task(tmp_path), "namespace", {"window_lines": 24})
    again = pickle.loads(pickle.dumps(env))
    assert (again.task, again.config) == (env.task, env.config)
    assert again.observation_space == env.observation_space


def test_the_space_of_texts_is_wide_and_prints_short() -> None:
    space = SourceText(10)
    assert "naïve 長さ\n" in space
    assert "\x1b[31m" not in space
    assert "x" * 11 not in space
    assert len(repr(pickle.loads(pickle.dumps(space)))) < 40
    space.seed(5)
    copy = pickle.loads(pickle.dumps(space))
    assert copy.sample() == space.sample()
