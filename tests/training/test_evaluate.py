"""Evaluation counts what the grader decided, goes on where it was interrupted, and pairs two policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.rewards import no_reward
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Job
from journeyman.policies.policy import Policy
from journeyman.policies.registry import make_policy
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation, TaskResult, evaluate
from journeyman.training.measures import Prices
from journeyman.training.presets import preset
from journeyman.training.stats import Rate
from tests.envs.sandboxed import require_sandbox
from tests.training.groups import OLD, PROJECT, A, edited, episode

CONFIG = preset("medium").env.model_copy(update={"max_steps": 30})


def run(
    name: str, tasks: tuple[Task, ...], folder: Path, backend: SandboxFactory, seeds: tuple[int, ...] = (0,),
    into: str = "",
) -> Evaluation:  # fmt: skip
    def policy(task: Task) -> Policy:
        return make_policy(name, task, **options)

    options = {"temperature": 0.0, "max_turn_tokens": 24} if name.startswith("local:") else {}
    with EpisodeStore(folder / (into or name)) as store:
        return evaluate(name, policy, tasks, backend=backend, store=store, config=CONFIG, seeds=seeds, concurrency=2)


def test_the_oracle_resolves_all_and_doing_nothing_none(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    oracle, nothing = (run(name, tasks, tmp_path, backend) for name in ("oracle", "noop"))
    assert (oracle.resolve_rate.successes, oracle.resolve_rate.trials) == (2, 2)
    assert nothing.resolve_rate.successes == 0
    assert (oracle.milestones.successes, nothing.milestones.successes, oracle.milestones.trials) == (2, 0, 2)
    pair = oracle.against(nothing)
    assert (pair.only_second, pair.only_first) == (2, 0)
    assert Evaluation.from_dict(oracle.to_dict()) == oracle


def test_what_is_recorded_is_not_run_again(tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    first = run("noop", tasks[:1], tmp_path, backend)
    again = run("noop", tasks, tmp_path, backend, seeds=(0, 1))
    assert again.results[0] == first.results[0]
    assert len({result.episode for result in again.results}) == 4


def test_a_task_that_was_mended_is_played_again(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    first = run("noop", tasks[:1], tmp_path, backend)
    mended = tasks[0].model_copy(update={"instruction": tasks[0].instruction + " Please."})
    again = run("noop", (mended,), tmp_path, backend)
    assert again.results[0].episode != first.results[0].episode


def test_what_another_policy_did_in_that_folder_is_not_this_ones(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    nothing = run("noop", tasks[:1], tmp_path, backend, into="shared")
    oracle = run("oracle", tasks[:1], tmp_path, backend, into="shared")
    assert (nothing.resolve_rate.successes, oracle.resolve_rate.successes) == (0, 1)
    assert run("noop", tasks[:1], tmp_path, backend, into="shared").results == nothing.results


def test_an_episode_says_what_it_took_and_what_was_checked(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    mistaken = run("mistaken", tasks[:1], tmp_path, backend)
    data = mistaken.to_dict(Prices(hour=1.0))
    assert (data["self_correction"]["successes"], data["self_correction"]["trials"]) == (1, 1)
    assert data["resolved_after_error"]["value"] == 1.0
    assert data["canary"] == {"searched": 1, "seen": []}
    assert (data["spent"]["tokens_sampled"], data["spent"]["tokens_read"]) == (0, 0)
    assert data["spent"]["cost"] == pytest.approx(data["spent"]["wall_seconds"] / 3600)
    assert len(data["suite"]) == 32
    assert data["facts"]["versions"]["journeyman"]


def test_milestones_are_those_of_all_scored_episodes(
    tmp_path: Path, backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = episode(edited(), task=PROJECT, passing=(A, OLD))
    lost = replace(done, stop=StopReason.SANDBOX_LOST, verdict=None)  # after its own code had run: 0 by rule
    ours = (replace(done, reward=None), replace(lost, reward=None, terms=()))
    ends = [done, replace(lost, reward=0.0, terms=no_reward("the sandbox died")), *ours]

    def played(jobs: Iterable[Job], *, on_done: Callable[[int, Episode], None], **_: object) -> None:
        for number, job in enumerate(jobs):
            on_done(number, replace(ends[job.seed], seed=job.seed))

    monkeypatch.setattr("journeyman.training.evaluate.rollout_many", played)
    found = run("noop", (PROJECT,), tmp_path, backend, seeds=(0, 1, 2, 3))
    assert (found.milestones.successes, found.milestones.trials) == (1, 6)
    assert [(each.milestones_closed, each.milestones) for each in found.results] == [(1, 3), (0, 3), (0, 0), (0, 0)]


def result(task: str, seed: int, resolved: bool, reward: float | None = 0.0) -> TaskResult:
    return TaskResult(task, seed, f"{task}{seed}", resolved, reward, 0, 0, "reported", 1, 0, 1.0)


def test_several_seeds_of_a_task_are_one_cluster() -> None:
    results = [result(task, seed, task == "a") for task in "ab" for seed in range(4)]
    evaluation = Evaluation("p", (*results, result("b", 4, False, None)))
    assert evaluation.repeated
    assert (evaluation.resolve_rate.successes, evaluation.resolve_rate.trials) == (4, 8)
    assert evaluation.resolve_rate.interval == Rate(1, 2).interval  # two tasks, each of one mind
    assert {k: (p.at_k.value, p.hat_k.value) for k, p in evaluation.passes.items()} == {
        1: (0.5, 0.5), 2: (0.5, 0.5), 4: (0.5, 0.5)
    }  # fmt: skip
    worse = Evaluation("q", tuple(result(task, seed, False) for task in "ab" for seed in range(6)))
    pair = evaluation.against_by_task(worse)
    assert (pair.differences, pair.pairs, pair.difference) == ((4, 0), 8, 0.5)
    assert pair.p_value == 1.0  # McNemar, which counts four independent wins, is not for this
    assert evaluation.against(worse).p_value == 0.125


def test_a_task_that_was_changed_is_another() -> None:
    before, after = (replace(result("t", 0, r), digest=digest) for r, digest in ((False, "old"), (True, "new")))
    assert Evaluation("q", (after,)).against_by_task(Evaluation("p", (before,))).pairs == 0
    assert Evaluation("q", (after,)).against(Evaluation("p", (result("t", 0, False),))).only_second == 1
    suites = [Evaluation("p", each).suite for each in ((before,), (after,), (before, after))]
    assert len({"", *suites}) == 4


def test_a_result_of_an_older_version_is_read_and_what_it_lacks_is_unknown() -> None:
    row = {
        "task": "t", "seed": 0, "episode": "e", "resolved": True, "reward": 1.0, "milestones_closed": 0,
        "milestones": 0, "stop": "reported", "steps": 4, "tokens": 7, "seconds": 2.0,
    }  # fmt: skip
    old = Evaluation.from_dict({"policy": "p", "results": [row], "facts": {"backend": "namespace"}})
    data = old.to_dict(Prices(read=1.0))
    assert (old.suite, data["canary"], data["spent"]["cost"]) == ("", {"searched": 0, "seen": []}, None)
    assert data["spent"]["per_solved"]["tokens_sampled"] == 7
    assert data["self_correction"]["trials"] == 0
    assert old.against(Evaluation("q", (result("t", 0, False),))).only_second == 1


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.parametrize("name", ["oracle", "noop", "mistaken", "random", "local:tiny"])
def test_both_backends_give_the_same_figure(name: str, tmp_path: Path, tasks: tuple[Task, ...]) -> None:
    """The same tasks and policy: the same suite, and the same steps, ends and rewards, episode by episode."""
    if name.startswith("local:"):
        pytest.importorskip("transformers")

    def figure(backend: str) -> tuple[str, list[tuple[object, ...]]]:
        found = run(name, tasks, tmp_path / backend, open_backend(backend), seeds=(0, 1))
        assert found.facts["backend"] == backend
        return found.suite, [
            (r.task, r.seed, r.resolved, r.reward, r.milestones_closed, r.stop, r.steps, r.tokens, r.corrected)
            for r in found.results
        ]

    require_sandbox()
    assert figure("namespace") == figure("docker")


def test_no_tasks_are_refused(tmp_path: Path, backend: SandboxFactory) -> None:
    with pytest.raises(ValueError, match="needs tasks"):
        run("noop", (), tmp_path, backend)
