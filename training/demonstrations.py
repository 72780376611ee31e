"""Episodes worth imitating: the reference solution played through the tools, with and without a mistake on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.blocked import demonstrating
from journeyman.policies.job import Job
from journeyman.policies.policy import Policy
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.evaluate import finished
from journeyman.training.progress import Progress, silent
from journeyman.training.skills.recovery import got_over


def collect_demonstrations(
    tasks: Sequence[Task],
    *,
    backend: SandboxFactory,
    store: EpisodeStore,
    config: EnvConfig,
    mistaken_share: float = 0.3,
    manner: Callable[[Policy, Task], Policy] | None = None,
    concurrency: int = 4,
    progress: Progress = silent,
) -> list[Episode]:
    """Play each task once, a share of them with a mistake and its recovery; what is worth imitating is returned.

    Episodes that `store` holds already are not played again.

    Args:
        mistaken_share: of the tasks, spread evenly over their order; in [0, 1].
        manner: how it is shown, as a persona's (policies/persona.py); by default the oracles' own.
    """
    by_name = {task.name: task for task in tasks}
    mistaken = {task.name for i, task in enumerate(tasks) if int((i + 1) * mistaken_share) > int(i * mistaken_share)}
    found = {task: episode for (task, _), episode in finished(store, config) if task in by_name}
    missing = [name for name in by_name if name not in found]
    progress(len(found), len(by_name))

    def policy(task: Task) -> Policy:
        shows = demonstrating(task, mistaken=task.name in mistaken)
        return manner(shows, task) if manner is not None else shows

    def on_done(number: int, episode: Episode) -> None:
        found[missing[number]] = episode
        progress(len(found), len(by_name))

    seeds = {name: seed for seed, name in enumerate(by_name)}  # the same after an interruption
    jobs = [Job(by_name[name], backend, policy, seeds[name], config) for name in missing]
    rollout_many(jobs, store=store, concurrency=concurrency, on_done=on_done)
    return [found[name] for name in by_name if is_exemplary(found[name], by_name[name])]


def is_exemplary(episode: Episode, task: Task) -> bool:
    """Whether an episode should be imitated: resolved, led by what it saw, and over the fault that struck it."""
    is_led = bool(task.milestones) or is_led_by_what_it_saw(episode)
    return episode.resolved and is_led and got_over(episode)


def is_led_by_what_it_saw(episode: Episode) -> bool:
    """False of one that changed a bug's repair after the tests had passed: it knew more than it could see.

    A mistake that no visible test noticed was mended all the same. (In a project, the next part follows.)
    """
    if episode.verdict is not None and episode.verdict.milestones:
        return True
    passed = False
    for step in episode.steps:
        if passed and step.action.tool in ("edit", "write"):
            return False
        if step.tests is not None:
            passed = bool(step.tests.passed) and not (step.tests.failed or step.tests.errors)
    return True
