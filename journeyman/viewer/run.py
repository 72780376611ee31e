"""What a run's page shows: how often its tasks were solved, how that went on, why episodes ended, and each episode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from journeyman.envs.store import EpisodeStore, State, Summary
from journeyman.terminal import line
from journeyman.training.stats import Rate

PAGE = 200
"""Episodes that one page lists."""
WINDOW = 20
"""Episodes over which the curve takes its mean."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which episodes to list, by names as they are shown; empty fields take all."""

    task: str = ""
    policy: str = ""
    stop: str = ""
    solved: str = ""
    """"yes", "no" or "unscored"."""
    text: str = ""
    """Part of an id, a task's or a policy's name."""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Filter:
        return cls(**{field.name: asked.get(field.name, "") for field in fields(cls)})

    def takes(self, each: Summary) -> bool:
        solved = {True: "yes", False: "no", None: "unscored"}[each.resolved]
        return (
            self.task in ("", line(each.task))
            and self.policy in ("", line(each.policy))
            and self.stop in ("", line(ended(each)))
            and self.solved in ("", solved)
            and self.text.casefold() in f"{each.id} {each.task} {each.policy}".casefold()
        )


def ended(each: Summary) -> str:
    """Why it ended, or how it stands where it did not."""
    return each.stop if each.state is State.FINISHED else each.state.value


@dataclass(frozen=True, slots=True)
class Group:
    """The episodes of one task or one policy."""

    name: str
    rate: Rate
    mean_reward: float | None
    mean_steps: float


@dataclass(frozen=True, slots=True)
class RunPage:
    name: str
    folder: str
    problems: tuple[str, ...]
    asked: Filter
    shown: tuple[Summary, ...]
    """The last ones that the filter takes, the latest first."""
    found: int
    """How many it takes."""
    total: int
    rate: Rate
    """Of the scored ones among those that the filter takes."""
    curve: tuple[float, ...]
    """Of them: after each episode, the mean of the last `WINDOW` rewards."""
    stops: tuple[tuple[str, int], ...]
    tasks: tuple[Group, ...]
    policies: tuple[Group, ...]
    choices: Mapping[str, tuple[str, ...]]
    """What each filter can be set to."""


def run_page(name: str, store: EpisodeStore, asked: Filter) -> RunPage:
    """Put a run together for its page."""
    every = store.summaries()
    found = [each for each in every if asked.takes(each)]
    return RunPage(
        name=name,
        folder=str(store.folder),
        problems=tuple(store.problems(thorough=False)),
        asked=asked,
        shown=tuple(reversed(found[-PAGE:])),
        found=len(found),
        total=len(every),
        rate=_rate(found),
        curve=_curve([each.reward for each in found if each.reward is not None]),
        stops=tuple(Counter(map(ended, found)).most_common()),
        tasks=_groups(found, "task"),
        policies=_groups(found, "policy"),
        choices={
            "task": tuple(sorted({line(each.task) for each in every})),
            "policy": tuple(sorted({line(each.policy) for each in every})),
            "stop": tuple(sorted({line(ended(each)) for each in every})),
            "solved": ("yes", "no", "unscored"),
        },
    )


def _rate(episodes: Sequence[Summary]) -> Rate:
    scored = [each.resolved for each in episodes if each.resolved is not None]
    return Rate(sum(scored), len(scored))


def _curve(rewards: Sequence[float]) -> tuple[float, ...]:
    means = []
    for end in range(1, len(rewards) + 1):
        part = rewards[max(0, end - WINDOW) : end]
        means.append(sum(part) / len(part))
    return tuple(means)


def _groups(episodes: Sequence[Summary], by: str) -> tuple[Group, ...]:
    together: dict[str, list[Summary]] = {}
    for each in episodes:
        together.setdefault(getattr(each, by), []).append(each)
    return tuple(_group(name, members) for name, members in sorted(together.items()))


def _group(name: str, members: Sequence[Summary]) -> Group:
    rewards = [each.reward for each in members if each.reward is not None]
    mean = sum(rewards) / len(rewards) if rewards else None
    return Group(name, _rate(members), mean, sum(each.steps for each in members) / len(members))
