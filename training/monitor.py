"""What a training run says of each step: one small record, for whoever watches and for whoever comes later.

OUT/steps.jsonl holds a line for each step, as `StepFacts.to_dict` has it. Lines are only appended; no step stands there
twice: where a run was resumed from a checkpoint, the steps that were done after it, and are done again, were cut off.
(Their episodes stay in OUT/episodes.)
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from journeyman.envs.episode import Episode
from journeyman.sandbox.home import sync_folder
from journeyman.training.checkpoint import TrainingError
from journeyman.training.hybrid import Shaped, term_means
from journeyman.training.stopwatch import Shares
from journeyman.training.tokens import sampled

STEPS = "steps.jsonl"
_COUNTS = ("episodes", "resolved", "unscored", "groups", "groups_with_signal", "sampled_tokens", "read_tokens")


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One optimiser step of a run on its own episodes."""

    step: int
    """From 1 on."""
    steps: int
    """In the whole run."""
    seconds: float
    """Wall time since the step before."""
    episodes: int
    resolved: int
    unscored: int
    """Neither resolved nor not: a fault that is not the policy's."""
    groups: int
    groups_with_signal: int
    """Those whose episodes the grader did not all pay the same; other terms may tell more apart."""
    reward: float | None = None
    """Mean of what training paid, over scored episodes; `None` when there was none."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Mean amount of each term of the reward, over scored episodes; together they are the reward."""
    stops: Mapping[str, int] = field(default_factory=dict)
    """Episodes by why they ended."""
    loss: float | None = None
    sampled_tokens: int = 0
    read_tokens: int = 0
    """What the environment and the prompt wrote, in tokens."""
    shares: Shares = field(default_factory=Shares)

    @property
    def resolve_rate(self) -> float | None:
        """Of the scored episodes."""
        scored = self.episodes - self.unscored
        return self.resolved / scored if scored else None

    @property
    def tokens_per_s(self) -> float:
        """Sampled tokens by the whole step's time, training included."""
        return self.sampled_tokens / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> StepFacts:
        """Raises: KeyError, TypeError: `row` is none of ours."""
        return cls(**{**row, "shares": Shares(**row["shares"])})


class Monitor(Protocol):
    """Whoever wants to know of each step."""

    def step(self, facts: StepFacts) -> None:
        """A step is done. Called once for each, in the trainer's thread."""
        ...


def step_facts(
    step: int,
    steps: int,
    groups: Sequence[Sequence[Episode]],
    lap: tuple[float, Shares],
    *,
    loss: float | None = None,
    paid: Sequence[Shaped] | None = None,
) -> StepFacts:
    """The facts of a step, from its episodes.

    Args:
        groups: the episodes of each task that were compared.
        lap: what `Stopwatch.lap` gave.
        paid: what training pays each episode, in order; what the grader paid by default.
    """
    episodes = [episode for group in groups for episode in group]
    graded = [{episode.reward for episode in group if episode.reward is not None} for group in groups]
    terms = term_means([Shaped(each.terms, each.reward) for each in episodes] if paid is None else paid)
    reward = terms.pop("total", None)
    rows = [sampled(episode) for episode in episodes]
    written = sum(sum(row.trained) for row in rows)
    seconds, shares = lap
    return StepFacts(
        step=step,
        steps=steps,
        seconds=seconds,
        episodes=len(episodes),
        resolved=sum(bool(episode.resolved) for episode in episodes),
        unscored=sum(episode.reward is None for episode in episodes),
        groups=len(groups),
        groups_with_signal=sum(len(rewards) > 1 for rewards in graded),
        reward=reward,
        terms=terms,
        stops=dict(Counter(episode.stop.value for episode in episodes).most_common()),
        loss=loss,
        sampled_tokens=written,
        read_tokens=sum(len(row.ids) for row in rows) - written,
        shares=shares,
    )


def of_all(parts: Sequence[StepFacts]) -> StepFacts:
    """One step that several processes did together, each with groups of its own."""
    first = parts[0]
    if len(parts) == 1:
        return first
    scored = [part.episodes - part.unscored for part in parts]

    def mean(values: Iterable[float | None]) -> float:
        return math.fsum((value or 0.0) * weight for value, weight in zip(values, scored, strict=True)) / sum(scored)

    names = dict.fromkeys(name for part in parts for name in part.terms)
    of_shares = [tuple(getattr(part.shares, each.name) for part in parts) for each in fields(Shares)]
    return replace(
        first,
        **{name: sum(getattr(part, name) for part in parts) for name in _COUNTS},
        seconds=max(part.seconds for part in parts),
        reward=mean(part.reward for part in parts) if any(scored) else None,
        terms={name: mean(part.terms.get(name) for part in parts) for name in names},
        stops=dict(sum((Counter(part.stops) for part in parts), Counter[str]()).most_common()),
        shares=Shares(*(math.fsum(values) / len(parts) for values in of_shares)),
    )


class StepLog:
    """A run's steps on the disk; a `Monitor`. What `step` returned from is kept, whatever happens next.

    Args:
        folder: the run's, which exists.
        resumed_from: the step of the checkpoint that the run goes on from, 0 for none. Later lines are cut off.
    """

    def __init__(self, folder: Path | str, *, resumed_from: int = 0) -> None:
        self._path = Path(folder) / STEPS
        kept = [facts for facts in read_steps(folder) if facts.step <= resumed_from]
        self._last = kept[-1].step if kept else 0
        partial = self._path.with_suffix(f".{os.getpid()}.partial")
        with partial.open("w") as file:
            file.writelines(_line(facts) for facts in kept)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._path)
        sync_folder(self._path.parent)

    def step(self, facts: StepFacts) -> None:
        """Append a line. A step that stands there is not written again.

        Raises:
            OSError: the disk refused.
        """
        if facts.step <= self._last:
            return
        with self._path.open("a") as file:
            file.write(_line(facts))
            file.flush()
            os.fsync(file.fileno())
        self._last = facts.step


class Monitors:
    """Several of them as one."""

    def __init__(self, *monitors: Monitor) -> None:
        self._monitors = monitors

    def step(self, facts: StepFacts) -> None:
        for monitor in self._monitors:
            monitor.step(facts)


def read_steps(folder: Path | str) -> list[StepFacts]:
    """The steps of a run, in order; none where there is no log. A line that was cut short ends them.

    Raises:
        TrainingError: a whole line is no step of ours.
    """
    path = Path(folder) / STEPS
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    found: list[StepFacts] = []
    *whole, _ = text.split("\n")  # the rest is being written, or nobody lived to write more of it
    for number, line in enumerate(whole, 1):
        try:
            facts = StepFacts.from_dict(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path}, line {number}: not the record of a step; move the file away") from error
        if not found or facts.step > found[-1].step:
            found.append(facts)
    return found


def _line(facts: StepFacts) -> str:
    return json.dumps(facts.to_dict()) + "\n"
