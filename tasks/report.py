"""What came of one run of tests, whatever ran them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

WORDS = ("failed", "error", "unfinished", "passed", "skipped", "xfailed", "xpassed")
"""Every outcome that a test can have, as headlines order them."""
BROKEN = ("failed", "error", "unfinished")
"""The outcomes that need mending."""
_WITHOUT_WORDS = {"error": "never ran", "unfinished": "did not finish"}


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a test broke and what it said."""

    path: str
    """Relative to the workspace where it lies there."""
    line: int
    message: str
    """The assertion or exception, at most 8 lines."""
    frames: tuple[str, ...] = ()
    """`path:line` of the traceback, outermost first."""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.path else ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test, all its phases together."""

    __test__ = False  # not a pytest class

    id: str
    outcome: str
    """`passed`, `failed`, `error` (set-up or tear-down), `skipped`, `xfailed`, `xpassed`, or `unfinished` (the run was
    cut short in it)."""
    duration_s: float = 0.0
    crash: Crash | None = None
    runs: int = 1
    """How often it was reported; more than once is nobody's honest test."""


@dataclass(frozen=True, slots=True)
class TestReport:
    """One run of tests."""

    __test__ = False  # not a pytest class

    results: tuple[TestResult, ...] = ()
    """In the order in which they ran."""
    collected: tuple[str, ...] = ()
    broken_files: tuple[tuple[str, Crash], ...] = ()
    """Files that could not be collected, with why."""
    exit_status: int | None = None
    """The runner's exit status; `None` when the run never came to its end."""
    timed_out: bool = False
    output: str = ""
    """What the runner and the tests printed, bounded by the sandbox."""
    duration_s: float = 0.0
    runner: str = ""
    """See `Completed.runner`."""
    by_id: dict[str, TestResult] = field(default_factory=dict, init=False, repr=False, compare=False)
    suspect: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    """Ids that were collected more than once, or reported without being collected."""

    def __post_init__(self) -> None:
        self.by_id.update((result.id, result) for result in self.results)
        times = Counter(self.collected)
        odd = {id_ for id_, n in times.items() if n > 1} | {id_ for id_ in self.by_id if not times[id_]}
        object.__setattr__(self, "suspect", frozenset(odd))

    @property
    def complete(self) -> bool:
        """The runner came to its end by itself."""
        return self.exit_status is not None and not self.timed_out

    def ids(self, *outcomes: str) -> tuple[str, ...]:
        """Ids with one of these outcomes, in order."""
        return tuple(result.id for result in self.results if result.outcome in outcomes)

    @property
    def passed(self) -> tuple[str, ...]:
        return self.ids("passed")

    @property
    def failed(self) -> tuple[str, ...]:
        return self.ids("failed")

    @property
    def errors(self) -> tuple[str, ...]:
        """Tests whose set-up or tear-down broke or that did not finish, and files that could not be collected."""
        return self.ids("error", "unfinished") + tuple(path for path, _ in self.broken_files)

    def headline(self) -> str:
        """One line, such as "2 failed, 5 passed"."""
        counts = {word: len(self.ids(word)) for word in WORDS}
        counts["error"] += len(self.broken_files)
        parts = [f"{n} {word}{'s' if word == 'error' and n > 1 else ''}" for word, n in counts.items() if n]
        text = ", ".join(parts) or "no tests ran"
        if self.timed_out:
            return f"{text}; timed out after {self.duration_s:.0f} s"
        return text if self.complete else f"{text}; the test process died before its end"

    def summary(self, max_failures: int = 3) -> str:
        """The headline, then id, place and message of the first failures: what a policy needs to go on."""
        crashes = [(path, crash) for path, crash in self.broken_files]
        broken = [result for result in self.results if result.outcome in BROKEN]
        crashes += [(r.id, r.crash or Crash("", 0, _WITHOUT_WORDS.get(r.outcome, r.outcome))) for r in broken]
        lines = [self.headline()]
        for name, crash in crashes[:max_failures]:
            places = list(crash.frames) or [place for place in [crash.place] if place]
            lines.append(f"FAILED {name}")
            lines += [f"  at {' > '.join(places)}"] if places else []
            lines += [f"  {line}" for line in crash.message.splitlines()]
        if left := len(crashes) - max_failures:
            lines += [f"… and {left} more"] if left > 0 else []
        if not crashes and self.exit_status not in (0, None):
            lines += self.output.strip().splitlines()[-5:]
        return "\n".join(lines)
