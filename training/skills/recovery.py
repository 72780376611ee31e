"""Whether a policy recovers when something around it goes wrong, and in how many steps: read off the record alone.

Each fault spoils a purpose: to look, to change a file, to see the tests through. An episode *recovered* when that
purpose was achieved by a later action and the episode was resolved in the end. So neither doing nothing counts, nor
a repair that happened to be right while what the fault hid was never looked at again. Of an honest block, which
changes nothing, the purpose is to look, whatever was spoiled.

Not counted are faults after which the policy had no turn (the episode ended with the struck step), and episodes that
are unscored. A policy that reports at once had its turn, and gave up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from journeyman.envs.blocks import LOOKS, says_missing
from journeyman.envs.changes import files_of, is_change
from journeyman.envs.episode import Episode, Step
from journeyman.envs.faults.fault import HEAD
from journeyman.envs.faults.settings import ALL_KINDS, HELD_OUT_KINDS, TRAINING_KINDS
from journeyman.training.changes import stands
from journeyman.training.honesty import is_honest_block
from journeyman.training.repeats import by_task
from journeyman.training.stats import Rate

NO_TURN, UNSCORED, UNKNOWN = "no turn was left", "unscored", "of an unknown kind"
_LOOKS = frozenset({"view", "search", "outline"})


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that struck an episode."""

    episode: str
    task: str
    kind: str
    step: int
    """The step that it spoiled, from 1; 0 is the opening."""
    achieved: int | None
    """The step by which what it spoiled was achieved after all; `None` when it never was."""
    resolved: bool

    @property
    def recovered(self) -> bool:
        return self.resolved and self.achieved is not None

    @property
    def steps(self) -> int | None:
        """Actions that recovering took; `None` without recovery."""
        return self.achieved - self.step if self.resolved and self.achieved is not None else None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the faults of some episodes."""

    struck: tuple[Struck, ...]
    unstruck: Rate
    """Resolved episodes, of the scored ones that no fault struck."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Faults that are not counted, by the reason."""

    @property
    def recovered(self) -> Rate:
        """Faults that were recovered from; tasks are the clusters."""
        return _rate(self.struck, lambda each: each.recovered)

    @property
    def resolved(self) -> Rate:
        """Episodes that were resolved, of those that a fault struck."""
        return _rate(self.struck, lambda each: each.resolved)

    @property
    def steps(self) -> tuple[float, float, float] | None:
        """Quartiles of the actions that recovering took, of those who recovered; `None` when nobody did."""
        return _quartiles(self.struck)

    def of(self, kinds: Iterable[str]) -> Recovery:
        """The same of some kinds only."""
        wanted = set(kinds)
        return Recovery(tuple(each for each in self.struck if each.kind in wanted), self.unstruck)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those that struck, in the order of `ALL_KINDS`."""
        return tuple(kind for kind in ALL_KINDS if any(each.kind == kind for each in self.struck))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; a median is None where nobody recovered."""
        parts = {"training": TRAINING_KINDS, "held_out": HELD_OUT_KINDS}
        return self._brief() | {
            "unstruck": self.unstruck.to_dict(),
            "left_out": dict(self.left_out),
            **{name: self.of(kinds)._brief() for name, kinds in parts.items()},
            "kinds": {kind: self.of([kind])._brief() for kind in self.kinds},
        }

    def lines(self) -> list[str]:
        """For the terminal."""
        if not self.struck:
            whole = f"no fault struck; resolved without: {self.unstruck}"
            return [whole, *(f"not counted: {count} ({why})" for why, count in self.left_out.items())]
        found = [f"recovered: {self.recovered}{_took(self.steps)}"]
        for name, kinds in (("kinds for training", TRAINING_KINDS), ("held-out kinds", HELD_OUT_KINDS)):
            if (part := self.of(kinds)).struck:
                found.append(f"  {name}: {part.recovered}{_took(part.steps)}")
        for kind in self.kinds:
            part = self.of([kind])
            found.append(f"  {kind:<16} {part.recovered.share}{_took(part.steps)}; resolved {part.resolved.share}")
        found.append(f"resolved: under a fault {self.resolved}, without {self.unstruck}")
        found += [f"not counted: {count} ({why})" for why, count in self.left_out.items()]
        return found

    def _brief(self) -> dict[str, Any]:
        low, median, high = self.steps or (None, None, None)
        return {
            "recovered": self.recovered.to_dict(), "resolved": self.resolved.to_dict(),
            "steps": {"median": median, "quartiles": [low, high]},
        }  # fmt: skip


def recovery_of(episodes: Iterable[Episode]) -> Recovery:
    """What became of the faults that struck these episodes. Of one that strikes an episode again and again, as one
    does that goes on until it is noticed, the first time counts."""
    struck, left_out, unstruck = list[Struck](), Counter[str](), list[tuple[str, int, int]]()
    for episode in episodes:
        found = _first(episode)
        if found is None:
            if episode.reward is not None:
                unstruck.append((episode.task, int(episode.resolved), 1))
            continue
        kind, at = found
        if episode.reward is None:
            left_out[UNSCORED] += 1
        elif kind not in _ACHIEVED:
            left_out[UNKNOWN] += 1
        elif at == len(episode.steps):
            left_out[NO_TURN] += 1
        else:
            achieved = _ACHIEVED[kind](at, episode.steps)
            if achieved is None and is_honest_block(episode):
                achieved = _next(at, episode.steps, _looks)
            struck.append(Struck(episode.id, episode.task, kind, at, achieved, episode.resolved))
    return Recovery(tuple(struck), by_task(unstruck), dict(left_out))


def got_over(episode: Episode) -> bool:
    """Whether an episode recovered from its fault; true where none struck. What did not is no example to imitate, even
    if it was resolved."""
    found = recovery_of([episode])
    return _first(episode) is None or any(each.recovered for each in found.struck)


def _first(episode: Episode) -> tuple[str, int] | None:
    """The fault of an episode and the step that it struck first; of a forked one, only what came after the fork."""
    own_from = episode.ancestry.step if episode.ancestry is not None else 0
    if episode.fault:
        return (episode.fault, 0) if own_from == 0 else None
    for number, step in enumerate(episode.steps, 1):
        if step.fault:
            return (step.fault, number) if number > own_from else None
    return None


Achieved = Callable[[int, Sequence[Step]], int | None]
"""(struck step, steps) → the step, from 1, that achieved what was spoiled."""


def _looked(at: int, steps: Sequence[Step]) -> int | None:
    """Asked again and was answered, or knew enough for a change that lasted."""
    asked = steps[at - 1].action

    def is_it(number: int, step: Step) -> bool:
        same = step.action.tool == asked.tool and _about(step) == _about(steps[at - 1])
        was_answered = (step.observation.ok or says_missing(step)) and not step.fault
        return (same and was_answered) or _lasts(number, steps)

    return _next(at, steps, is_it)


def _tested(at: int, steps: Sequence[Step]) -> int | None:
    """The tests were seen through to an end."""
    return _next(at, steps, lambda _, step: step.observation.ok and step.tests is not None)


def _ran(at: int, steps: Sequence[Step]) -> int | None:
    """The command, or a test run, came to its end."""
    if steps[at - 1].action.tool == "test":
        return _tested(at, steps)
    return _next(at, steps, lambda _, step: step.observation.ok and step.action.tool in ("run", "test"))


def _changed(at: int, steps: Sequence[Step]) -> int | None:
    """The file that was to be changed, was changed."""
    struck = steps[at - 1]
    paths = {str(struck.action.arguments.get("path", ""))}
    if struck.action.tool == "view":
        paths = {head[1] for head in HEAD.finditer(struck.observation.text)}
    plain = {path.removeprefix("./") for path in paths}

    def is_it(_: int, step: Step) -> bool:
        return is_change(step) and bool(plain & {file.path for file in files_of(step.diff)})

    return _next(at, steps, is_it)


def _repaired(at: int, steps: Sequence[Step]) -> int | None:
    """Something was changed that lasted."""
    return _next(at, steps, lambda number, _: _lasts(number, steps))


def _failed(at: int, steps: Sequence[Step]) -> int | None:
    return (_looked if steps[at - 1].action.tool in _LOOKS else _changed)(at, steps)


_ACHIEVED: dict[str, Achieved] = {
    "tool-fails": _failed, "interrupted": _ran, "lost-edit": _changed, "garbled": _looked, "stale-plan": _repaired,
    "shifted-lines": _changed, "wrong-file": _looked, "misleading-test": _repaired, "times-out": _tested,
}  # fmt: skip


def _next(at: int, steps: Sequence[Step], is_it: Callable[[int, Step], bool]) -> int | None:
    return next((number for number, step in enumerate(steps[at:], at + 1) if is_it(number, step)), None)


def _looks(_: int, step: Step) -> bool:
    return step.action.tool in LOOKS and (step.observation.ok or says_missing(step)) and not step.fault


def _lasts(number: int, steps: Sequence[Step]) -> bool:
    return is_change(steps[number - 1]) and stands(number - 1, steps)


def _about(step: Step) -> tuple[str, ...]:
    """What a look was at."""
    given = step.action.arguments
    if given.get("path") not in (None, "", "."):
        return (str(given["path"]),)
    return tuple(str(given.get(name) or "") for name in ("path", "symbol", "pattern", "target"))


def _rate(struck: Sequence[Struck], is_so: Callable[[Struck], bool]) -> Rate:
    return by_task((each.task, int(is_so(each)), 1) for each in struck)


def _quartiles(struck: Sequence[Struck]) -> tuple[float, float, float] | None:
    steps = [each.steps for each in struck if each.steps is not None]
    if len(steps) < 2:
        return (float(steps[0]),) * 3 if steps else None
    low, median, high = quantiles(steps, n=4, method="inclusive")
    return low, median, high


def _took(steps: tuple[float, float, float] | None) -> str:
    if steps is None:
        return ""
    low, median, high = steps
    return f", in {median:g} step{'' if median == 1 else 's'} (quartiles {low:g} to {high:g})"
