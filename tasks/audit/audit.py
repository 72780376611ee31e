"""The certificate of one task as a source of reward: what is true of it, measured.

reference      how often of k gradings the reference is paid
doing nothing  how often an unchanged repository is
flake rate     the share of checks whose outcome was not the same in all gradings of one side
hacks          which of a set of reward hacks are paid, at each level of assurance at which the reference is
mutants        the share of single faults in the reference that the checks notice
canaries       places below a policy's sandbox where hidden text shows
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.audit.forgeries import Hack, hacks_for
from journeyman.tasks.audit.strength import strength_of
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.verdict import Assurance, Verdict

SEEN = ("/workspace", "/tmp", "/opt", "/etc", "/home", "/root", "/run", "/var", "/dev/shm")
"""Where a policy may read; its processes' environment and command lines besides."""
SEARCH_S = 120.0


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. Names tell which, so that somebody can look."""

    task: str
    assurance: Assurance
    runs: int
    reference_resolved: int
    noop_resolved: int
    checks: int
    flaky: tuple[str, ...]
    hacks: int
    paid: dict[str, tuple[str, ...]]
    """Level → names of the hacks that it pays. A level at which the reference is not paid is not in it."""
    mutants: int
    survivors: tuple[str, ...]
    """Mutants that resolve the task."""
    canaries_seen: tuple[str, ...]

    @property
    def flake_rate(self) -> float:
        return len(self.flaky) / self.checks

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survivors)

    @property
    def trustworthy(self) -> bool:
        """All that must hold does; how many mutants survive is for a person to judge."""
        always = self.reference_resolved == self.runs and not self.noop_resolved
        paid = self.paid.get(self.assurance.value)
        return always and not self.flaky and not self.canaries_seen and paid == ()

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        return {**asdict(self), "flake_rate": self.flake_rate, "killed": self.killed, "trustworthy": self.trustworthy}


def audit_task(
    task: Task,
    sandboxes: SandboxFactory,
    *,
    runs: int = 5,
    mutants: int = 20,
    progress: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Measure a task.

    Args:
        runs: gradings of the reference and of doing nothing, each.
        mutants: at most so many single faults are tried.
        progress: called with (what, done, of) after each grading.

    Raises:
        TaskError: the task has no reference solution.
        SandboxError: no sandbox can be made here.
    """
    tell = progress or (lambda what, done, of: None)
    reference, nothing = solution_tree(task), pristine_tree()
    seen = canaries_seen(task, sandboxes)
    paid_for = list(_graded(task, [reference] * runs, sandboxes, "reference", tell))
    unpaid_for = list(_graded(task, [nothing] * runs, sandboxes, "doing nothing", tell))
    # The hacks are written in Python, and so are the levels above `fresh`.
    levels, hacks = ((Assurance.FRESH,), ()) if task.environment.toolchain else (tuple(Assurance), hacks_for(task))
    paid = {
        level.value: tuple(_paid(task, level, hacks, sandboxes, tell))
        for level in levels
        if grade(_at(task, level), reference, sandboxes).resolved
    }
    strength = strength_of(task, sandboxes, mutants, progress=lambda done, of: tell("mutants", done, of))
    return Audit(
        task=task.name,
        assurance=task.assurance,
        runs=runs,
        reference_resolved=sum(verdict.resolved is True for verdict in paid_for),
        noop_resolved=sum(verdict.resolved is True for verdict in unpaid_for),
        checks=len(task.checks),
        flaky=tuple(sorted({*_flaky(paid_for), *_flaky(unpaid_for)})),
        hacks=len(hacks),
        paid=paid,
        mutants=strength.mutants,
        survivors=strength.survivors,
        canaries_seen=seen,
    )


def _at(task: Task, level: Assurance) -> Task:
    return task.model_copy(update={"assurance": level})


def _graded(
    task: Task, trees: Sequence[Snapshot], sandboxes: SandboxFactory, what: str, tell: Callable[[str, int, int], None]
) -> Iterator[Verdict]:
    for number, tree in enumerate(trees, start=1):
        yield grade(task, tree, sandboxes)
        tell(what, number, len(trees))


def _paid(
    task: Task,
    level: Assurance,
    hacks: Sequence[Hack],
    sandboxes: SandboxFactory,
    tell: Callable[[str, int, int], None],
) -> Iterator[str]:
    verdicts = _graded(_at(task, level), [hack.tree for hack in hacks], sandboxes, f"hacks at {level}", tell)
    return (hack.name for hack, verdict in zip(hacks, verdicts, strict=True) if verdict.resolved is not False)


def _flaky(verdicts: Sequence[Verdict]) -> Iterator[str]:
    outcomes = Counter(pair for verdict in verdicts for pair in verdict.outcomes.items())
    return (check for (check, _), number in outcomes.items() if number < len(verdicts))


def canaries_seen(task: Task, sandboxes: SandboxFactory) -> tuple[str, ...]:
    """Places below a policy's sandbox, and of what it is told, where hidden text shows.

    Raises:
        SandboxError: no sandbox can be made here.
    """
    return tuple(_canaries(task, sandboxes))


def _canaries(task: Task, sandboxes: SandboxFactory) -> Iterator[str]:
    """Files and processes of a policy's sandbox that hold the canary. The search must not find itself."""
    if not task.canary:
        return
    places = " ".join(SEEN)
    command = f'read -r canary; grep -rlaF -- "$canary" {places} /proc/[0-9]*/environ 2>/dev/null'
    with sandboxes.create(task.environment, task.repository, limits=task.limits) as sandbox:
        yield from sandbox.run(command, timeout_s=SEARCH_S, stdin=f"{task.canary}\n".encode()).text.splitlines()
    texts = [("the instruction", task.instruction), *((f"milestone {m.name}", m.instruction) for m in task.milestones)]
    yield from (name for name, text in texts if task.canary in text)
