"""Whether a policy may have seen what it is measured by: what was checked, and what nobody can know.

Three questions: is a task kin of what the model was trained on here (training/lineage.py); is it known what the model
was trained on before; did a task's canary turn up in an episode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from journeyman.policies.models import TINY, model_path
from journeyman.policies.registry import read_local
from journeyman.tasks.sources.likeness import compare, likeness_of
from journeyman.tasks.task import Task
from journeyman.training.lineage import trained_on


@dataclass(frozen=True, slots=True)
class Lineage:
    """What is known of the training of who acts."""

    model: str
    """Empty where no model acts."""
    trained_on: int = 0
    """Tasks that it was trained on by Journeyman; its weights' folder says so."""
    kin: int = 0
    """Tasks of the evaluation that are kin of those."""
    origin_known: bool = False
    """Whether what it was trained on before is known. Of published weights and of endpoints it never is."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        if not self.model:
            return "no model acts"
        said = "none of its training is recorded"
        if self.trained_on:
            overlap = f"{self.kin} of these are kin of them" if self.kin else "none of these is kin of them"
            said = f"trained here on {self.trained_on} tasks, {overlap}"
        return said if self.origin_known else f"{said}; what its published weights had read is unknown"


def model_of(policy: str) -> str:
    """The model of a `local:MODEL[@DIALECT][@SAMPLER]` policy."""
    return read_local(policy.removeprefix("local:"))[0]


def lineage_of(policy: str, tasks: Sequence[Task]) -> Lineage:
    """What is known of a policy, by its name as users write it.

    Raises:
        TrainingError: a training run's folder is broken.
    """
    kind, _, rest = policy.partition(":")
    if kind == "endpoint":
        return Lineage(rest.rpartition("#")[2])
    if kind != "local":
        return Lineage("", origin_known=True)
    model = model_of(policy)
    known = trained_on(model)
    kin = compare(known, [likeness_of(task) for task in tasks]) if known else ()
    return Lineage(model, len(known), len(kin), origin_known=model == TINY)


def weights_digest(model: str) -> str:
    """SHA-256 over the files of a model's folder: two models of one name are told apart. Of a hub id its revision here.

    Empty where there is none of both.

    Raises:
        ModelError: there is no such model.
    """
    path = Path(model_path(model))
    if not path.is_dir():
        return _revision(model)
    digest = hashlib.sha256()
    for file in sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")):
        with file.open("rb") as content:
            digest.update(f"{file.name}\n{hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()[:32]}"


def _revision(model: str) -> str:
    from transformers.utils.hub import cached_file, extract_commit_hash

    try:
        commit = extract_commit_hash(cached_file(model, "config.json", local_files_only=True), None)
    except OSError:  # it was not fetched yet
        return ""
    return f"revision:{commit}" if commit else ""
