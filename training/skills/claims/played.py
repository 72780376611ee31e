"""Plays the situations of the claims benchmark in sandboxes: real records, whose truth is known from the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from journeyman.envs.actions import Action, Claim
from journeyman.envs.episode import Step, StopReason
from journeyman.envs.opening import open_task
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.tools.test import stands_in
from journeyman.policies.edits import solution_changes
from journeyman.policies.rollout import step_of
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import CheckKind, Task
from journeyman.training.skills.claims.cases import Case
from journeyman.training.skills.claims.repos import REPOS
from journeyman.training.skills.claims.situations import OF_BUNDLED, SITUATIONS, Call, Situation

BUNDLED = ("till-line-rounding", "csvscout-repeated-headers", "holdfast-cache-renewal", "calbook-free-slots")
COUNT = len(REPOS) * len(SITUATIONS) + len(BUNDLED) * len(OF_BUNDLED)
"""Episodes that are played."""
_BESIDES: tuple[Call, ...] = (
    ("search", {"pattern": "return ", "path": "tests"}),
    ("view", {"path": "tests"}),
    ("search", {"pattern": "no such words here", "path": "tests"}),
)
"""What may stand among the steps and changes no label."""


def played(
    folder: Path,
    *,
    backend: SandboxFactory | str = "auto",
    seed: int = 0,
    on_done: Callable[[int], None] = lambda done: None,
) -> Iterator[Case]:
    """Every situation in every library.

    Args:
        folder: where the small libraries are written.
        seed: moves the looks that stand among the steps and decide nothing.
        on_done: told how many episodes have been played.

    Raises:
        SandboxError: no sandbox can be made.
    """
    done = 0
    plays: list[tuple[Task, Mapping[str, str], tuple[Situation, ...]]] = [
        (repo.task(folder), repo.names, SITUATIONS) for repo in REPOS
    ]
    plays += [(task := open_task(name), names_of(task), OF_BUNDLED) for name in BUNDLED]
    for task, names, situations in plays:
        env = RepoEnv(task, backend)
        try:
            for situation in situations:
                name = f"{task.name.rpartition('/')[2]}/{situation.name.replace(' ', '-')}"
                steps = _play(env, _with_looks(situation, names, Random(f"{seed}/{name}")))
                yield from _cases(name, situation, names, steps)
                done += 1
                on_done(done)
        finally:
            env.close()


def names_of(task: Task) -> Mapping[str, str]:
    """What situations can name of a task that comes with the package."""
    change = solution_changes(task)[0]
    passing = next(
        check.id for check in task.checks if check.kind is CheckKind.PASS_TO_PASS and stands_in(task, check.id)
    )
    return {"src": change.path, "solution": change.after.text, "p": passing, "file": passing.partition("::")[0]}


def _cases(name: str, situation: Situation, names: Mapping[str, str], steps: tuple[Step, ...]) -> Iterator[Case]:
    for number, (kind, subject, label) in enumerate(situation.claims):
        claim = Claim.model_validate({"kind": kind, "subject": filled(subject, names)})
        yield Case(f"{name}/{number}", name, situation.split, "played", situation.name, steps, claim, label)


def _with_looks(situation: Situation, names: Mapping[str, str], rng: Random) -> list[Action]:
    calls = list(situation.calls)
    if not any(kind == "blocked" for kind, *_ in situation.claims):
        for call in rng.sample(_BESIDES, rng.randrange(3)):
            calls.insert(rng.randrange(len(calls) + 1), call)
    return [Action(tool, filled(arguments, names)) for tool, arguments in calls]


def _play(env: RepoEnv, actions: Sequence[Action]) -> tuple[Step, ...]:
    env.reset(seed=0)
    steps = []
    for action in actions:
        _, reward, _, _, info = env.step(action.to_json())
        steps.append(step_of(action, reward, info))
    env.conclude(StopReason.INTERRUPTED)
    return tuple(steps)


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """A text, or what holds texts, with a library's own names in place of `<name>`."""
    if isinstance(value, str):
        for name, own in names.items():
            value = value.replace(f"<{name}>", own)
        return value
    if isinstance(value, Mapping):
        return {key: filled(each, names) for key, each in value.items()}
    return [filled(each, names) for each in value] if isinstance(value, list | tuple) else value
