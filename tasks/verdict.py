"""What the grader decided, check by check, outside the policy's reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Assurance(StrEnum):
    """How hard the verdict is to forge, weakest first."""

    FRESH = "fresh"
    """In a fresh sandbox, but the solution's code shares the process that decides."""
    TWINS = "twins"
    """As `fresh`, and a known-bad twin of the solution failed, and the solution answers as the reference does where no
    test asks."""
    SPLIT = "split"
    """The tests run in one sandbox, the solution's code in another."""


class Outcome(StrEnum):
    """How one check ended. Only `passed` counts."""

    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    """The runner never reported it: not collected, or the run was cut short."""


class Cause(StrEnum):
    """Why a run of the checks did not end in the ordinary way."""

    TIMEOUT = "timeout"
    CRASH = "crash"
    """The runner died or wrote no end record. The agent's code did it: the checks without a result are 0."""
    TWIN = "twin"
    """A twin of the solution that cannot be right passed as well, or the solution answers unlike the reference: what
    the tests said did not come from what the code answers."""
    SUPERVISOR = "supervisor"
    """A fault proven ours: the verdict is unscored."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one tree. `score` is `None` only for a fault that the supervisor proved its own."""

    outcomes: dict[str, Outcome]
    """Check id → outcome, for every check of the task."""
    milestones: dict[str, bool]
    """Milestone name → whether all of its checks passed."""
    resolved: bool | None
    """Every check passed; `None` when unscored."""
    assurance: Assurance
    tree_hash: str
    """The graded state: the pristine tree with the policy's source edits alone."""
    ignored: tuple[str, ...] = ()
    """Edits outside the editable paths, which were left out."""
    cause: Cause | None = None
    detail: str = ""
    """For the person who reads the record; never shown to a policy."""
    duration_s: float = 0.0

    @property
    def passed(self) -> int:
        return sum(outcome is Outcome.PASSED for outcome in self.outcomes.values())
