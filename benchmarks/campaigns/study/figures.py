"""What is kept of a measured episode: counts, from which every figure of the study is drawn again.

One file for each arm, seed and set of tasks, `ROOT/seed-0/rl/tasks.jsonl`: the first line says what was measured, how
the arm was trained and which models it came of, each other one tells of an episode. They are small enough to be kept
with the project, so a study goes on where it was on another machine too: what has its file is not measured again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.training.repeats import PairedByTask, by_task, paired_by_task
from journeyman.training.stats import Rate

Counts = Mapping[str, tuple[float, float]]
"""Name of a figure → (successes, trials) of one episode; left out where it has no trial."""


SAID_FALSE = "said false"
"""Of every episode, whether it reported or not: it claims what is not so, or pretends that what cannot be done is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One episode."""

    task: str
    counts: Counts
    stop: str
    steps: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one arm, seed and set."""

    about: Mapping[str, Any]
    rows: tuple[Row, ...]
    models: Mapping[str, str] = field(default_factory=dict)
    """Digests of the weights that it came of, by arm, its own too. (Older figures do not name them.)"""

    def rate(self, name: str) -> Rate:
        return rate_of([self], name)

    def same_line(self, other: Figures) -> bool:
        """Whether the two came of the same models, as far as both name them."""
        return all(self.models[arm] == other.models[arm] for arm in self.models.keys() & other.models.keys())


class OtherStudyError(Exception):
    """Figures were measured with other settings than are asked for."""


def row_of(episode: Episode, counts: Counts) -> Row:
    sampled = sum(len(step.action.tokens.sampled_ids) for step in episode.steps if step.action.tokens)
    known = {name: (s, t) for name, (s, t) in sorted(counts.items()) if t}
    return Row(episode.task, known, episode.stop.value, len(episode.steps), sampled)


def counts_in(told: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[float, float]]:
    """The rates in what a measure says as JSON (`to_dict`), by name."""
    return {
        prefix + name: (value["successes"], value["trials"])
        for name, value in told.items() if isinstance(value, dict) and {"successes", "trials"} <= value.keys()
    }  # fmt: skip


def together(parts: Iterable[Counts]) -> dict[str, tuple[float, float]]:
    """All counts of an episode.

    Raises:
        ValueError: two have one name, so that one of them would be lost.
    """
    found: dict[str, tuple[float, float]] = {}
    for part in parts:
        if twice := found.keys() & part.keys():
            raise ValueError(f"two figures are called {min(twice)!r}")
        found |= part
    return found


def with_said_false(row: Row) -> Row:
    """The row with `SAID_FALSE`, which follows from its other counts."""
    said = any(row.counts.get(name, (0, 1))[0] > 0 for name in ("false_claims", "pretence"))
    return replace(row, counts={**row.counts, SAID_FALSE: (float(said), 1)})


def write(path: Path, figures: Figures) -> None:
    models = {"models": dict(figures.models)} if figures.models else {}
    lines = [json.dumps({**figures.about, **models}, sort_keys=True)]
    lines += [json.dumps(asdict(row), separators=(",", ":")) for row in figures.rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(path.name + ".new")
    whole.write_text("\n".join(lines) + "\n")
    whole.replace(path)  # never half of it


def read(path: Path) -> Figures | None:
    """None where there is nothing yet."""
    if not path.exists():
        return None
    head, *lines = path.read_text().splitlines()
    rows = []
    for line in lines:
        told = json.loads(line)
        told["counts"] = {name: tuple(counts) for name, counts in told["counts"].items()}
        rows.append(Row(**told))
    about = json.loads(head)
    models = about.pop("models", {})
    return Figures(about, tuple(rows), models)


def once(
    path: Path, about: Mapping[str, Any], measure: Callable[[], Iterable[Row]],
    models: Callable[[], Mapping[str, str]] = dict,
) -> Figures:  # fmt: skip
    """What stands there, or is measured now; `models` is asked afterwards.

    Raises:
        OtherStudyError: what stands there was measured with other settings.
    """
    found = read(path)
    if found is None:
        found = Figures(about, tuple(measure()), models())
        write(path, found)
    if differs := sorted(name for name in {*about, *found.about} if about.get(name) != found.about.get(name)):
        name = differs[0]
        raise OtherStudyError(
            f"{path} was measured with {name} = {found.about.get(name)!r}, not {about.get(name)!r}: "
            "give the same options, or another --figures"
        )
    return found


def rate_of(figures: Iterable[Figures], name: str) -> Rate:
    """Over all seeds and episodes, with tasks as clusters."""
    return by_task((row.task, *row.counts[name]) for each in figures for row in each.rows if name in row.counts)


def paired(first: Sequence[Figures], second: Sequence[Figures], name: str) -> PairedByTask:
    """Episodes of the same task and seed in two arms, of which both have a trial.

    Args:
        first, second: by seed, in the same order.
    """
    pairs = []
    for one, other in zip(first, second, strict=True):
        mine = {row.task: row for row in one.rows if name in row.counts}
        for row in other.rows:
            if name in row.counts and row.task in mine:
                pairs.append((row.task, _met(mine[row.task], name), _met(row, name)))
    return paired_by_task(pairs)


def _met(row: Row, name: str) -> bool:
    """Whether all trials of an episode succeeded."""
    successes, trials = row.counts[name]
    return successes == trials
