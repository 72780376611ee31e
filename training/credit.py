"""How much each action of a group's episodes is reinforced: its advantage.

- An episode's own is its reward less the mean of the *other* scored episodes of its group (leave-one-out: Kool et al.
  2019; Ahmadian et al. 2024, arXiv:2402.14740), so that no episode is compared with itself.
- Where episodes of a group come to the same files, what they did next is compared there as well (GiGPO: Feng et al.
  2025, arXiv:2505.10978, with the tree hash as the anchor state): two that mended the same thing differ only in what
  they did from then on. Where nobody else came, the episode's own stands.
- What a milestone pays is credited to what was done up to its closing, as far as that is known.
- What people say of single steps is added, within a bound that the reward sets (training/hybrid.py).
- An episode that is unscored counts for nothing. One that was cut off (by tokens or by time, so perhaps amid an
  answer or a tool call that nobody answered) is what the others are compared with, but is not itself learned from: the
  cut may not be its fault (DAPO's overlong filtering: Yu et al. 2025, arXiv:2503.14476).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Episode, StopReason
from journeyman.training.checkpoint import TrainingError

CUT = frozenset({StopReason.TOKEN_LIMIT, StopReason.TIME_LIMIT})
_ROUNDING = 1e-9
_BEGINNING = "the beginning"
"""The state before the first action, where no step names its tree."""


@dataclass(frozen=True, slots=True)
class CreditSettings:
    state_share: float = 0.5
    """Of an advantage, how much is decided among those that came to the same files; in [0, 1], 0 compares whole
    episodes alone."""
    learn_from_cut: bool = False
    """Whether episodes that were cut off are learned from."""

    def __post_init__(self) -> None:
        if not 0 <= self.state_share <= 1:
            raise TrainingError(f"state_share must be between 0 and 1, not {self.state_share}")


def advantages(
    group: Sequence[Episode],
    settings: CreditSettings,
    rewards: Sequence[float | None] | None = None,
    spent: Sequence[Sequence[float]] | None = None,
    told: Sequence[Sequence[float]] | None = None,
) -> list[list[float]]:
    """For each episode of a group (several of one task), the advantage of each of its actions, in order.

    Args:
        rewards: one for each episode, `None` for what is not to count; by default what the grader paid.
        spent: for each action what of its episode's own advantage was decided before it (`decided_before`).
        told: for each action what is added to it: what people say of the step, which is bounded by whoever gives it.
    """
    paid = [episode.reward for episode in group] if rewards is None else list(rewards)
    whole = leave_one_out(paid)
    own = [
        [value - before for before in (spent[number] if spent else [0.0] * len(episode.steps))]
        for number, (value, episode) in enumerate(zip(whole, group, strict=True))
    ]
    share = settings.state_share
    compared = _by_state(group, paid, own)
    added = told or [[0.0] * len(episode.steps) for episode in group]
    return [
        [
            _clean((1 - share) * here + share * there + more)
            for here, there, more in zip(owned, by_action, add, strict=True)
        ]
        if _is_learned(episode, reward, settings)
        else [0.0] * len(owned)
        for episode, reward, owned, by_action, add in zip(group, paid, own, compared, added, strict=True)
    ]


def _clean(value: float) -> float:
    """0 for what rounding left of it: an action that is credited with nothing must not count as learned."""
    return 0.0 if abs(value) < _ROUNDING else value


def decided_before(
    group: Sequence[Episode], weights: Mapping[str, float], closings: Sequence[Mapping[str, int]]
) -> list[list[float]]:
    """For each action, the part of its episode's advantage that stands for milestones which were closed before it.

    What an episode did after a milestone had no part in closing it. (Advantages add up over the parts of a reward.)

    Args:
        weights: what each milestone pays.
        closings: for each episode, after which step (from 1) each milestone was closed, as far as it is known.
    """
    spent = [[0.0] * len(episode.steps) for episode in group]
    for name, weight in weights.items():
        paid = [
            None if e.reward is None else weight * bool(e.verdict and e.verdict.milestones.get(name)) for e in group
        ]
        for number, value in enumerate(leave_one_out(paid)):
            for at in range(closings[number].get(name, len(spent[number])), len(spent[number])):
                spent[number][at] += value
    return spent


def has_signal(credited: Sequence[Sequence[float]]) -> bool:
    """Whether anything can be learned from a group with these advantages: some episode did better than another."""
    return any(value for actions in credited for value in actions)


def leave_one_out(rewards: Sequence[float | None]) -> list[float]:
    """Each reward less the mean of the others; 0 where there is none, or no other."""
    scored = [reward for reward in rewards if reward is not None]
    total, others = sum(scored), len(scored) - 1
    if others < 1 or min(scored) == max(scored):  # no rounding may make a difference of none
        return [0.0] * len(rewards)
    return [0.0 if reward is None else reward - (total - reward) / others for reward in rewards]


def _is_learned(episode: Episode, reward: float | None, settings: CreditSettings) -> bool:
    """Whether an episode's actions may enter the loss."""
    return reward is not None and (settings.learn_from_cut or episode.stop not in CUT)


def _by_state(
    group: Sequence[Episode], rewards: Sequence[float | None], own: Sequence[Sequence[float]]
) -> list[list[float]]:
    """What each action is worth beside those of other episodes that began with the same files; the episode's own where
    there are none.

    An episode that comes to a state several times is there once: until its files change, its actions are one choice.
    """
    states = _states(group)
    visitors: defaultdict[str, list[int]] = defaultdict(list)
    for number, visited in enumerate(states):
        for state in dict.fromkeys(visited):
            if state and rewards[number] is not None:
                visitors[state].append(number)
    worth = {
        (state, number): value
        for state, numbers in visitors.items() if len(numbers) > 1
        for number, value in zip(numbers, leave_one_out([rewards[number] for number in numbers]), strict=True)
    }  # fmt: skip
    return [
        [worth.get((state, number), value) for state, value in zip(visited, owned, strict=True)]
        for number, (owned, visited) in enumerate(zip(own, states, strict=True))
    ]


def _states(group: Sequence[Episode]) -> list[list[str]]:
    """For each episode the tree hash that stood before each action. All begin with the same files, also what goes on
    from within a solution, whose steps it has; a first step that changed nothing names them."""
    firsts = [episode.steps[0] for episode in group if episode.steps]
    beginning = next((step.tree_hash for step in firsts if step.tree_hash and not step.diff), _BEGINNING)
    return [[beginning, *(step.tree_hash for step in episode.steps)][: len(episode.steps)] for episode in group]
