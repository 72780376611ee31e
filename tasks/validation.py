"""The proof that a task is sound, before anyone trains or is judged on it.

    the reference solution resolves it, with every milestone closed, each time
    doing nothing pays 0: every fail_to_pass fails, every pass_to_pass passes, no milestone is closed
    the runs agree, check by check
    nothing that a policy reads holds the canary

Of a task that cannot be done: no tree is paid, every pass_to_pass passes as it stands, and what is said to be missing
is missing in a sandbox. That an honest report pays and a pretence does not, is shown by playing both
(`journeyman.policies.blocked_proof`).

What cannot be checked from here: that the instruction suffices, and that no wrong solution passes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from journeyman.sandbox.sandbox import SandboxError, SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor_files import has_canary, takes_stamp, walk
from journeyman.tasks.task import Infeasible, Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict

LEVELS = tuple(Assurance)
"""Weakest first."""
PROBE_S = 20.0
"""Wall clock of a look for what a task needs, in seconds."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the proof found."""

    task: str
    sound: bool
    reasons: tuple[str, ...]
    """Why it is not sound, in words; empty when it is."""
    runs: int
    """How often each side was run."""
    reference_resolved: int
    """Of `runs`, how often the reference resolved the task."""
    noop_resolved: int
    """Of `runs`, how often doing nothing did (it must not)."""
    assurance: Assurance
    """The level at which it was tried."""
    milestones: tuple[str, ...] = ()
    """Milestones that the reference closed in every run."""
    grading_s: float = 0.0
    """Median wall clock of one grading of the reference, in seconds."""
    flaky: tuple[str, ...] = ()
    """Checks on which the runs of one side disagree."""
    flake_rate: float = 0.0
    """Their share of all checks."""
    reference: str = "reference"
    """What `reference_resolved` counts: an honest block where the task cannot be done."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        lists = ("reasons", "milestones", "flaky")
        return {**asdict(self), **{name: list(getattr(self, name)) for name in lists}}


def check_task(task: Task, sandboxes: SandboxFactory, runs: int = 3, *, graded: Sequence[Verdict] = ()) -> Certificate:
    """Prove a task, or say in words what stands against it.

    Stops after the first run of a side that shows the task unsound: more runs would say the same, slower.

    Args:
        graded: verdicts of its reference over the same checks at the same assurance, which count as the first runs.
    """
    if task.infeasible is not None:
        return _check_infeasible(task, task.infeasible, sandboxes, runs)
    reasons = list(_leaks(task))
    reference: list[Verdict] = []
    noop: list[Verdict] = []
    if task.solution is None:
        reasons.append("no reference solution: put its files into solution/files/")
    else:
        solution = solution_tree(task)
        reference = [*graded, *_repeat(task, solution, sandboxes, runs - len(graded))]
        reasons += _against_reference(task, reference)
    noop = _repeat(task, pristine_tree(), sandboxes, runs if reference and not reasons else 1)
    reasons += _against_noop(task, noop)
    flaky = tuple(check.id for check in task.checks if any(_disagree(check.id, side) for side in (reference, noop)))
    return Certificate(
        task=task.name,
        sound=not reasons,
        reasons=tuple(dict.fromkeys(reasons)),
        runs=runs,
        reference_resolved=sum(verdict.resolved is True for verdict in reference),
        noop_resolved=sum(verdict.resolved is True for verdict in noop),
        milestones=tuple(m.name for m in task.milestones if reference and all(v.milestones[m.name] for v in reference)),
        grading_s=round(statistics.median(v.duration_s for v in reference or noop), 3),
        assurance=task.assurance,
        flaky=flaky,
        flake_rate=len(flaky) / len(task.checks),
    )


def _check_infeasible(task: Task, missing: Infeasible, sandboxes: SandboxFactory, runs: int) -> Certificate:
    """The same of a task that cannot be done, as far as trees alone can show it."""
    noop = _repeat(task, pristine_tree(), sandboxes, runs)
    reasons = [*_leaks(task), *_against_noop(task, noop), *_against_missing(task, missing, sandboxes)]
    flaky = tuple(check.id for check in task.checks if _disagree(check.id, noop))
    return Certificate(
        task=task.name,
        sound=not reasons,
        reasons=tuple(dict.fromkeys(reasons)),
        runs=runs,
        reference_resolved=0,
        noop_resolved=sum(verdict.resolved is True for verdict in noop),
        grading_s=round(statistics.median(v.duration_s for v in noop), 3),
        assurance=task.assurance,
        flaky=flaky,
        flake_rate=len(flaky) / len(task.checks),
        reference="honest block",
    )


def _against_missing(task: Task, missing: Infeasible, sandboxes: SandboxFactory) -> Iterator[str]:
    if not missing.probe:
        yield "infeasible.probe: empty; write a command that would succeed if it were there"
        return
    try:
        found = probe(task, missing.probe, sandboxes)
    except SandboxError as error:
        yield f"could not be looked for here: {error}"
        return
    if found is None:
        yield f"{missing.missing}: the probe did not end, so that it shows nothing"
    elif found:
        yield f"{missing.missing}: the probe finds it, so that the task can be done"


def probe(task: Task, command: str, sandboxes: SandboxFactory) -> bool | None:
    """Whether a command succeeds in a policy's sandbox as it is given; None where it did not end in time.

    Raises:
        SandboxError: no sandbox can be made here.
    """
    with sandboxes.create(task.environment, task.repository, limits=task.limits) as sandbox:
        done = sandbox.run(command, timeout_s=PROBE_S)
    return None if done.timed_out else done.exit_code == 0


def stronger(task: Task, sandboxes: SandboxFactory, runs: int = 3) -> tuple[Certificate, ...]:
    """The proof of a task as if it asked for more assurance than it does: `split`, and where that is not sound `twins`.

    It is sound at `split` where nothing that its tests need is lost between the two sandboxes, and at `twins` where
    each of its fail_to_pass checks asks a function of the code. With a toolchain there is nothing above `fresh`, and
    where the task cannot be done there is nothing to forge.
    """
    above = (
        () if task.environment.toolchain or task.infeasible is not None else LEVELS[LEVELS.index(task.assurance) + 1 :]
    )
    return _until_sound(task, above[::-1], sandboxes, runs)


def weaker(task: Task, sandboxes: SandboxFactory, runs: int = 3) -> tuple[Certificate, ...]:
    """The proof of a task as if it asked for less than it does, which is not sound: the next level first.

    None for a task without a reference: no level would prove it.
    """
    if task.solution is None:
        return ()
    below = LEVELS[: LEVELS.index(task.assurance)]
    return _until_sound(task, below[::-1], sandboxes, runs)


def _until_sound(
    task: Task, levels: Sequence[Assurance], sandboxes: SandboxFactory, runs: int
) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    for level in levels:
        found.append(check_task(task.model_copy(update={"assurance": level}), sandboxes, runs))
        if found[-1].sound:
            break
    return tuple(found)


def _repeat(task: Task, tree: Snapshot, sandboxes: SandboxFactory, runs: int) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for _ in range(runs):
        verdicts.append(grade(task, tree, sandboxes))
        if verdicts[-1].resolved is None:  # a machine that cannot grade will not learn it by repetition
            break
    return verdicts


def _leaks(task: Task) -> Iterator[str]:
    if not task.canary:
        if task.hidden is not None:
            yield "no canary: save the task again, it will be made"
        return
    texts = [("instruction.md", task.instruction), *((f"steps/{m.name}", m.instruction) for m in task.milestones)]
    for name, text in texts:
        if task.canary in text:
            yield f"the canary stands in {name}, which the policy reads"
    for place in (task.repository, task.solution):
        for name, path in walk(place) if place is not None else ():
            if has_canary(path, task.canary):
                yield f"the canary stands in {place.name if place else ''}/{name}: hidden text where a policy reads it"
    for name, path in walk(task.hidden) if task.hidden is not None else ():
        if takes_stamp(name) and not has_canary(path, task.canary):
            yield f"the hidden file {name} lacks the canary: save the task again"


def _against_reference(task: Task, verdicts: list[Verdict]) -> Iterator[str]:
    yield from _unequal("the reference's", verdicts)
    for verdict in verdicts:
        if verdict.resolved is None:
            yield f"could not be graded here: {verdict.detail}"
            return
        if verdict.ignored:
            yield f"the reference edits what does not count ({', '.join(verdict.ignored)}): mend it, or editable"
        if verdict.cause is Cause.TWIN:
            yield verdict.detail.splitlines()[-1]
        elif verdict.cause is not None:
            yield f"the reference ends in a {verdict.cause.value}"
        for check, outcome in verdict.outcomes.items():
            if outcome is not Outcome.PASSED:
                yield f"{check}: {outcome.value} on the reference"


def _against_noop(task: Task, verdicts: list[Verdict]) -> Iterator[str]:
    yield from _unequal("the unchanged repository's", verdicts)
    for verdict in verdicts:
        if verdict.resolved is None:
            yield f"could not be graded here: {verdict.detail}"
            return
        if verdict.cause is not None:
            yield f"the unchanged repository ends in a {verdict.cause.value}"
        for check in task.fail_to_pass:
            if verdict.outcomes[check] is Outcome.PASSED:
                yield f"{check}: fail_to_pass, but passes on the unchanged repository"
        for check in task.pass_to_pass:
            if (outcome := verdict.outcomes[check]) is not Outcome.PASSED:
                yield f"{check}: pass_to_pass, but {outcome.value} on the unchanged repository"


def _disagree(check: str, verdicts: Sequence[Verdict]) -> bool:
    return len({verdict.outcomes[check] for verdict in verdicts}) > 1


def _unequal(whose: str, verdicts: list[Verdict]) -> Iterator[str]:
    for check in verdicts[0].outcomes if verdicts else ():
        if _disagree(check, verdicts):
            seen = sorted({verdict.outcomes[check].value for verdict in verdicts})
            yield f"{check}: {whose} runs disagree ({', '.join(seen)})"
