"""What to judge next: those of a run's episodes, pairs, steps and claims that teach most, each with its reason.

Asked for is, first of all, what annotators judge differently and what the reward model cannot tell apart; then what the
record itself leaves open, and what nobody has looked at. Now and then something that one other annotator has judged is
asked again, so that agreement can be measured. The reasons give neither rewards nor policies away: whoever judges may
be blind to them. One seed gives the same queue.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from journeyman.envs.claims import Standing, findings_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Critique, episodes_of
from journeyman.envs.feedback.standing import Judged, Mark
from journeyman.envs.summary import Summary
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.agreement import Kind, Rating, Value, ratings, units_of
from journeyman.training.values import StepValue

POOL = 300
"""So many episodes are looked into at most: those that somebody has spoken of first."""
TURN = 0.25
"""A step is worth asking for where what the episode is worth changes by so much."""
_E = TypeVar("_E", bound=Episode | Summary)
_CROWDED = 0.6
"""By so much does each choice make the next one of the same episode less urgent."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a reward model makes of an episode."""

    mean: float
    sd: float = 0.0
    """How unsure it is: the spread of an ensemble, in the same unit."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something to judge."""

    kind: Kind
    """How: by a score of the whole, a label of a step or claim, a ranking."""
    episodes: tuple[str, ...]
    step: int | None = None
    claim: int | None = None
    item: str = ""
    why: str = ""
    urgency: float = 0.0
    """In [0, 1]; it only orders."""
    again: bool = False
    """Another annotator has judged it, and it is asked to see whether they agree."""

    @property
    def key(self) -> str:
        return json.dumps([self.kind, self.episodes, self.step, self.claim, self.item])


@dataclass(frozen=True, slots=True)
class QueueSettings:
    again_share: float = 0.15
    """Of what is asked, how much has been judged by one other annotator before; in [0, 1]."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.again_share <= 1:
            raise TrainingError(f"the share that is judged by two must be between 0 and 1, not {self.again_share}")


def read_scores(path: Path) -> dict[str, Scored]:
    """Scores of episodes by id, from a JSON object: each a number, or `{"mean": …, "sd": …}`.

    Raises:
        TrainingError: it is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(id_): Scored(_number(value["mean"]), abs(_number(value.get("sd", 0.0))))
            if isinstance(value, Mapping)
            else Scored(_number(value))
            for id_, value in data.items()
        }
    except OSError as error:
        raise TrainingError(
            f"{path}: cannot be read ({error.strerror}); name a file of a reward model's scores"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainingError(
            f'{path}: no scores ({error}); it must hold a JSON object of {{"EPISODE": 0.3}} or '
            f'{{"EPISODE": {{"mean": 0.3, "sd": 0.1}}}}'
        ) from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def queue(
    episodes: Iterable[Episode],
    judged: Sequence[Judged],
    annotator: str,
    *,
    scores: Mapping[str, Scored] | Callable[[Episode], Scored | None] | None = None,
    values: Callable[[str], Sequence[StepValue]] | None = None,
    settings: QueueSettings | None = None,
    limit: int = 20,
) -> tuple[Proposal, ...]:
    """The next things for an annotator to judge, the most telling first; nothing that they have judged themselves.

    Args:
        scores: what a reward model makes of an episode, by its id or by asking.
        values: what is known of what an episode was worth after each step, by its id (`step_values`).
    """
    settings = settings or QueueSettings()
    seen = spoken_of(judged)
    looked_into = pool(episodes, judged, annotator, settings.seed)
    found = ratings(judged)
    settled = {each.entry.id for each in judged if Mark.SETTLED in each.marks}
    open_ = [each for each in found if each.entry not in settled]
    scored = {episode.id: known for episode in looked_into if (known := _scored(episode, scores)) is not None}
    fresh = [
        *_differing(open_, annotator),
        *_near_ties(looked_into, found, scored, settings.seed),
        *_claims(looked_into, found),
        *_turns(looked_into, found, values),
        *_unseen(looked_into, seen),
    ]
    mine = _said_by(judged, found, annotator)
    there = {episode.id for episode in looked_into}
    kept = [each for each in fresh if each.key not in mine and set(each.episodes) <= there]
    again = [each for each in _again(found, annotator) if each.key not in mine and set(each.episodes) <= there]
    return _ordered(kept, again, settings, limit)


def pool(episodes: Iterable[_E], judged: Sequence[Judged], annotator: str, seed: int) -> list[_E]:
    """Those that are looked into, `POOL` at most: what only others have spoken of (half of it, where there is as much
    else), then what nobody has, then what the annotator has."""
    seen = spoken_of(judged)
    own = spoken_of(each for each in judged if each.entry.annotator == annotator)
    there = sorted((each for each in episodes if each.steps), key=lambda each: (_chance(seed, each.id), each.id))
    theirs = [each for each in there if each.id in seen and each.id not in own]
    others = [each for each in there if each.id not in seen] + [each for each in there if each.id in own]
    half = max(POOL // 2, POOL - len(others))
    return [*theirs[:half], *others][:POOL]


def spoken_of(judged: Iterable[Judged]) -> set[str]:
    """The episodes of which somebody says something that stands. A rule is nobody: whom it spoke of is still unseen."""
    return {id_ for each in judged if each.stands and not each.entry.by_rule for id_ in episodes_of(each.entry)}


def _scored(
    episode: Episode, scores: Mapping[str, Scored] | Callable[[Episode], Scored | None] | None
) -> Scored | None:
    if scores is None:
        return None
    return scores(episode) if callable(scores) else scores.get(episode.id)


def _said_by(judged: Sequence[Judged], found: Sequence[Rating], annotator: str) -> set[str]:
    """The keys of what somebody has judged. Who has commented on an episode has looked at it as a whole."""
    keys = {_proposal(each).key for each in found if each.annotator == annotator}
    for each in judged:
        if each.stands and isinstance(each.entry, Critique) and each.entry.annotator == annotator:
            keys.add(Proposal("score", (each.entry.episode,)).key)
    return keys


def _proposal(rating: Rating) -> Proposal:
    """To judge what somebody has judged."""
    unit = rating.unit
    if rating.kind == "ranking":
        return Proposal("ranking", (str(unit[0]), str(unit[1])), item=rating.item)
    number = unit[1] if rating.kind in ("step", "claim") else None
    step = number if rating.kind == "step" and isinstance(number, int) else None
    claim = number if rating.kind == "claim" and isinstance(number, int) else None
    return Proposal(rating.kind, (str(unit[0]),), step, claim, rating.item)


def _differing(found: Sequence[Rating], annotator: str) -> list[Proposal]:
    """What others judge differently: one more voice decides it."""
    proposals = []
    for given in units_of(found).values():
        values: set[Value] = {rating.value for rating in given}
        if len(values) > 1 and annotator not in {rating.annotator for rating in given}:
            why = f"{len(given)} annotators judge it differently: one more voice decides"
            proposals.append(replace(_proposal(given[0]), why=why, urgency=1.0))
    return proposals


def _near_ties(
    pool: Sequence[Episode], found: Sequence[Rating], scored: Mapping[str, Scored], seed: int
) -> list[Proposal]:
    """Pairs of one task that nobody has ranked, by how little is known of their order.

    With scores, neighbours in their order are asked for. Tests have told apart what is solved from what is not, so
    pairs with one outcome teach more.
    """
    ranked = {each.unit[:2] for each in found if each.kind == "ranking"}
    by_task: defaultdict[str, list[Episode]] = defaultdict(list)
    for episode in pool:
        by_task[episode.task].append(episode)
    proposals = []
    for group in by_task.values():
        group.sort(key=lambda e: (s.mean if (s := scored.get(e.id)) else math.inf, _chance(seed, e.id)))
        for one, other in itertools.pairwise(group):
            pair = (min(one.id, other.id), max(one.id, other.id))
            if pair in ranked:
                continue
            alike = one.resolved == other.resolved
            if one.id in scored and other.id in scored:
                doubt = _doubt(scored[one.id], scored[other.id])
                why = f"the reward model is {1 - doubt / 2:.0%} sure which of them is better"
                urgency = 0.9 * doubt * (1.0 if alike else 0.7)
            else:
                why = "nobody has said which of these two is better" + (", and tests do not tell" if alike else "")
                urgency = 0.45 if alike else 0.25
            proposals.append(Proposal("ranking", pair, why=why, urgency=urgency))
    return proposals


def _doubt(one: Scored, other: Scored) -> float:
    """How unsure it is which of two is better: 1 for a tie, 0 for a certainty. The model's spread counts as MacKay
    (1992) has it: a wide one draws the probability to a half."""
    wide = math.sqrt(1 + math.pi / 8 * (one.sd**2 + other.sd**2))
    return 1 - math.tanh(abs(one.mean - other.mean) / wide / 2)


def _claims(pool: Sequence[Episode], found: Sequence[Rating]) -> list[Proposal]:
    """Claims of reports that the record neither supports nor contradicts, and nobody has judged."""
    told = {each.unit[:2] for each in found if each.kind == "claim"}
    return [
        Proposal("claim", (episode.id,), claim=number, urgency=0.6,
                 why="the record neither supports nor contradicts this claim of the report")
        for episode in pool
        for number, finding in enumerate(findings_of(episode.steps))
        if finding.standing is Standing.UNVERIFIABLE and (episode.id, number) not in told
    ]  # fmt: skip


def _turns(
    pool: Sequence[Episode], found: Sequence[Rating], values: Callable[[str], Sequence[StepValue]] | None
) -> list[Proposal]:
    """The step of each episode at which most is decided, where nobody has judged it."""
    told = {each.unit[:2] for each in found if each.kind == "step"}
    proposals = []
    for episode in pool:
        known = [each for each in values(episode.id) if each.mean is not None] if values else []
        turns = [
            (abs((after.mean or 0.0) - (before.mean or 0.0)), after.step)
            for before, after in itertools.pairwise(known)
            if after.step - before.step == 1 and after.step <= len(episode.steps)
        ]
        if turns and max(turns)[0] >= TURN:
            size, step = max(turns)
            why, urgency = "what the episode is worth changes most at this step", 0.5 + 0.3 * min(size, 1.0)
        elif (flip := _flip(episode)) is not None:
            step, why, urgency = flip, "the tests turn out otherwise after this step than before it", 0.5
        else:
            continue
        if (episode.id, step) not in told:
            proposals.append(Proposal("step", (episode.id,), step=step, why=why, urgency=urgency))
    return proposals


def _flip(episode: Episode) -> int | None:
    """The last change of files between two test runs of which one passed and the other did not, from 1."""
    passed, changed = None, 0
    for number, step in enumerate(episode.steps, 1):
        if step.tests is not None and (step.tests.passed or step.tests.failed or step.tests.errors):
            now = not step.tests.failed and not step.tests.errors
            if passed is not None and now != passed and changed:
                return changed
            passed, changed = now, 0
        elif step.diff:
            changed = number
    return None


def _unseen(pool: Sequence[Episode], seen: set[str]) -> list[Proposal]:
    """Episodes that nobody has spoken of; more urgent those of the outcome that fewer of the judged ones have."""
    ended = Counter(episode.resolved for episode in pool if episode.id in seen)
    total = sum(ended.values())
    proposals = []
    for episode in pool:
        if episode.id not in seen:
            rare = total > 0 and ended[episode.resolved] < total / 2
            why = "nobody has judged it" + (", and few that ended like it" if rare else "")
            proposals.append(Proposal("score", (episode.id,), why=why, urgency=0.4 if rare else 0.3))
    return proposals


def _again(found: Sequence[Rating], annotator: str) -> list[Proposal]:
    """What one other annotator alone has judged."""
    return [
        replace(_proposal(given[0]), why="one other annotator has judged it: do you agree?", again=True)
        for given in units_of(found).values()
        if len(given) == 1 and given[0].annotator != annotator
    ]


def _ordered(
    fresh: Sequence[Proposal], again: Sequence[Proposal], settings: QueueSettings, limit: int
) -> tuple[Proposal, ...]:
    """The most urgent first, no episode at the cost of all others, and every so often one that is asked again."""
    left = {each.key: each for each in sorted(fresh, key=lambda each: each.urgency)}  # of two with one key the urgent
    repeats = sorted(again, key=lambda each: _chance(settings.seed, each.key))
    repeats = [each for each in repeats if each.key not in left]
    crowd = Counter[str]()
    chosen: list[Proposal] = []
    asked_again = 0

    def urgency(each: Proposal) -> tuple[float, float]:
        times = max(crowd[id_] for id_ in each.episodes)
        return each.urgency * _CROWDED**times, _chance(settings.seed, each.key)

    while len(chosen) < limit and (left or repeats):
        due = asked_again < math.floor(settings.again_share * (len(chosen) + 1) + 1e-9)
        if repeats and (due or (not left and settings.again_share > 0)):
            best = repeats.pop(0)
            asked_again += 1
        elif left:
            best = left.pop(max(left.values(), key=urgency).key)
        else:
            break
        crowd.update(best.episodes)
        chosen.append(best)
    return tuple(chosen)


def _chance(seed: int, key: str) -> float:
    """A number in [0, 1) that a seed and a name decide."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{key}".encode()).digest()[:8]) / 2**64
