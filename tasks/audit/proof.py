"""What a proof says of a task beyond yes or no, and where it is kept: for as long as nothing of the task changes.

Kept on this machine, by the content of the task: time and memory are this machine's, and a changed task has no proof.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.strength import Strength, strength_of
from journeyman.tasks.edits import source_edits
from journeyman.tasks.harbor_toml import write_toml
from journeyman.tasks.sources.recipe import tree_hash
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.trial import SupervisorFault, try_checks
from journeyman.tasks.validation import Certificate
from journeyman.tasks.verdict import Assurance

_FORM = "1"
"""Raised when a proof says other things: older ones are then none."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A certificate with what its gradings cost, and how much the checks notice."""

    certificate: Certificate
    strength: Strength
    peak_mb: float | None
    """The most memory of the process in which tests and reference run, in MiB."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        found = self.strength
        strength = {"mutants": found.mutants, "killed": found.killed, "survivors": list(found.survivors)}
        return {
            **self.certificate.as_json(), **strength, "mutation_score": found.score, "peak_mb": self.peak_mb
        }  # fmt: skip


def prove_more(certificate: Certificate, task: Task, sandboxes: SandboxFactory, mutants: int) -> Proof:
    """Measure what a certificate does not say, where the task has a reference that holds."""
    if not certificate.sound or task.infeasible is not None:  # what cannot be done has no reference to spoil
        return Proof(certificate, Strength(0, ()), None)
    return Proof(certificate, strength_of(task, sandboxes, mutants), _peak_mb(task, sandboxes))


def keep(proof: Proof, task: Task) -> None:
    """Keep a task's proof, in the place of an older one."""
    path = _place(task)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(proof.as_json()) + "\n", encoding="utf-8")
    partial.replace(path)


def kept(task: Task) -> dict[str, Any] | None:
    """The last proof of a task as it stands, as `Proof.as_json` gave it; None where it has none here."""
    try:
        found = json.loads(_place(task).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _peak_mb(task: Task, sandboxes: SandboxFactory) -> float | None:
    """Of the reference at `fresh`, where one process holds all."""
    tree, at_fresh = solution_tree(task), task.model_copy(update={"assurance": Assurance.FRESH})
    try:
        report = try_checks(at_fresh, tree, source_edits(task, tree), sandboxes).report
    except SupervisorFault:
        return None
    return None if report is None else report.peak_mb


def _place(task: Task) -> Path:
    texts = [_FORM, write_toml(task), task.instruction, *(milestone.instruction for milestone in task.milestones)]
    texts += [tree_hash(place) if place is not None else "" for place in (task.repository, task.hidden, task.solution)]
    return home("proofs") / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:32]}.json"
