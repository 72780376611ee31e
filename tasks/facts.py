"""What people look for in a task: language, source, difficulty, library; and what is on record of its proof."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task

LANGUAGES = {
    "python": (".py",),
    "javascript": (".js", ".jsx", ".mjs", ".cjs"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "go": (".go",),
    "rust": (".rs",),
}
"""Languages by the suffixes of their sources."""
_BY_SUFFIX = {suffix: language for language, suffixes in LANGUAGES.items() for suffix in suffixes}
_RECORDS = ("recipes.jsonl", "projects.jsonl")
"""Files beside task folders that keep what was proven of each."""
BY_HAND = "template"
"""The source of a task that no source made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks are looked for; None takes any."""

    language: str | None = None
    source: str | None = None
    difficulty: str | None = None
    library: str | None = None
    """With its version or without: "toolz", "toolz==1.0.0"."""

    def takes(self, task: Task) -> bool:
        library, version = (str(task.metadata.get(name, "")) for name in ("library", "version"))
        return (
            self.language in (None, language_of(task))
            and self.source in (None, source_of(task))
            and self.difficulty in (None, difficulty_of(task))
            and self.library in (None, library, f"{library}=={version}")
        )


def language_of(task: Task) -> str:
    """The language of what the reference changes, else of most files; "" where neither is known."""
    for folder in (task.solution, task.repository):
        names = [name for name, _ in walk(folder)] if folder is not None else []
        counts = Counter(_BY_SUFFIX[suffix] for name in names if (suffix := PurePosixPath(name).suffix) in _BY_SUFFIX)
        if counts:
            return counts.most_common(1)[0][0]
    return ""


def source_of(task: Task) -> str:
    """What made it: "mutation", "removal", "commit", "project", a format that it was imported from, or "template"."""
    return str(task.metadata.get("source", BY_HAND))


def difficulty_of(task: Task) -> str:
    return str(task.metadata.get("difficulty", ""))


def proof_of(task: Task) -> dict[str, Any]:
    """What the record beside the task's folder says that was proven: runs of the reference and of doing nothing.

    Empty where there is no record of it: `journeyman task check` proves any task.
    """
    folder = task.repository.parent.parent.parent
    for path in (folder / name for name in _RECORDS):
        for row in _rows(path):
            if row.get("task", row.get("project")) == task.name and isinstance(proof := row.get("proof"), dict):
                return {**proof, "assurance": row.get("assurance", "")}
    return {}


def _rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; what is none is passed over, since this is only looked at."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found += [row] if isinstance(row, dict) else []
    return found
