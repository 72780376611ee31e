"""Does an episode tell what happened? `verify` does its recorded actions again and compares step by step.

What a policy may see again is compared as it was shown, after the normalisers of `envs/text.py`, which take out what
two identical runs print differently (addresses, temporary names, durations). File states, test results, the verdict
and the reward are compared as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from journeyman.envs.episode import Episode, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.text import NORMALISERS, normalise
from journeyman.tasks.verdict import Verdict

Facts = dict[str, str]
"""What is compared, by name, each in words that a person can read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that was not as recorded."""

    step: int
    """0 is what the reset showed; steps count from 1; the end comes as the number of steps + 1."""
    what: str
    """"observation", "tree hash", "tests", "stop", "verdict", "checks" or "reward"."""
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What doing an episode again showed."""

    episode_id: str
    steps: int
    """How many steps were compared, the first differing one included."""
    difference: Difference | None
    """`None` when everything was as recorded."""
    normalisers: tuple[str, ...] = tuple(NORMALISERS)
    """What was taken out of the observations before they were compared."""

    @property
    def identical(self) -> bool:
        return self.difference is None


def verify(episode: Episode, make_env: Callable[[], RepoEnv]) -> Verification:
    """Do an episode's actions again in a fresh environment, up to the first difference.

    Args:
        make_env: makes the environment with the task, backend and settings that the episode names.

    Raises:
        SandboxError: the environment cannot be made here; nothing is said about the episode.
    """
    compared = 0
    with closing(comparison(episode, make_env)) as pairs:
        for number, (recorded, replayed) in enumerate(pairs):
            compared = min(number, len(episode.steps))
            for what in recorded:
                if recorded[what] != replayed[what]:
                    difference = Difference(number, what, recorded[what], replayed[what])
                    return Verification(episode.id, compared, difference)
    return Verification(episode.id, compared, None)


def comparison(episode: Episode, make_env: Callable[[], RepoEnv]) -> Generator[tuple[Facts, Facts]]:
    """Recorded and replayed facts as the actions are done again: of the reset, of each step, of the end.

    It goes on after a difference. The sandbox is closed with the iterator. Raises as `verify` does.
    """
    env = make_env()
    try:
        yield from _pairs(episode, env)
    finally:
        env.close()


def _pairs(episode: Episode, env: RepoEnv) -> Iterator[tuple[Facts, Facts]]:
    _, info = env.reset(seed=episode.reset_seed)
    env.recall([step.review for step in episode.steps])
    yield _seen(episode.first), _seen(info["observation"])
    end: dict[str, Any] | None = None
    for step in episode.steps:
        if end is not None:
            yield {"stop": "it goes on"}, {"stop": str(end["stop"])}
            return
        _, reward, terminated, truncated, info = env.step(step.action.to_json())
        yield (
            _step_facts(step.observation, step.tree_hash, step.tests),
            _step_facts(info["observation"], info["tree_hash"], info["tests"]),
        )
        if terminated or truncated:
            end = {**info, "reward": reward}
    if end is None:
        if episode.stop in (StopReason.REPORTED, StopReason.STEP_LIMIT, StopReason.MALFORMED_LIMIT):
            yield {"stop": str(episode.stop)}, {"stop": "it goes on"}
            return
        # The clock, the token count, a failing policy: what ended it from outside is done again, not waited for.
        reward, info = env.conclude(episode.stop)
        end = {**info, "reward": reward}
    yield (
        _end_facts(episode.stop, episode.verdict, episode.reward),
        _end_facts(end["stop"], end["verdict"], None if end["unscored"] else end["reward"]),
    )


def _seen(observation: Observation) -> Facts:
    answer = f"{observation.tool}, {'done' if observation.ok else 'not done'}, {observation.steps_left} steps left"
    return {"answer": answer, "observation": normalise(observation.text)}


def _step_facts(observation: Observation, tree_hash: str, tests: TestRun | None) -> Facts:
    return _seen(observation) | {"tree hash": tree_hash or "none", "tests": _tests(tests)}


def _tests(tests: TestRun | None) -> str:
    if tests is None:
        return "none"
    return "\n".join(
        f"{name} {word}"
        for word, names in (("passed", tests.passed), ("failed", tests.failed), ("error", tests.errors))
        for name in sorted(names)
    )


def _end_facts(stop: StopReason, verdict: Verdict | None, reward: float | None) -> Facts:
    facts = {"stop": str(stop), "verdict": "none", "checks": "none"}
    if verdict is not None:
        resolved = {True: "resolved", False: "not resolved", None: "unscored"}[verdict.resolved]
        facts["verdict"] = f"{resolved}, graded tree {verdict.tree_hash}"
        facts["checks"] = "\n".join(f"{check} {outcome}" for check, outcome in sorted(verdict.outcomes.items()))
    return facts | {"reward": "unscored" if reward is None else f"{_rounded(reward):g}"}


def _rounded(reward: float) -> float:
    return round(reward, 9) if math.isfinite(reward) else reward
