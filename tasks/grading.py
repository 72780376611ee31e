"""The verdict: a policy's source edits on a pristine tree, judged by the hidden checks, in a sandbox it never touched.

The policy's sandbox is dead by then; what is left of it is a `Snapshot`, bytes that the host never runs, imports or
unpacks. Edits that count are laid on pristine files in a fresh sandbox, the hidden files on top, and exactly the
task's checks run. Only `passed`, reported once, passes.

A timeout or a crash in the run is the solution's doing: checks without a result are `missing`. A fault before any of
the solution's code could run is ours: tried once more, then the verdict is unscored (`resolved=None`), never 0.

At assurance `fresh` the solution's code shares the process that reports, so code written to forge that report can. At
`twins` it must show besides that its checks can fail (`twins/`). At `split` it does not share it (`trial.py`).
"""

from __future__ import annotations

import time
from dataclasses import replace

from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.edits import SourceEdits, source_edits
from journeyman.tasks.report import TestReport
from journeyman.tasks.task import Task
from journeyman.tasks.trial import SupervisorFault, Trial, try_checks
from journeyman.tasks.twins.objection import objections
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict

ATTEMPTS = 2
DETAIL_CHARS = 4000


def grade(task: Task, tree: Snapshot, sandboxes: SandboxFactory) -> Verdict:
    """Decide about one tree. Never raises for what a policy did, nor for a sandbox that fails: both are in the verdict.

    `tree.base_hash`, when it is not empty, must be the repository's: a snapshot of other files is not graded.
    """
    started = time.monotonic()
    edits = source_edits(task, tree)
    fault = ""
    lost: Trial | None = None
    for _ in range(ATTEMPTS):
        try:
            run = try_checks(task, tree, edits, sandboxes)
            if run.report is not None:
                verdict = _judge(task, edits, run, run.report)
                if task.assurance is Assurance.TWINS:
                    verdict = _doubted(task, verdict, tree, edits, sandboxes)
                return replace(verdict, duration_s=time.monotonic() - started)
        except SupervisorFault as error:
            fault = str(error)
            continue
        lost = run  # the host may have killed it, or the solution did: a second death settles it
    seconds = time.monotonic() - started
    if lost is not None and not fault:
        report = TestReport(output="the sandbox died while the checks ran")
        return replace(_judge(task, edits, lost, report), duration_s=seconds)
    return _unscored(task, edits, fault, seconds)


def _judge(task: Task, edits: SourceEdits, run: Trial, report: TestReport) -> Verdict:
    outcomes = {check.id: _outcome(report, check.id) for check in task.checks}
    # An honest run ends by itself and tells of nothing that it was not asked for.
    is_whole = report.complete and not report.by_id.keys() - outcomes.keys()
    cause = Cause.TIMEOUT if report.timed_out else None if is_whole else Cause.CRASH
    return Verdict(
        outcomes=outcomes,
        milestones=_milestones(task, outcomes),
        # Of a task that cannot be done, no tree says whether the report was honest: that is settled with the report.
        resolved=cause is None and task.infeasible is None and set(outcomes.values()) == {Outcome.PASSED},
        assurance=task.assurance,
        tree_hash=run.tree_hash,
        ignored=edits.ignored,
        cause=cause,
        detail=f"{report.summary(max_failures=10)}\n\n{report.output[-DETAIL_CHARS:]}".strip(),
    )


def _doubted(task: Task, verdict: Verdict, tree: Snapshot, edits: SourceEdits, sandboxes: SandboxFactory) -> Verdict:
    """The verdict without the checks that do not count, where something stands against them."""
    passed = frozenset(check for check, outcome in verdict.outcomes.items() if outcome is Outcome.PASSED)
    found = objections(task, tree, edits, passed, sandboxes)
    if not found:
        return verdict
    void = frozenset[str]().union(*(objection.checks for objection in found))
    outcomes = {check: Outcome.FAILED if check in void else had for check, had in verdict.outcomes.items()}
    why = "\n".join(f"{objection.why}: {', '.join(sorted(objection.checks))}" for objection in found)
    return replace(
        verdict,
        outcomes=outcomes,
        milestones=_milestones(task, outcomes),
        resolved=False,
        cause=verdict.cause or Cause.TWIN,
        detail=f"{verdict.detail}\n\n{why}",
    )


def _outcome(report: TestReport, check: str) -> Outcome:
    result = report.by_id.get(check)
    if result is None or result.outcome == "unfinished":
        return Outcome.MISSING
    once = result.runs == 1 and check not in report.suspect
    return Outcome.PASSED if result.outcome == "passed" and once else Outcome.FAILED


def _milestones(task: Task, outcomes: dict[str, Outcome]) -> dict[str, bool]:
    return {m.name: all(outcomes[check] is Outcome.PASSED for check in m.checks) for m in task.milestones}


def _unscored(task: Task, edits: SourceEdits, fault: str, seconds: float) -> Verdict:
    outcomes = {check.id: Outcome.MISSING for check in task.checks}
    return Verdict(
        outcomes=outcomes,
        milestones=_milestones(task, outcomes),
        resolved=None,
        assurance=task.assurance,
        tree_hash="",
        ignored=edits.ignored,
        cause=Cause.SUPERVISOR,
        detail=fault,
        duration_s=seconds,
    )
