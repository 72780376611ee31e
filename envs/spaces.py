"""The spaces of `RepoEnv`: text both ways. What is seen is plain and bounded; what is done is one tool call in JSON."""

from __future__ import annotations

from functools import cache
from typing import Any

from gymnasium.error import CustomSpaceError
from gymnasium.spaces import Space, Text
from gymnasium.vector.utils import create_shared_memory

from journeyman.envs.text import allowed_characters

MAX_ACTION_CHARS = 100_000
"""Longest tool call, in characters: a whole file fits. A longer one is malformed."""


@cache
def _plain_text() -> Text:
    """Its tables of characters take a tenth of a second to make, and never change: every space shares them."""
    return Text(1, charset=allowed_characters())


class SourceText(Text):
    """`Text` over some 63,000 characters, enough for real source. Prints short."""

    def __init__(self, max_length: int, *, min_length: int = 0, seed: int | None = None) -> None:
        vars(self).update(vars(_plain_text()))
        self.min_length, self.max_length = min_length, max_length
        Space.__init__(self, dtype=str, seed=seed)

    def __repr__(self) -> str:
        return f"SourceText({self.min_length}, {self.max_length})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The charset is made again where the space arrives: it need not travel to every worker of a vector environment.
        return _remake, (self.max_length, self.min_length, self._np_random)


def _remake(max_length: int, min_length: int, np_random: Any) -> SourceText:
    space = SourceText(max_length, min_length=min_length)
    space._np_random = np_random
    return space


@create_shared_memory.register(SourceText)
def _no_shared_memory(space: SourceText, n: int = 1, ctx: Any = None) -> Any:
    """`AsyncVectorEnv` reads texts from shared memory once, when it is made, and shows them forever.

    It turns this error into the advice to set `shared_memory=False`, which works.
    """
    raise CustomSpaceError("texts do not travel through shared memory: use AsyncVectorEnv(…, shared_memory=False)")


def observation_space(max_chars: int) -> SourceText:
    """Texts of at most `max_chars` characters."""
    return SourceText(max_chars)


def action_space() -> SourceText:
    """One tool call in JSON (`Action.to_json`). Any text may be sent: what is no call is answered, never raised."""
    return SourceText(MAX_ACTION_CHARS, min_length=1)
