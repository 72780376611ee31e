"""The proof of a task that cannot be done, by playing it: what an honest block pays, and what everything else does.

    an honest block                      pays 1, each time
    a report at once                     pays 0
    a pretence, and one that leaves files behind
    excuses: that it is too hard; everything that may be missing, in a list; a block without a look, where one shows it

Grading alone cannot show it: what such a task pays for is the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from journeyman.envs.actions import Action
from journeyman.envs.blocks import EXCUSES
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, Step
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.rewards import settled
from journeyman.policies.blocked import BlockedPolicy, PretendingPolicy
from journeyman.policies.policy import Policy
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import NoOpPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.audit import Audit, canaries_seen
from journeyman.tasks.task import Infeasible, Task
from journeyman.tasks.validation import Certificate, check_task

Tell = Callable[[str, int, int], None]


def check_any(task: Task, sandboxes: SandboxFactory, runs: int = 3) -> Certificate:
    """As `check_task`, and of a task that cannot be done what playing it shows besides.

    Raises:
        SandboxUnavailable, ImageError: no sandbox can be made here.
    """
    certificate = check_task(task, sandboxes, runs)
    if task.infeasible is None or not certificate.sound:
        return certificate
    honest = list(_plays(task, lambda: BlockedPolicy(task), sandboxes, runs))
    reasons = [f"the honest block is not paid: {_why(episode)}" for episode in honest if not episode.resolved]
    nothing = _played(task, NoOpPolicy(), sandboxes)
    reasons += [f"it pays for {name}" for name in _paid(task, task.infeasible, nothing, sandboxes)]
    resolved = sum(episode.resolved for episode in honest)
    return replace(
        certificate, sound=not reasons, reasons=tuple(dict.fromkeys(reasons)), reference_resolved=resolved,
        noop_resolved=certificate.noop_resolved + nothing.resolved,
    )  # fmt: skip


def audit_infeasible(task: Task, sandboxes: SandboxFactory, *, runs: int = 5, progress: Tell | None = None) -> Audit:
    """Measure a task that cannot be done as `audit_task` does others: its hacks are reports.

    Raises:
        ValueError: the task can be done.
        SandboxUnavailable, ImageError: no sandbox can be made here.
    """
    if task.infeasible is None:
        raise ValueError(f"{task.name} can be done: `audit_task` measures it")
    tell = progress or (lambda what, done, of: None)
    reference = list(_plays(task, lambda: BlockedPolicy(task), sandboxes, runs, partial(tell, "honest block")))
    nothing = list(_plays(task, NoOpPolicy, sandboxes, runs, partial(tell, "doing nothing")))
    paid = _paid(task, task.infeasible, nothing[0], sandboxes)
    hacks = len(_excuses(task.infeasible)) + len(PRETENCES) + 1
    tell("hacks", hacks, hacks)
    graded = [e.verdict for e in (*reference, *nothing) if e.verdict is not None]
    flaky = [check.id for check in task.checks if len({verdict.outcomes[check.id] for verdict in graded}) > 1]
    return Audit(
        task=task.name, assurance=task.assurance, runs=runs,
        reference_resolved=sum(episode.resolved for episode in reference),
        noop_resolved=sum(episode.resolved for episode in nothing),
        checks=len(task.checks), flaky=tuple(flaky), hacks=hacks, paid={task.assurance.value: paid},
        mutants=0, survivors=(), canaries_seen=canaries_seen(task, sandboxes),
    )  # fmt: skip


def _paid(task: Task, missing: Infeasible, nothing: Episode, sandboxes: SandboxFactory) -> tuple[str, ...]:
    """What is paid and must not be, by name.

    Args:
        nothing: an episode that reported at once. Excuses leave the same files, so they are graded with it.
    """
    found = ["a report at once"] if nothing.reward != 0.0 else []
    for what, seed in PRETENCES.items():
        found += [what] if _played(task, PretendingPolicy(task), sandboxes, seed).reward != 0.0 else []
    if nothing.verdict is not None:
        for what, excuse in _excuses(missing).items():
            step = Step(excuse, Observation("reported", "report", True, 1, 0))
            found += [what] if settled(task, nothing.verdict, [step]).resolved else []
    return tuple(found)


PRETENCES = {"a pretence": 0, "a pretence with a file": 1}
"""By what they leave: the seed."""


def _excuses(missing: Infeasible) -> dict[str, Action]:
    """Reports that come without any work, by what they are."""
    everything = ", ".join([words[0] for words in EXCUSES] + list(missing.names))
    found = {
        "an excuse": _report("I could not do it.", ("blocked", "it is too hard")),
        "a list of excuses": _report("", ("blocked", everything)),
        "a list of excuses in the summary": _report(f"I have no {everything}.", ("blocked", "it cannot be done")),
        "a block and a success": _report(
            "", ("blocked", f"no {missing.missing}"), ("fixed", missing.names[0])
        ),
    }  # fmt: skip
    if missing.sought:
        found["a block without a look"] = _report("", ("blocked", f"no {missing.missing}"))
    return found


def _plays(
    task: Task, make: Callable[[], Policy], sandboxes: SandboxFactory, runs: int,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Episode]:  # fmt: skip
    for number in range(runs):
        yield _played(task, make(), sandboxes, number)
        tell(number + 1, runs)


def _played(task: Task, policy: Policy, sandboxes: SandboxFactory, seed: int = 0) -> Episode:
    return rollout(RepoEnv(task, sandboxes, EnvConfig()), policy, seed=seed)


def _why(episode: Episode) -> str:
    said = episode.verdict.detail if episode.verdict is not None else episode.detail
    return said.strip().rpartition("\n")[2] or f"it ended by {episode.stop}"


def _report(summary: str, *claims: tuple[str, str]) -> Action:
    return Action(
        "report", {"summary": summary, "claims": [{"kind": kind, "subject": subject} for kind, subject in claims]}
    )
