"""What became of a comment: resolved by its reviewer's word, else by what can be seen in the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from journeyman.envs.feedback.entry import Critique, Resolution

Read = Callable[[str], str | None]


@dataclass(slots=True)
class Comment:
    """A comment that a policy was shown, and how it stands."""

    critique: Critique
    quotes: int
    """How often the lines that it is about stood in the file when it was made."""
    suggested: int
    """How often what it suggests stood there."""
    resolved: bool = False
    how: str = "nothing came of it"
    is_judged: bool = False
    """Whether the reviewer has said so: then no rule says otherwise."""
    told: bool | None = None
    """How it stands in the log; None before anything was said."""

    @classmethod
    def of(cls, critique: Critique, read: Read) -> Comment:
        text = (read(critique.place.path) if critique.place.path else None) or ""
        return cls(critique, times(critique.place.quote, text), times(critique.suggestion or "", text))

    @property
    def is_news(self) -> bool:
        """Whether the log says otherwise."""
        return self.resolved != bool(self.told)

    def settle(self, word: Resolution | None, read: Read) -> None:
        """Look how it stands now.

        Args:
            word: what the reviewer says, if anything.
        """
        if word is not None:
            self.resolved, self.is_judged = word.resolved, True
            self.how = word.how or "the reviewer says so"
        elif not self.is_judged and (found := self._by_rule(read)) is not None:
            self.resolved, self.how = found

    def _by_rule(self, read: Read) -> tuple[bool, str] | None:
        """Whether it is resolved, and how that shows; None where no rule can tell.

        What is suggested must stand in the file once more than it did. A comment on lines without a suggestion is
        resolved when they have been changed. What lines say elsewhere in the file makes no difference.
        """
        place, suggestion = self.critique.place, self.critique.suggestion
        if not place.path or (suggestion is None and not place.quote.strip()):
            return None
        text = read(place.path)
        quotes = times(place.quote, text or "")
        if suggestion:
            stands = text is not None and times(suggestion, text) > self.suggested
            return stands, "what was suggested stands there" if stands else "what was suggested does not stand there"
        if not place.quote.strip():
            return None
        changed = quotes < self.quotes
        return changed, "the lines were changed" if changed else "the lines are as they were"


def times(lines: str, text: str) -> int:
    """How often whole lines stand in a text, one after the other; 0 for blank ones."""
    wanted, there = lines.removesuffix("\n").split("\n"), text.split("\n")
    if not lines.strip():
        return 0
    return sum(there[at : at + len(wanted)] == wanted for at in range(len(there) - len(wanted) + 1))
