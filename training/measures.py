"""What an episode says besides its verdict: what it took, whether it mended its own mistakes, whether it saw what is
hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journeyman.envs.changes import is_change
from journeyman.envs.episode import Episode, Step, TestRun


def tokens_of(episode: Episode) -> tuple[int | None, int | None]:
    """Tokens that the policy sampled, and that it read, each counted once however long it stayed in the context.

    (None, None) where a model acted and kept no ledger, as behind an endpoint; (0, 0) where no model acted.
    """
    ledger = [step.action.tokens for step in episode.steps]
    turns = [turn for turn in ledger if turn is not None]
    if "model" in episode.versions and len(turns) < len(ledger):
        return None, None
    return sum(len(turn.sampled_ids) for turn in turns), sum(len(turn.prompt_ids) for turn in turns)


@dataclass(frozen=True, slots=True)
class Correction:
    """Whether an episode found its own mistake, and mended it."""

    erred: bool
    """A test run of the policy's failed (a failure or an error) after the policy had changed a file. That tests fail
    at the start, before any change, is the task's doing and does not count."""
    corrected: bool
    """After such a failing run the policy changed a file again, and then a test run that came to its end passed: no
    failure, no error, and among what passed is every test that had failed. A narrower run that leaves out what had
    failed corrects nothing, nor does the same run again without a change."""


def correction_of(steps: Sequence[Step]) -> Correction:
    """Changes are what `is_change` says."""
    changed, erred, mended = False, False, False
    broken: list[set[str]] = []  # what failed in runs since which nothing was changed …
    tried: list[set[str]] = []  # … and in those since which something was
    for step in steps:
        run = step.tests
        if is_change(step):
            changed, tried, broken = True, tried + broken, []
        elif run is None:
            continue
        elif changed and (run.failed or run.errors):
            erred = True
            broken.append({*run.failed, *run.errors})
        elif step.observation.ok and run.passed and not (run.failed or run.errors):
            mended = mended or any(_covers(run, names) for names in tried)
    return Correction(erred, mended)


def _covers(run: TestRun, names: set[str]) -> bool:
    """Whether all that had failed passed: a test by its id, a file that could not be collected by a test of it."""
    files = {name.partition("::")[0] for name in run.passed}
    return all(name in run.passed or ("::" not in name and name in files) for name in names)


def saw(episode: Episode, canary: str) -> bool:
    """Whether a task's canary stands in what the policy was shown, wrote or changed. It is in every hidden file, so it
    has leaked, or the policy knows it by heart."""
    return any(canary in text for text in _texts(episode))


def _texts(episode: Episode) -> Iterator[str]:
    yield episode.first.text
    for step in episode.steps:
        yield from (step.observation.text, step.output, step.action.text, step.diff)
        yield from (str(value) for value in step.action.arguments.values())


def busy_seconds(spans: Iterable[tuple[str, float]]) -> float | None:
    """Wall clock during which at least one episode ran, from (start in ISO 8601, seconds) of each: what a machine was
    busy for, however many ran at once and in however many sittings. None where a start is not known."""
    total, end = 0.0, float("-inf")
    try:
        known = sorted((datetime.fromisoformat(start).timestamp(), seconds) for start, seconds in spans)
    except ValueError:
        return None
    for start, seconds in known:
        total += max(0.0, start + seconds - max(start, end))
        end = max(end, start + seconds)
    return total


@dataclass(frozen=True, slots=True)
class Prices:
    """What tokens and machines cost, in any one currency."""

    read: float = 0.0
    """Of a million tokens that are read."""
    sampled: float = 0.0
    """Of a million tokens that are sampled."""
    hour: float = 0.0
    """Of an hour of all machines together."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What all episodes of an evaluation took together, the unresolved and unscored ones too."""

    solved: int
    """Episodes that resolved their task."""
    sampled: int | None
    read: int | None
    """Tokens (`tokens_of`); None where not known."""
    seconds: float
    """Of all episodes, added up."""
    wall: float | None
    """`busy_seconds`."""

    def cost(self, prices: Prices) -> float | None:
        """In the prices' currency; None without a price, or where what is priced is not known."""
        if prices == Prices():
            return None
        total = 0.0
        for price, amount in (
            (prices.read / 1e6, self.read), (prices.sampled / 1e6, self.sampled), (prices.hour / 3600, self.wall),
        ):  # fmt: skip
            if price and amount is None:
                return None
            total += price * (amount or 0)
        return total

    def per_solved(self, amount: float | None) -> float | None:
        """An amount for each resolved episode; None where nothing was resolved or it is not known."""
        return amount / self.solved if self.solved and amount is not None else None

    def to_dict(self, prices: Prices) -> dict[str, Any]:
        """The sums, and each of them for a resolved episode."""
        sums = {
            "tokens_sampled": self.sampled, "tokens_read": self.read, "episode_seconds": self.seconds,
            "wall_seconds": self.wall, "cost": self.cost(prices),
        }  # fmt: skip
        return {"solved": self.solved, **sums, "per_solved": {k: self.per_solved(v) for k, v in sums.items()}}
