"""The fault of one episode: drawn at its reset, it waits for its occasion, strikes once and is recorded there."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from random import Random

from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.faults.fault import Fault, Strike
from journeyman.envs.faults.kinds import KINDS
from journeyman.envs.faults.settings import Faults
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace
from journeyman.sandbox.sandbox import SandboxError, SandboxLost

MAX_OPENING = 400
"""Characters that a fault adds to the first observation at most."""
_AT_ONCE = 0.75
"""How often a fault takes its first occasion; else it takes the second."""


class Injector:
    """At most one fault. Given seed, task, settings and actions it is the same again.

    Args:
        max_steps: actions in an episode.
    """

    def __init__(self, faults: Faults | None, seed: int, task: str, max_steps: int) -> None:
        self._drawn, self._max_steps = "", max_steps
        self._fault: Fault | None = None
        self._struck = False
        self._skipped = 0
        if faults is None:
            return
        self._drawn = f"{seed // faults.seeds_alike} {task}"
        rng = Random(self._drawn)  # a text seeds it alike on every machine
        if rng.random() < faults.rate:
            self._fault = KINDS[rng.choice(faults.kinds)]
        self._skipped = int(rng.random() >= _AT_ONCE)

    def fork(self) -> Injector:
        """The same fault at the same point."""
        return copy(self)

    def opening(self) -> tuple[str, str]:
        """What the first observation says besides, and the fault's name; both empty where it does not strike there."""
        if self._fault is None or self._max_steps < self._fault.room or not (told := self._fault.opening()):
            return "", ""
        self._struck = True
        return f"\n\n{told}", self._fault.name

    def answer(self, call: Action, workspace: Workspace, do: Callable[[], ToolResult]) -> tuple[ToolResult, str]:
        """What the call is answered, and the name of the fault that spoiled it; empty where none did.

        Raises:
            SandboxLost: the sandbox died.
        """
        fault = self._fault
        if fault is None or call.tool in (MALFORMED, "report"):
            return do(), ""
        strike = Strike(call, workspace, do, Random(f"{self._drawn} {fault.name}"))
        if self._struck:
            return (fault.spoiled(strike), fault.name) if fault.goes_on(strike) else (do(), "")
        has_room = self._max_steps - len(workspace.steps) - 1 >= fault.room
        if not has_room or not fault.may_strike(strike):
            return do(), ""
        if self._skipped:
            self._skipped -= 1
            return do(), ""
        try:
            result, self._struck = fault.answer(strike)
        except SandboxLost:
            raise
        except (Refused, SandboxError):  # what it needed to look at cannot be read: so it does not strike
            return do(), ""
        return result, fault.name if self._struck else ""
