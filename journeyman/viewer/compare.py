"""Two episodes side by side, aligned step by step, with the point where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from journeyman.envs.episode import Episode, Step

MAX_STEPS = 500
"""Of each; what comes after is not aligned."""

Numbered = tuple[int, Step]


@dataclass(frozen=True, slots=True)
class Pair:
    """Steps that stand beside each other; one side may have none."""

    first: Numbered | None
    second: Numbered | None

    @property
    def same(self) -> bool:
        """The same action."""
        return self.first is not None and self.second is not None and _key(self.first[1]) == _key(self.second[1])

    @property
    def seen_alike(self) -> bool:
        """And the same answer."""
        return (
            self.first is not None
            and self.second is not None
            and self.first[1].observation.text == self.second[1].observation.text
        )


@dataclass(frozen=True, slots=True)
class ComparePage:
    first: Episode
    second: Episode
    pairs: tuple[Pair, ...]
    parting: int | None
    """Index of the first pair whose actions differ; None when none does."""
    cut: bool


def compare(first: Episode, second: Episode) -> ComparePage:
    """Align two episodes by their actions."""
    pairs = tuple(_aligned(first.steps[:MAX_STEPS], second.steps[:MAX_STEPS]))
    parting = next((number for number, pair in enumerate(pairs) if not pair.same), None)
    cut = max(len(first.steps), len(second.steps)) > MAX_STEPS
    return ComparePage(first, second, pairs, parting, cut)


def _key(step: Step) -> tuple[str, str]:
    return step.action.tool, repr(sorted(step.action.arguments.items()))


def _aligned(first: Sequence[Step], second: Sequence[Step]) -> Iterator[Pair]:
    matcher = SequenceMatcher(None, list(map(_key, first)), list(map(_key, second)), autojunk=False)
    for _, a, a_end, b, b_end in matcher.get_opcodes():
        for n in range(max(a_end - a, b_end - b)):
            yield Pair(
                (a + n + 1, first[a + n]) if a + n < a_end else None,
                (b + n + 1, second[b + n]) if b + n < b_end else None,
            )
