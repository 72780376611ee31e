"""The five fields of an expression: their names, bounds and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Field:
    name: str
    lowest: int
    highest: int
    words: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Lower case; may stand instead of numbers."""

    def number(self, text: str) -> int:
        """Read one number or word, in any case.

        Raises:
            ValueError: it is neither, or out of bounds.
        """
        if text.lower() in self.words:
            return self.words[text.lower()]
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{self.name}: {text!r} is no number")
        number = int(text)
        if not self.lowest <= number <= self.highest:
            raise ValueError(f"{self.name}: {number} is not between {self.lowest} and {self.highest}")
        return number


def _words(text: str, start: int) -> Mapping[str, int]:
    return MappingProxyType({word: number for number, word in enumerate(text.split(), start)})


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day", 1, 31)
MONTH = Field("month", 1, 12, _words("jan feb mar apr may jun jul aug sep oct nov dec", 1))
WEEKDAY = Field("weekday", 0, 7, _words("sun mon tue wed thu fri sat", 0))
"""Sunday is 0, and also 7."""

FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)
