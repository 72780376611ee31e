"""How tool calls are written for a model, and read back from what it wrote.

A dialect is the one place that knows the notation: the system prompt, the demonstration and the parser of a model
all come from it, so that what is taught is what is understood. `json` suits models of half a billion parameters and
up; `lines` is short enough for a model of a tenth of that, whose whole episode should fit in a few hundred tokens.
"""

from __future__ import annotations

from typing import Protocol

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation
from journeyman.policies.dialect_json import JsonDialect
from journeyman.policies.dialect_lines import LinesDialect


class Dialect(Protocol):
    """A notation for tool calls. `parse(format(action))` has the tool and the arguments of `action`, for every tool."""

    name: str
    shots: tuple[tuple[str, str], ...]
    """A solved problem that stands before the one at hand, turn by turn: what came, and what was answered."""

    def system(self) -> str:
        """The system prompt: what is asked of the model, and the tools with a short line each."""
        ...

    def render(self, observation: Observation) -> str:
        """The user message for an observation."""
        ...

    def parse(self, text: str) -> Action:
        """Read the call in what a model wrote. Never raises: what cannot be read is `MALFORMED` and says why.

        The action keeps `text` as it was; arguments that are absent stay absent.
        """
        ...

    def format(self, action: Action) -> str:
        """Write a call the way a demonstration should (a malformed one is its text)."""
        ...


DIALECTS: dict[str, Dialect] = {"json": JsonDialect(), "lines": LinesDialect()}


def dialect(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        ValueError: there is none; the message lists those that are.
    """
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; there are: {', '.join(DIALECTS)}")
    return DIALECTS[name]
