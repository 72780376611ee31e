"""The hybrid reward: what each episode of a group is worth for training, as named, bounded terms.

The recorded reward stays what the grader decided, so that replays verify. From a group of recorded episodes of one
task this makes a second one, by rules that depend on nothing but the records and the settings. Write m, s, h, k, l
for the weights of `HybridSettings` (m is 0 for a task without milestones). An episode's total is

    (1 - m - s) outcome + m milestones + s self_correction - h honesty - k cost + l' learned

with every value in [0, 1]. What holds, and why:

1. *Bounds.* The first three weights sum to 1, so a total lies in [-h - k, 1 + l]. A solved episode has 1 in each of
   the three: the reference, honest and alone, earns exactly 1. Doing nothing closes no milestone and shows no check
   passing: it earns 0 (and l' of what others say of it).
2. *Solved beats unsolved*, whatever else they did: a solved episode has at least 1 - h - k, an unsolved one at most
   m + s + l, and settings in which these are less than `MARGIN` apart are refused.
3. *Failing first earns nothing.* Paying for the change from failing to passing (as the bonus of SCoRe does, Kumar
   et al. 2024, arXiv:2409.12917) pays for breaking things first. So the state that was reached is paid, as in
   potential-based shaping (Ng et al. 1999), where a detour gains on its way back what it lost on its way out: every
   solved episode has the whole of `self_correction`, and an unsolved one the share of its checks that its last own
   test run after a change of its own shows passing, and that the verdict confirms. How it came there does not enter:
   take the failing runs out of a record that ends in the same runs and verdict, and it earns as much.
4. *A lie never pays.* Each false claim takes half of what is left of h, so no number of true ones makes up for it, and
   the report itself costs nothing: of two episodes with the same work, the one with fewer false claims earns more. True
   claims earn what silence earns. To be blocked by a task that can be done is a false claim too: where tasks that
   cannot be done are trained on, giving up would else be the cheapest answer to those that are only hard. An honest
   attempt has no negative term unless it is solved, so doing nothing, which earns 0, does not beat it.
5. *Cost* is charged to solved episodes alone, and in proportion to the share of the group that is solved (Arora and
   Zanette 2025, arXiv:2502.04463): where few succeed, nobody is taught to hurry. Theirs compares with the mean in
   units of the deviation, which makes much of small differences; here twice the cheapest costs half, thrice two
   thirds, and the cheapest nothing.
6. *Learned and human terms* weigh together l' = l where something is solved: there, how it was done is what is left to
   tell. Elsewhere l' = min(l, max(alone, spread)), where spread is how far apart the grader put the group's episodes
   by their milestones. So where nothing is solved and no milestone differs, they move no advantage by more than
   `learned_alone`, so long as advantages are not divided by the group's deviation.

Unscored episodes have no terms and take no part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from journeyman.envs.episode import Episode, RewardTerm
from journeyman.envs.rewards import total
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Outcome
from journeyman.training.checkpoint import TrainingError
from journeyman.training.hardness import Hardness
from journeyman.training.honesty import before_report, counts_against, visible_checks
from journeyman.training.mended import corrections, shown, sightings

MARGIN = 0.05
"""By so much at least any solved episode is above any unsolved one."""
MAX_LEARNED = 0.1


@dataclass(frozen=True, slots=True)
class Told:
    """What a model or a person says, and where that comes from."""

    value: float
    source: str


Learned = Mapping[str, Mapping[str, float | Told]]
"""Episode's id → what a model or a person says of it, by name, each in [0, 1]. Whoever says nothing of an episode is
taken to find it like the average of those in the group that it spoke of."""


@dataclass(frozen=True, slots=True)
class HybridSettings:
    """Weights, in units of the reward of a solved episode (1). With 0 a term is left out.

    Raises:
        TrainingError: a weight is out of its range, or together they could put an unsolved episode above a solved one.
    """

    milestones: float = 0.5
    """What a project's milestones pay together. A task without any pays this by its outcome."""
    self_correction: float = 0.1
    """What a solved episode earns, and an unsolved one in part: see the module."""
    honesty: float = 0.1
    """What any number of false claims takes at most; the first takes half."""
    cost: float = 0.05
    """What a solved episode can lose at most by its length, if the whole group is solved."""
    learned: float = 0.05
    """What all learned and human terms pay together, at most; not above `MAX_LEARNED`."""
    learned_alone: float = 0.01
    """The same where nothing is solved, and nothing that the grader decided tells the group's episodes apart."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise TrainingError(f"{field.name} is {getattr(self, field.name)}: weights lie between 0 and 1")
        if not self.learned_alone <= self.learned <= MAX_LEARNED:
            raise TrainingError(f"learned_alone <= learned <= {MAX_LEARNED} must hold: more would steer the training")
        together = self.milestones + self.self_correction + self.honesty + self.cost + self.learned
        if together > 1 - MARGIN + 1e-9:
            raise TrainingError(
                f"the weights sum to {together:g}, more than {1 - MARGIN:g}: an unsolved episode could earn more than "
                "a solved one; lower some"
            )


@dataclass(frozen=True, slots=True)
class Shaped:
    """What one episode is worth in its group."""

    terms: tuple[RewardTerm, ...]
    """Every term that the settings ask for, also those that pay 0; empty when unscored."""
    total: float | None
    """Their sum; `None` when unscored."""


def hybrid(
    group: Sequence[Episode],
    task: Task | None,
    settings: HybridSettings | None = None,
    *,
    hardness: Hardness | None = None,
    learned: Learned | None = None,
    beside: int = 0,
) -> list[Shaped]:
    """The reward of each episode of a group, in order.

    Args:
        task: without it milestones are paid as recorded, and `self_correction` only to solved episodes.
        hardness: what is known of the checks; by default all are equally hard.
        learned: values from outside, by episode.
        beside: so many others, who say something of single steps, share the bound of the learned terms.

    Raises:
        TrainingError: the episodes are not all of this task, or a learned value is not in [0, 1].
    """
    settings = settings or HybridSettings()
    names = {episode.task for episode in group} | ({task.name} if task else set())
    if len(names) > 1:
        raise TrainingError(f"a group's episodes are of one task; these are of {', '.join(sorted(names))}")
    scored = [episode for episode in group if episode.reward is not None]
    rules = _Rules(scored, task, settings, hardness or Hardness())
    outside = _outside(scored, learned or {}, rules.bound if settings.learned else 0.0, beside)
    shaped = []
    for episode in group:
        if episode.reward is None:
            shaped.append(Shaped((), None))
        else:
            terms = (*rules.terms(episode), *(term[episode.id] for term in outside))
            shaped.append(Shaped(terms, total(terms)))
    return shaped


def learned_bound(
    group: Sequence[Episode], task: Task | None, settings: HybridSettings, hardness: Hardness | None = None
) -> float:
    """By how much everything learned or human may move an episode of a group at most: l' of the module."""
    scored = [episode for episode in group if episode.reward is not None]
    return _Rules(scored, task, settings, hardness or Hardness()).bound


def term_means(shaped: Sequence[Shaped]) -> dict[str, float]:
    """For a trainer's log: each term's mean amount over the scored episodes of a step, and "total"; {} without any.

    An episode without a term (a task without milestones) counts as 0 in it.
    """
    scored = [(each.terms, each.total) for each in shaped if each.total is not None]
    names = dict.fromkeys(term.name for terms, _ in scored for term in terms)
    sums = {name: math.fsum(t.amount for terms, _ in scored for t in terms if t.name == name) for name in names}
    if scored:
        sums["total"] = math.fsum(total for _, total in scored)
    return {name: value / len(scored) for name, value in sums.items()}


class _Rules:
    """The terms that follow from the records of a group alone."""

    def __init__(self, scored: Sequence[Episode], task: Task | None, settings: HybridSettings, hardness: Hardness):
        self.task, self.settings = task, settings
        self.shares = hardness.shares(task) if task else {}
        self.checks = frozenset(task.fail_to_pass) if task else frozenset()
        self.visible = visible_checks(scored, task) if settings.honesty else frozenset()
        solved = [episode for episode in scored if is_solved(episode)]
        self.solved, self.scored = len(solved), len(scored)
        self.in_tokens = all(_tokens(episode) is not None for episode in solved)
        self.cheapest = min((self.cost(episode) for episode in solved), default=1)
        decided = [math.fsum(term.amount for term in self.graded(episode)) for episode in scored]
        self.spread = max(decided, default=0.0) - min(decided, default=0.0)
        """How far apart the grader put the episodes, in [0, 1]."""

    @property
    def bound(self) -> float:
        if self.solved:
            return self.settings.learned
        return min(self.settings.learned, max(self.settings.learned_alone, self.spread))

    def terms(self, episode: Episode) -> tuple[RewardTerm, ...]:
        terms = [*self.graded(episode)]
        if self.settings.self_correction:
            terms.append(self.self_correction(episode))
        if self.settings.honesty:
            terms.append(self.honesty(episode))
        if self.settings.cost:
            terms.append(self.expense(episode))
        return tuple(terms)

    def graded(self, episode: Episode) -> tuple[RewardTerm, ...]:
        """What the grader decided: the outcome as recorded, and milestones by how hard they are."""
        recorded = {term.name: term for term in episode.terms}
        has_milestones = bool(self.task.milestones) if self.task else "milestones" in recorded
        weight = self.settings.milestones if has_milestones else 0.0
        left = 1 - (weight + self.settings.self_correction)
        source = recorded["outcome"].source if "outcome" in recorded else "the verdict"
        outcome = RewardTerm("outcome", left, float(is_solved(episode)), source)
        if not weight:
            return (outcome,)
        return outcome, RewardTerm("milestones", weight, *self.milestones(episode, recorded.get("milestones")))

    def milestones(self, episode: Episode, recorded: RewardTerm | None) -> tuple[float, str]:
        """The value, and where it comes from."""
        if is_solved(episode):
            return 1.0, "solved, with all of its milestones"
        if self.task is None:
            return (recorded.value, recorded.source) if recorded else (0.0, "no verdict")
        marks = episode.verdict.milestones if episode.verdict else {}
        closed = [name for name in self.shares if marks.get(name)]
        value = min(1.0, math.fsum(self.shares[name] for name in closed))
        named = ", ".join(f"{name} {self.shares[name]:.2f}" for name in closed)
        return value, f"{len(closed)} of {len(self.shares)} milestones closed" + (f": {named}" if named else "")

    def self_correction(self, episode: Episode) -> RewardTerm:
        """In full for what is solved; else the share of checks that its own tests show passing and the verdict too."""
        weight = self.settings.self_correction
        seen = sightings(before_report(episode.steps))
        mended = len({correction.check for correction in corrections(seen)})
        if is_solved(episode):
            how = f"failures of its own mended: {mended}" if mended else "no failure of its own seen"
            return RewardTerm("self_correction", weight, 1.0, f"solved, {how}")
        outcomes = episode.verdict.outcomes if episode.verdict else {}
        passing = {check for check in self.checks if outcomes.get(check) is Outcome.PASSED}
        held = sum(shown(runs) for check, runs in seen.items() if check in passing)
        source = f"{held} of {len(self.checks)} checks shown passing by its own tests, and confirmed; {mended} mended"
        return RewardTerm("self_correction", weight, held / len(self.checks) if held else 0.0, source)

    def honesty(self, episode: Episode) -> RewardTerm:
        """What false claims take: half for the first, half of the rest for each further one."""
        false = counts_against(episode, self.visible, self.task)
        source = "; ".join(false[:3]) or "no false claim"
        if len(false) > 3:
            source += f"; and {len(false) - 3} more"
        return RewardTerm("honesty", -self.settings.honesty, 1 - 0.5 ** len(false), source)

    def expense(self, episode: Episode) -> RewardTerm:
        """What a solved episode's length takes, beside the cheapest solved one of the group."""
        unit = "tokens" if self.in_tokens else "steps"
        if not is_solved(episode):
            return RewardTerm("cost", -self.settings.cost, 0.0, "not solved")
        spent, rate = self.cost(episode), self.solved / self.scored
        source = f"{spent} {unit}, the cheapest {self.cheapest}; {self.solved} of {self.scored} solved"
        return RewardTerm("cost", -self.settings.cost, rate * (1 - self.cheapest / spent), source)

    def cost(self, episode: Episode) -> int:
        """What the work cost, the report aside: tokens if all solved episodes know theirs, else steps. At least 1."""
        tokens = _tokens(episode) if self.in_tokens else None
        return max(1, len(before_report(episode.steps)) if tokens is None else tokens)


def is_solved(episode: Episode) -> bool:
    """Whether the recorded outcome is full; of a record without that term, whether the verdict says so."""
    outcome = next((term.value for term in episode.terms if term.name == "outcome"), None)
    return episode.resolved if outcome is None else outcome >= 1


def _tokens(episode: Episode) -> int | None:
    """Tokens written, and read after the opening, before the report; `None` where an action has no ledger."""
    count = 0
    for number, step in enumerate(before_report(episode.steps)):
        if step.action.tokens is None:
            return None
        count += len(step.action.tokens.sampled_ids) + (len(step.action.tokens.prompt_ids) if number else 0)
    return count


def _outside(scored: Sequence[Episode], learned: Learned, bound: float, beside: int) -> list[dict[str, RewardTerm]]:
    """One learned or human term after the other, each by episode."""
    given = {
        episode.id: {name: _told(value) for name, value in learned.get(episode.id, {}).items()} for episode in scored
    }
    for id_, values in given.items():
        for name, told in values.items():
            if not 0 <= told.value <= 1:
                raise TrainingError(f"the learned value {name!r} of episode {id_} is {told.value}, not in [0, 1]")
    names = sorted({name for values in given.values() for name in values}) if bound else []
    terms = []
    for name in names:
        said = [values[name].value for values in given.values() if name in values]
        middle = Told(min(1.0, math.fsum(said) / len(said)), "nothing said: the mean of the others")
        terms.append(
            {
                id_: RewardTerm(
                    f"learned:{name}", bound / (len(names) + beside), values.get(name, middle).value,
                    values.get(name, middle).source,
                )
                for id_, values in given.items()
            }
        )  # fmt: skip
    return terms


def _told(value: float | Told) -> Told:
    return value if isinstance(value, Told) else Told(value, "given from outside")
