"""What the policy sees after an action."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """The answer to one action (or to the reset). `text` is all that a model reads."""

    text: str
    """Cleaned of control characters and bounded in length; a cut says how much it left out."""
    tool: str = "reset"
    """The tool that it answers; "reset" for the first one of an episode."""
    ok: bool = True
    """Whether the action did what was asked (a failing test run is still `ok`: it ran)."""
    step: int = 0
    """How many actions came before it."""
    steps_left: int = 0
