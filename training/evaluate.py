"""How good is a policy: the share of tasks it resolves, with an interval, and in pairs where two policies meet."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Engine, Job
from journeyman.policies.policy import Policy, Versioned
from journeyman.policies.rollout import task_digest
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.sandbox.template import template_of
from journeyman.tasks.task import Task
from journeyman.training.measures import Prices, Spent, busy_seconds, correction_of, saw, tokens_of
from journeyman.training.progress import Progress, silent
from journeyman.training.repeats import PairedByTask, Passes, by_task, paired_by_task, passes
from journeyman.training.stats import Paired, Rate, paired

VERSIONS = ("journeyman", "code", "model", "settings", "prompt")
"""What of an episode's versions an evaluation tells."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One episode's part of the table. What has a default is not known of results that older versions wrote."""

    task: str
    seed: int
    episode: str
    resolved: bool
    reward: float | None
    milestones_closed: int
    milestones: int
    stop: str
    steps: int
    tokens: int | None
    """Tokens that the model sampled; 0 for policies that sample none, None where nobody counted (an endpoint)."""
    seconds: float
    tokens_read: int | None = None
    erred: bool | None = None
    """See `Correction`, of this and the next."""
    corrected: bool | None = None
    canary_seen: bool | None = None
    """Whether the task's canary turned up in the episode (`saw`); None where the task has none."""
    digest: str = ""
    """Content hash of the task."""
    started_at: str = ""
    """UTC, ISO 8601."""


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
    def by_task(self) -> dict[str, tuple[TaskResult, ...]]:
        """All results of each task, in the order of the tasks."""
        found: dict[str, list[TaskResult]] = defaultdict(list)
        for result in self.results:
            found[result.task].append(result)
        return {task: tuple(results) for task, results in found.items()}

    @property
    def repeated(self) -> bool:
        """Whether a task has several episodes."""
        return any(len(results) > 1 for results in self.by_task.values())

    @property
    def resolve_rate(self) -> Rate:
        """Of episodes; its interval takes tasks as clusters."""
        return by_task((r.task, r.resolved, 1) for r in self.scored)

    @property
    def passes(self) -> dict[int, Passes]:
        """pass@k and pass^k by k: 1, 2, 4, … and the number of scored episodes of a task."""
        scored: dict[str, list[bool]] = defaultdict(list)
        for result in self.scored:
            scored[result.task].append(result.resolved)
        return passes({task: (sum(resolved), len(resolved)) for task, resolved in scored.items()})

    @property
    def milestones(self) -> Rate:
        return by_task((r.task, r.milestones_closed, r.milestones) for r in self.scored)

    @property
    def self_correction(self) -> Rate:
        """Of the episodes that found a mistake of their own, those that mended it (`Correction`)."""
        return by_task((r.task, bool(r.corrected), 1) for r in self.scored if r.erred)

    @property
    def resolved_after_error(self) -> Rate:
        """Of the same episodes, those that resolved their task in the end."""
        return by_task((r.task, r.resolved, 1) for r in self.scored if r.erred)

    @property
    def spent(self) -> Spent:
        return Spent(
            solved=sum(result.resolved for result in self.scored),
            sampled=_sum(result.tokens for result in self.results),
            read=_sum(result.tokens_read for result in self.results),
            seconds=sum(result.seconds for result in self.results),
            wall=busy_seconds((result.started_at, result.seconds) for result in self.results),
        )

    @property
    def stops(self) -> dict[str, int]:
        return dict(Counter(result.stop for result in self.results).most_common())

    @property
    def suite(self) -> str:
        """Content hash of the set of tasks; empty where a task's is not known."""
        digests = {(result.task, result.digest) for result in self.results}
        if not digests or not all(digest for _, digest in digests):
            return ""
        listed = "\n".join(f"{task} {digest}" for task, digest in sorted(digests))
        return hashlib.sha256(listed.encode()).hexdigest()[:32]

    @property
    def canary(self) -> dict[str, Any]:
        """Episodes that were searched for their task's canary, and the ids of those that hold it."""
        searched = [result for result in self.results if result.canary_seen is not None]
        return {"searched": len(searched), "seen": [result.episode for result in searched if result.canary_seen]}

    def is_continued_by(self, policy: str, tasks: Iterable[Task], seeds: Iterable[int], config: EnvConfig) -> bool:
        """Whether an evaluation of that policy, with these settings, would hold all that this one does."""
        rows = set(product((task.name for task in tasks), seeds))
        settings = self.facts.get("config", config.to_dict())
        return (
            policy == self.policy and settings == config.to_dict() and {(r.task, r.seed) for r in self.results} <= rows
        )

    def against(self, other: Evaluation) -> Paired:
        """This policy as the second of a pair, on the (task, seed) that both have a score for. Its test is for one
        episode of each task; see `against_by_task`. A task of the same name and other content is no pair."""
        pairs = self._pairs(other)
        return paired([first for _, first, _ in pairs], [second for *_, second in pairs])

    def against_by_task(self, other: Evaluation) -> PairedByTask:
        """The same pairs, of which those of one task are not independent."""
        return paired_by_task(self._pairs(other))

    def _pairs(self, other: Evaluation) -> list[tuple[str, bool, bool]]:
        mine, theirs = ({(r.task, r.seed): r for r in each.scored} for each in (self, other))
        common = [(theirs[key], mine[key]) for key in sorted(mine.keys() & theirs.keys())]
        # Where both know what the task held, a changed task is another.
        same = [(a, b) for a, b in common if a.digest == b.digest or not (a.digest and b.digest)]
        return [(a.task, a.resolved, b.resolved) for a, b in same]

    def to_dict(self, prices: Prices | None = None) -> dict[str, Any]:
        """For `--json` and the disk; `from_dict` reads it."""
        rate, closed = self.resolve_rate, self.milestones
        summary = {
            "resolved": rate.successes, "scored": rate.trials, "unscored": len(self.results) - rate.trials,
            "resolve_rate": rate.value if rate.trials else None, "interval_95": list(rate.interval),
            "milestones_closed": closed.successes, "milestones": closed.trials, "stops": self.stops,
            "pass_at_k": {str(k): each.at_k.to_dict() for k, each in self.passes.items()},
            "pass_hat_k": {str(k): each.hat_k.to_dict() for k, each in self.passes.items()},
            "milestone_closure": closed.to_dict(), "self_correction": self.self_correction.to_dict(),
            "resolved_after_error": self.resolved_after_error.to_dict(),
            "spent": self.spent.to_dict(prices or Prices()), "suite": self.suite, "canary": self.canary,
        }  # fmt: skip
        return {"policy": self.policy, **summary, "facts": self.facts, "results": [asdict(r) for r in self.results]}

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """What `to_dict` gave, from a JSON file. Raises: OSError, ValueError, KeyError, TypeError: it is none."""
        return cls.from_dict(json.loads(path.read_text()))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Evaluation:
        """Raises: KeyError, TypeError: it is none."""
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
    """Run `make_policy` on every task with every seed. Episodes that `store` holds already are not run again, if the
    same policy played them with the same settings on the same backend.

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
    found = _recorded(store, config, backend.name, {key: by_name[key[0]] for key in wanted}, make_policy)
    missing = [key for key in wanted if key not in found]
    solved = sum(episode.resolved for episode in found.values())
    progress(len(found), len(wanted), f"{solved} resolved")

    def on_done(number: int, episode: Episode) -> None:
        found[missing[number]] = episode
        resolved = sum(e.resolved for e in found.values())
        progress(len(found), len(wanted), f"{resolved} resolved")

    jobs = (Job(by_name[task], backend, make_policy, seed, config) for task, seed in missing)
    rollout_many(jobs, store=store, concurrency=concurrency, on_done=on_done, engine=engine)
    results = tuple(_result(found[key], by_name[key[0]]) for key in wanted)
    versions = {name: sorted({e.versions[name] for e in found.values() if name in e.versions}) for name in VERSIONS}
    facts = {"backend": backend.name, "config": config.to_dict(), "seeds": list(seeds), "tasks": len(tasks)}
    return Evaluation(name, results, facts | {"versions": versions})


def finished(store: EpisodeStore, config: EnvConfig) -> list[tuple[tuple[str, int], Episode]]:
    """What the store holds of an earlier, interrupted run with the same settings: ((task, seed), episode).

    What is unscored is played again: an endpoint that was down, or a machine that failed, says nothing of the policy.
    """
    settings = config.to_dict()
    episodes = ((summary, store.get(summary.id)) for summary in store.summaries() if summary.state == "finished")
    return [
        ((summary.task, summary.seed), episode)
        for summary, episode in episodes
        if episode.config == settings and episode.reward is not None
    ]


def _recorded(
    store: EpisodeStore,
    config: EnvConfig,
    backend: str,
    wanted: Mapping[tuple[str, int], Task],
    make_policy: Callable[[Task], Policy],
) -> dict[tuple[str, int], Episode]:
    """Those of the wanted episodes that the same policy has played: in a folder there may be another's."""
    tasks = {task.name: task for task in wanted.values()}

    @cache
    def digest_of(name: str) -> str:
        return task_digest(tasks[name], template_of(tasks[name].repository).tree_hash)

    def is_as_it_was(episode: Episode) -> bool:
        """Whether its task has not been changed since, as far as its record says."""
        digest = episode.versions.get("task")
        return digest is None or digest == digest_of(episode.task)

    found = {}
    for key, episode in finished(store, config):
        if key in wanted and episode.versions.get("backend", backend) == backend and is_as_it_was(episode):
            policy = make_policy(wanted[key])
            about = policy.versions() if isinstance(policy, Versioned) else {}
            if episode.policy == policy.name and about.items() <= episode.versions.items():
                found[key] = episode
            policy.close()
    return found


def _result(episode: Episode, task: Task) -> TaskResult:
    is_scored = episode.reward is not None
    closed = episode.verdict.milestones if episode.verdict and is_scored else {}
    correction = correction_of(episode.steps)
    sampled, read = tokens_of(episode)
    return TaskResult(
        task=episode.task,
        seed=episode.seed,
        episode=episode.id,
        resolved=episode.resolved,
        reward=episode.reward,
        milestones_closed=sum(closed.values()),
        # Where a sandbox died there may be a score and no verdict: none of the task's is closed.
        milestones=len(task.milestones) if is_scored else 0,
        stop=str(episode.stop),
        steps=len(episode.steps),
        tokens=sampled,
        seconds=round(episode.duration_s, 3),
        tokens_read=read,
        erred=correction.erred,
        corrected=correction.corrected,
        canary_seen=saw(episode, task.canary) if task.canary else None,
        digest=episode.versions.get("task", ""),
        started_at=episode.started_at,
    )


def _sum(amounts: Iterable[int | None]) -> int | None:
    """None as soon as one is not known."""
    known = list(amounts)
    return None if None in known else sum(amount for amount in known if amount is not None)
