"""How good is a policy: the share of tasks it resolves, with an interval, and in pairs where two policies meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Engine, Job
from journeyman.policies.policy import Policy
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.progress import Progress, silent
from journeyman.training.stats import Paired, Rate, paired


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One episode's part of the table."""

    task: str
    seed: int
    episode: str
    resolved: bool
    reward: float | None
    milestones_closed: int
    milestones: int
    stop: str
    steps: int
    tokens: int
    """Tokens that the model sampled; 0 for policies that sample none."""
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """A policy on a set of tasks."""

    policy: str
    results: tuple[TaskResult, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """What it was measured with: backend, environment settings, seeds."""

    @property
    def scored(self) -> tuple[TaskResult, ...]:
        """Results that count: a fault of ours is unscored, never a failure of the policy."""
        return tuple(result for result in self.results if result.reward is not None)

    @property
    def resolve_rate(self) -> Rate:
        return Rate(sum(result.resolved for result in self.scored), len(self.scored))

    @property
    def milestones(self) -> Rate:
        return Rate(sum(r.milestones_closed for r in self.scored), sum(r.milestones for r in self.scored))

    @property
    def stops(self) -> dict[str, int]:
        return dict(Counter(result.stop for result in self.results).most_common())

    def against(self, other: Evaluation) -> Paired:
        """This policy as the second of a pair, on the (task, seed) that both have a score for."""
        mine = {(r.task, r.seed): r.resolved for r in self.scored}
        theirs = {(r.task, r.seed): r.resolved for r in other.scored}
        common = sorted(mine.keys() & theirs.keys())
        return paired([theirs[key] for key in common], [mine[key] for key in common])

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and the disk; `from_dict` reads it."""
        rate, low_high = self.resolve_rate, self.resolve_rate.interval
        summary = {
            "resolved": rate.successes, "scored": rate.trials, "unscored": len(self.results) - rate.trials,
            "resolve_rate": rate.value if rate.trials else None, "interval_95": list(low_high),
            "milestones_closed": self.milestones.successes, "milestones": self.milestones.trials, "stops": self.stops,
        }  # fmt: skip
        return {"policy": self.policy, **summary, "facts": self.facts, "results": [asdict(r) for r in self.results]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Evaluation:
        return cls(data["policy"], tuple(TaskResult(**row) for row in data["results"]), data["facts"])


def evaluate(
    name: str,
    make_policy: Callable[[Task], Policy],
    tasks: Sequence[Task],
    *,
    backend: SandboxFactory,
    store: EpisodeStore,
    config: EnvConfig | None = None,
    seeds: Sequence[int] = (0,),
    concurrency: int = 16,
    progress: Progress = silent,
    engine: Engine | None = None,
) -> Evaluation:
    """Run `make_policy` on every task with every seed. Episodes that `store` holds already are not run again.

    Args:
        engine: where the episodes run; in this process by default.

    Raises:
        ValueError: no tasks, or the same one twice.
    """
    config = config or EnvConfig()
    by_name = {task.name: task for task in tasks}
    if not tasks or len(by_name) != len(tasks):
        raise ValueError("evaluate needs tasks, each once")
    wanted = [(task, seed) for task in by_name for seed in seeds]
    found = {key: episode for key, episode in finished(store, config) if key in set(wanted)}
    missing = [key for key in wanted if key not in found]
    solved = sum(episode.resolved for episode in found.values())
    progress(len(found), len(wanted), f"{solved} resolved")

    def on_done(number: int, episode: Episode) -> None:
        found[missing[number]] = episode
        resolved = sum(e.resolved for e in found.values())
        progress(len(found), len(wanted), f"{resolved} resolved")

    jobs = (Job(by_name[task], backend, make_policy, seed, config) for task, seed in missing)
    rollout_many(jobs, store=store, concurrency=concurrency, on_done=on_done, engine=engine)
    facts = {"backend": backend.name, "config": config.to_dict(), "seeds": list(seeds), "tasks": len(tasks)}
    return Evaluation(name, tuple(_result(found[key]) for key in wanted), facts)


def finished(store: EpisodeStore, config: EnvConfig) -> list[tuple[tuple[str, int], Episode]]:
    """What the store holds of an earlier, interrupted run with the same settings: ((task, seed), episode)."""
    settings = config.to_dict()
    episodes = ((summary, store.get(summary.id)) for summary in store.summaries() if summary.state == "finished")
    return [
        ((summary.task, summary.seed), episode)
        for summary, episode in episodes
        if episode.config == settings and episode.stop != "interrupted"
    ]


def _result(episode: Episode) -> TaskResult:
    closed = episode.verdict.milestones if episode.verdict else {}
    return TaskResult(
        task=episode.task,
        seed=episode.seed,
        episode=episode.id,
        resolved=episode.resolved,
        reward=episode.reward,
        milestones_closed=sum(closed.values()),
        milestones=len(closed),
        stop=str(episode.stop),
        steps=len(episode.steps),
        tokens=sum(len(step.action.tokens.sampled_ids) for step in episode.steps if step.action.tokens),
        seconds=round(episode.duration_s, 3),
    )
