"""What a run's page shows: how often its tasks were solved, how that went on, why episodes ended, and each episode.

All of it comes from the run's index, so that 100,000 episodes are no burden; only the reward's terms are read from the
records, of the episodes that are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from statistics import fmean

from journeyman.envs.overview import Group, Overview
from journeyman.envs.query import Query, QueryError
from journeyman.envs.store import EpisodeStore, StoreError
from journeyman.envs.summary import State, Summary
from journeyman.terminal import line
from journeyman.training.stats import Rate

PAGE = 100
"""Episodes that one page lists."""
WINDOW = 20
"""Episodes over which the curve takes its mean."""
GROUPS = 100
"""Tasks or policies that a page lists, at the most."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which episodes to list, by names as they are shown; empty fields take all."""

    task: str = ""
    policy: str = ""
    stop: str = ""
    solved: str = ""
    """"yes", "no" or "unscored"."""
    tag: str = ""
    least: str = ""
    """Of the reward."""
    most: str = ""
    text: str = ""
    """Words of the instruction, the actions, the beginnings of the outputs, or the names."""
    page: str = ""
    """From 1."""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Filter:
        return cls(**{field.name: asked.get(field.name, "") for field in fields(cls)})

    @property
    def number(self) -> int:
        return place_of(self.page)

    def query(self, choices: Mapping[str, Mapping[str, int]]) -> Query:
        """The query for a page, the latest episodes first.

        Args:
            choices: what the run has of each field, by its own names.

        Raises:
            QueryError: a field holds what cannot be asked.
        """
        return Query(
            task=_own(self.task, choices["task"]), policy=_own(self.policy, choices["policy"]),
            stop=_own(self.stop, choices["stop"]), solved=self.solved, tags=(self.tag,) if self.tag else (),
            min_reward=_number(self.least), max_reward=_number(self.most), text=self.text, descending=True, limit=PAGE,
            offset=(self.number - 1) * PAGE,
        )  # fmt: skip


def place_of(text: str) -> int:
    """A place in a list, from 1; 1 for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _own(shown: str, names: Mapping[str, int]) -> str:
    """The name that is shown so; what nobody has, as it is."""
    return next((name for name in names if line(name) == shown), shown)


def _number(text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise QueryError(f"a reward is a number, not {line(text)[:40]!r}") from None


def ended(each: Summary) -> str:
    """Why it ended, or how it stands where it did not."""
    return each.stop if each.state is State.FINISHED else each.state.value


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the reward, over several episodes."""

    name: str
    episodes: int
    mean: float
    """Of its amounts."""
    share: float
    """Of the largest of all terms' means, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunPage:
    name: str
    folder: str
    problems: tuple[str, ...]
    asked: Filter
    wrong: str
    """What of the filter cannot be asked; then nothing is found."""
    shown: tuple[Summary, ...]
    """The page's part of those that the filter takes, the latest first."""
    first: int
    """Place of the first one shown, from 1."""
    found: int
    """How many the filter takes."""
    total: int
    rate: Rate
    """Of the scored ones among those that the filter takes."""
    curve: tuple[float, ...]
    """Of them: after each episode, the mean of the last `WINDOW` rewards."""
    stops: tuple[Group, ...]
    tasks: tuple[Group, ...]
    policies: tuple[Group, ...]
    terms: tuple[Term, ...]
    """Of the episodes shown."""
    choices: Mapping[str, tuple[str, ...]]
    """What each filter can be set to."""


def run_page(name: str, store: EpisodeStore, asked: Filter) -> RunPage:
    """Put a run together for its page."""
    choices, wrong, overview = store.choices(), "", Overview(store)
    try:
        query = asked.query(choices)
        found = store.find(query)
    except QueryError as error:
        wrong, query = str(error), Query(stop="none", limit=0)
        found = store.find(query)
    return RunPage(
        name=name,
        folder=str(store.folder),
        problems=tuple(store.problems(thorough=False)),
        asked=asked,
        wrong=wrong,
        shown=found.summaries,
        first=query.offset + 1,
        found=found.total,
        total=sum(choices["stop"].values()),
        rate=Rate(found.resolved, found.scored),
        curve=_curve(overview.rewards(query)),
        stops=tuple(sorted(overview.groups(query, "stop"), key=lambda group: -group.episodes)),
        tasks=overview.groups(query, "task"),
        policies=overview.groups(query, "policy"),
        terms=_terms(overview, found.summaries),
        choices={
            **{field: tuple(sorted(map(line, choices[field]))) for field in ("task", "policy", "stop", "tag")},
            "solved": ("yes", "no", "unscored"),
        },
    )


def _curve(rewards: Sequence[float]) -> tuple[float, ...]:
    sums = [0.0, *accumulate(rewards)]
    places = ((max(0, end - WINDOW), end) for end in range(1, len(sums)))
    return tuple((sums[end] - sums[begin]) / (end - begin) for begin, end in places)


def _terms(overview: Overview, shown: Sequence[Summary]) -> tuple[Term, ...]:
    amounts: dict[str, list[float]] = {}
    for each in shown:
        if each.state is State.FINISHED and each.reward is not None:
            try:
                head = overview.head(each.id)
            except StoreError:  # damaged since it was indexed; `problems` says so
                continue
            for term in head.terms:
                amounts.setdefault(term.name, []).append(term.amount)
    means = {name: fmean(values) for name, values in amounts.items()}
    largest = max((abs(mean) for mean in means.values()), default=0.0) or 1.0
    return tuple(Term(name, len(amounts[name]), mean, abs(mean) / largest) for name, mean in means.items())
