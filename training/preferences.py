"""Which of two episodes is better, and which are good: what DPO, KTO and reward models learn from.

A preference says that one episode of a task is better than another. Here the grader says so, by the verified reward;
people who rank episodes are another source of the same thing. Two kinds of episodes are compared: whole ones of one
task, and those that go on from one step (policies/fork.py), whose common actions belong to neither.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random

from journeyman.envs.actions import MALFORMED
from journeyman.envs.episode import Change, Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.training.checkpoint import TrainingError

CUT = (StopReason.STEP_LIMIT, StopReason.TOKEN_LIMIT, StopReason.TIME_LIMIT)
"""The policy would have gone on."""
BROKEN = (StopReason.POLICY_ERROR, StopReason.SANDBOX_LOST, StopReason.INTERRUPTED)
"""What ended it was none of the policy's doing."""
_ROUNDING = 1e-9


class NoPreferencesError(TrainingError):
    """The episodes give nothing to learn from; the message counts why."""


@dataclass(frozen=True, slots=True)
class Preference:
    """One episode of a task is better than another."""

    chosen: Episode
    rejected: Episode
    margin: float
    """How much better; of verified rewards it is their difference."""
    source: str
    """Who says so, in words."""
    shared: int = 0
    """So many first actions are the same in both: read by both, and in the loss of neither."""
    by: str = ""
    """The annotators who say so, divided by commas; empty for the grader."""
    row: str = ""
    """The row of compiled feedback that it is; empty where the grader says so."""

    @property
    def task(self) -> str:
        return self.chosen.task

    @property
    def name(self) -> str:
        """Tells it from others of a training."""
        return self.row or f"{self.chosen.id} over {self.rejected.id}"


@dataclass(frozen=True, slots=True)
class Label:
    """An episode is desirable, or it is not."""

    episode: Episode
    desirable: bool
    source: str
    """Who says so, in words."""
    shared: int = 0
    """So many first actions were another episode's."""
    row: str = ""
    """The row of compiled feedback that it is; empty where the grader says so."""

    @property
    def task(self) -> str:
        return self.episode.task

    @property
    def name(self) -> str:
        """Tells it from others of a training."""
        return self.row or self.episode.id


@dataclass(frozen=True, slots=True)
class PreferenceSettings:
    """Which episodes are compared. Unscored ones, and those that a fault ended, never are."""

    min_margin: float = 0.25
    """The least difference of rewards that makes a pair, above 0."""
    per_task: int = 8
    """At most so many pairs of a task (with labels: so many episodes of either kind)."""
    cut_as_worse: bool = False
    """Take episodes that a limit cut short as the worse ones of a pair; else they are left out."""
    desirable_from: float = 1.0
    """With labels: what earned as much is desirable; what earned less by `min_margin` is not; between is left out."""

    def __post_init__(self) -> None:
        if not self.min_margin > 0:
            raise TrainingError(f"the margin must be above 0, not {self.min_margin:g}: equal rewards say nothing")
        if self.per_task < 1:
            raise TrainingError(f"at least one pair of a task, not {self.per_task}")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Preferences, with what gave none."""

    found: tuple[Preference, ...]
    left_out: dict[str, int]
    """How many episodes (or tasks, where it says so) for which reason."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels, with what gave none."""

    found: tuple[Label, ...]
    left_out: dict[str, int]


_Point = tuple[str, int]
"""Where episodes part: the episode whose first actions they share, and how many; ("", 0) is the beginning."""
_Contest = tuple[int, list[Episode]]
"""Episodes that may be compared, behind how many actions that they share."""


def pairs_of(episodes: Iterable[Episode], settings: PreferenceSettings | None = None) -> Pairs:
    """Better and worse episodes of each task, under the same settings, by verified reward.

    The result does not depend on the order of `episodes`. Of a task's pairs those are taken first whose episodes are
    in the fewest others, then those with the largest margin.
    """
    settings = settings or PreferenceSettings()
    left_out: Counter[str] = Counter()
    pairs: list[Preference] = []
    for _, contests in sorted(_contests(episodes, settings, left_out).items()):
        candidates = [
            Preference(better, worse, _reward(better) - _reward(worse), _source(better, worse, at), at)
            for at, members in contests
            for better, worse in permutations(members, 2)
            if _reward(better) - _reward(worse) >= settings.min_margin - _ROUNDING and better.stop not in CUT
        ]
        if not candidates:
            single = all(len(members) < 2 for _, members in contests)
            left_out["tasks with one usable episode" if single else "tasks whose episodes earned alike"] += 1
        pairs += _spread(candidates, settings.per_task)
    return Pairs(tuple(pairs), dict(left_out))


def labels_of(episodes: Iterable[Episode], settings: PreferenceSettings | None = None) -> Labels:
    """Desirable and undesirable episodes, by verified reward; at most `per_task` of either kind and task."""
    settings = settings or PreferenceSettings()
    left_out: Counter[str] = Counter()
    labels: list[Label] = []
    for _, contests in sorted(_contests(episodes, settings, left_out).items()):
        members = {_actions(each): each for _, ones in contests for each in ones}.values()
        found: dict[bool, list[Label]] = {True: [], False: []}
        for each in sorted(members, key=lambda each: (-_reward(each), each.id)):
            desirable = _reward(each) >= settings.desirable_from - _ROUNDING and each.stop not in CUT
            if not desirable and _reward(each) > settings.desirable_from - settings.min_margin + _ROUNDING:
                left_out["neither good nor bad"] += 1
                continue
            source = f"verified reward {_reward(each):.2f}"
            found[desirable].append(Label(each, desirable, source, _own_from(each)))
        labels += found[True][: settings.per_task] + found[False][-settings.per_task :]
    return Labels(tuple(labels), dict(left_out))


def pairs_with(told: Sequence[Preference], graded: Pairs) -> Pairs:
    """What people prefer, and what the grader found of other pairs. Where both say the same of a pair, it is people's;
    where they contradict each other, it is nobody's."""
    left_out: Counter[str] = Counter(graded.left_out)
    order = {frozenset((each.chosen.id, each.rejected.id)): each for each in told if each.chosen.id != each.rejected.id}
    kept, against = [], set[str]()
    for each in graded.found:
        said = order.get(frozenset((each.chosen.id, each.rejected.id)))
        if said is None:
            kept.append(each)
        elif said.chosen.id == each.chosen.id:
            left_out["pairs that people judged the same"] += 1
        else:
            left_out["pairs of which people and tests say the opposite"] += 1
            against.add(said.row)
    return Pairs((*(each for each in told if each.row not in against), *kept), dict(left_out))


def labels_with(told: Sequence[Label], graded: Labels) -> Labels:
    """The same of labels."""
    left_out: Counter[str] = Counter(graded.left_out)
    said = {each.episode.id: each for each in told}
    kept, against = [], set[str]()
    for each in graded.found:
        person = said.get(each.episode.id)
        if person is None:
            kept.append(each)
        elif person.desirable == each.desirable:
            left_out["episodes that people judged the same"] += 1
        else:
            left_out["episodes of which people and tests say the opposite"] += 1
            against.add(person.row)
    return Labels((*(each for each in told if each.row not in against), *kept), dict(left_out))


def balanced_weights(desirable: int, undesirable: int) -> tuple[float, float]:
    """Weights of desirable and undesirable rows that make both kinds count alike: one is 1, the rarer kind's is more.

    The ratio of weighted numbers is 1, the lower end of what the authors of KTO advise (Ethayarajh et al. 2024,
    arXiv:2402.01306, equation 8).
    """
    if not desirable or not undesirable:
        return 1.0, 1.0
    return max(1.0, undesirable / desirable), max(1.0, desirable / undesirable)


def held_out_tasks(tasks: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """A share of the tasks, rounded, to measure by: a pair is never measured by others of its own task. One is left.

    Raises:
        TrainingError: the share is that of a single task, so that nothing would be trained on.
    """
    names = sorted(set(tasks))
    count = int(share * len(names) + 0.5)
    if count == len(names) == 1:
        raise TrainingError(f"all episodes are of one task, {names[0]}: hold out none (0), or give other tasks too")
    return frozenset(Random(seed).sample(names, min(count, len(names) - 1)) if names else ())


def reasons(left_out: Mapping[str, int]) -> str:
    """Why episodes gave nothing, as a line says it."""
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(left_out.items()))


def _contests(
    episodes: Iterable[Episode], settings: PreferenceSettings, left_out: Counter[str]
) -> dict[str, list[_Contest]]:
    """By task, what may be compared: episodes that began alike, under the same settings."""
    by_id = {episode.id: episode for episode in episodes}
    whys = {name: _why_not(each, settings) for name, each in by_id.items()}
    left_out.update(why for why in whys.values() if why)
    usable = {name: each for name, each in sorted(by_id.items()) if not whys[name]}
    groups: dict[tuple[str, str, _Point], dict[str, Episode]] = defaultdict(dict)
    for each in usable.values():
        point, conditions = _point(each, by_id), _conditions(each)
        group = groups[each.task, conditions, point]
        group[each.id] = each
        owner = usable.get(point[0])
        if owner is not None and _conditions(owner) == conditions:
            group[owner.id] = owner
    contests: dict[str, list[_Contest]] = defaultdict(list)
    for (task, _, (_, shared)), members in sorted(groups.items()):
        contests[task].append((shared, _distinct(members.values(), left_out)))
    return contests


def _why_not(episode: Episode, settings: PreferenceSettings) -> str:
    """Why an episode is never compared; empty if it may be."""
    if IMPORTED in episode.versions:
        return "imported, so nothing here verified it"
    if episode.stop in BROKEN:
        return "broken off by a fault"
    if episode.reward is None:
        return "unscored"
    if len(episode.steps) <= _own_from(episode):
        return "without an action"
    if episode.ancestry is not None and episode.ancestry.change is Change.HINT:
        return "helped by a hint"
    return "cut short by a limit" if episode.stop in CUT and not settings.cut_as_worse else ""


def _own_from(episode: Episode) -> int:
    return episode.ancestry.step if episode.ancestry is not None else 0


def _point(episode: Episode, by_id: Mapping[str, Episode]) -> _Point:
    """Where an episode left another. One that left before that one's own part left the one before it."""
    if episode.ancestry is None or not episode.ancestry.step:
        return "", 0
    owner, at = episode.ancestry.episode, episode.ancestry.step
    while (parent := by_id.get(owner)) is not None and parent.ancestry is not None and at <= parent.ancestry.step:
        owner = parent.ancestry.episode
    return owner, at


def _conditions(episode: Episode) -> str:
    """What must be the same for two rewards to be comparable."""
    return json.dumps([episode.versions.get("task", ""), episode.config], sort_keys=True)


def _distinct(episodes: Iterable[Episode], left_out: Counter[str]) -> list[Episode]:
    """One episode of each sequence of actions; none where the same actions earned something else another time."""
    alike: dict[str, list[Episode]] = defaultdict(list)
    for each in sorted(episodes, key=lambda each: each.id):
        alike[_actions(each)].append(each)
    kept = []
    for same in alike.values():
        if len({each.reward for each in same}) > 1:
            left_out["rewarded differently for the same actions"] += len(same)
        else:
            kept.append(same[0])
            if len(same) > 1:
                left_out["same actions as another"] += len(same) - 1
    return kept


def _actions(episode: Episode) -> str:
    actions = [step.action for step in episode.steps]
    return json.dumps([(a.tool, a.text if a.tool == MALFORMED else dict(a.arguments)) for a in actions], sort_keys=True)


def _spread(candidates: Sequence[Preference], limit: int) -> list[Preference]:
    uses: Counter[str] = Counter()
    left, kept = list(candidates), list[Preference]()

    def rank(pair: Preference) -> tuple[int, float, int, str, str]:
        used = uses[pair.chosen.id] + uses[pair.rejected.id]
        return used, -pair.margin, -pair.shared, pair.chosen.id, pair.rejected.id

    while left and len(kept) < limit:
        best = min(left, key=rank)
        left.remove(best)
        kept.append(best)
        uses.update((best.chosen.id, best.rejected.id))
    return kept


def _reward(episode: Episode) -> float:
    assert episode.reward is not None, "unscored episodes were left out"
    return episode.reward


def _source(better: Episode, worse: Episode, shared: int) -> str:
    said = f"verified rewards {_reward(better):.2f} and {_reward(worse):.2f}"
    return f"{said}, apart after step {shared}" if shared else said
