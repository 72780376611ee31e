"""What a kind of fault is.

A fault misleads in what is shown, never in what is recorded: test results, diffs, tree hashes and the verdict are
facts. It leaves every task solvable, breaks no rule of the policy's (what it spoils is never counted as malformed),
and shows itself to whoever looks.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from journeyman.envs.actions import Action
from journeyman.envs.text import clean
from journeyman.envs.tools.tool import ToolResult, Workspace

HEAD = re.compile(r"^(?!\d+\|)(\S.*?):(\d+)-(\d+)(?: of (\d+))?$", re.MULTILINE)
"""The line above what a view shows of a file: its path, first and last line, and how many it has."""


@dataclass(frozen=True, slots=True)
class Strike:
    """The call that a fault may strike."""

    call: Action
    workspace: Workspace
    do: Callable[[], ToolResult]
    """Does what was called for, really."""
    rng: Random
    """The same at every call of an episode."""

    @property
    def tool(self) -> str:
        return self.call.tool


class Fault(ABC):
    """One kind. It has no state: what it must remember stands in the record (`Step.fault`)."""

    name: ClassVar[str]
    about: ClassVar[str]
    """What happens, in a sentence for people."""
    remedy: ClassVar[str]
    """What somebody does who recovers."""
    room: ClassVar[int]
    """So many actions must be left after it: enough to recover and to end with tests and a report."""

    @abstractmethod
    def may_strike(self, strike: Strike) -> bool:
        """Whether this is a call that it strikes."""

    @abstractmethod
    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        """What the policy is answered, and whether the fault struck. Where it finds nothing to spoil, it answers what
        was really done.

        Raises:
            SandboxLost: the sandbox died meanwhile.
        """

    def goes_on(self, strike: Strike) -> bool:
        """Whether it spoils this call as well, after it has struck."""
        return False

    def spoiled(self, strike: Strike) -> ToolResult:
        """The answer to a call that it goes on spoiling; nothing of it is done."""
        raise NotImplementedError(f"{self.name} strikes once")

    def opening(self) -> str:
        """What it adds to the first observation; empty for one that strikes later."""
        return ""


def shown_as(text: str, done: ToolResult) -> ToolResult:
    """What was done, told in other words; the record keeps what was really answered."""
    return replace(done, text=text, output=done.output or clean(done.text))


def text_of(strike: Strike, name: str) -> str:
    """A text among the arguments of a call; empty where there is none."""
    return str(strike.call.arguments.get(name) or "").strip()
