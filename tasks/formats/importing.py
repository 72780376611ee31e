"""Rows become task folders: whole or not at all, each with what could not be mapped.

    out/<name>/…           a task
    out/import.jsonl       a line a row: its task, or why there is none, and what was not mapped

Files that tasks over one commit share are hard links to one copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.formats.fields import ROW, keep
from journeyman.tasks.formats.format import Format, FormatError, Imported, Row, Source, Tree, checked_path
from journeyman.tasks.formats.layout import Layout, counted, lay_out
from journeyman.tasks.formats.repositories import CommitFiles, Repositories
from journeyman.tasks.harbor import save_task
from journeyman.tasks.harbor_toml import build_task
from journeyman.tasks.task import Task, TaskError

_PROSE = frozenset({"", ".py", ".md", ".rst", ".txt", ".toml", ".cfg", ".ini", ".lock", ".yml", ".yaml"})
"""Suffixes of what no check looks at, or what steers a run; others that a reference changes become editable."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the user adds where rows say nothing of the environment."""

    python: str | None = None
    requirements: tuple[str, ...] = ()

    def over(self, said: Environment) -> Environment:
        requirements = tuple(dict.fromkeys((*said.requirements, *self.requirements)))
        if any(re.match(r"pytest\s*[=<>~!@\[]", line) for line in requirements):
            requirements = tuple(line for line in requirements if line != "pytest")
        return replace(said, python=self.python or said.python, requirements=requirements)


@dataclass
class ImportReport:
    """What came of an import."""

    out: Path
    tasks: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """(row, reason)."""
    unmapped: Counter[str] = field(default_factory=Counter)
    """How many rows had a field, by its name, that did not map."""

    @property
    def rows(self) -> int:
        return len(self.tasks) + len(self.rejected)


def import_rows(
    kind: Format,
    rows: Iterable[Row],
    out: Path,
    repositories: Repositories,
    *,
    set_up: SetUp = SetUp(),
    progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Make the task folders of rows. A row that cannot become a task is told, and the next one is taken.

    Raises:
        FormatError: `out` cannot be written, or the rows cannot be read.
    """
    report = ImportReport(out)
    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".import-", dir=out))
    bases = _Bases(scratch, repositories)
    journal = scratch / "import.jsonl"
    try:
        with journal.open("w", encoding="utf-8") as lines:
            for number, row in enumerate(rows, 1):
                line = _import_one(kind, row, number, report, bases, set_up)
                lines.write(json.dumps(line) + "\n")
                if progress is not None:
                    progress(report)
    finally:
        if journal.is_file():
            journal.replace(out / "import.jsonl")
        shutil.rmtree(scratch, ignore_errors=True)
        repositories.close()
    return report


def _import_one(
    kind: Format, row: Row, number: int, report: ImportReport, bases: _Bases, set_up: SetUp
) -> dict[str, object]:
    label = next((str(row[key]) for key in ("instance_id", "commit_hash", "repo") if row.get(key)), f"row {number}")
    try:
        imported = kind.read(row)
        if imported.name in report.tasks:
            raise FormatError(f"{imported.name}: the same name stands twice; the first row is kept")
        task, unmapped = _make(kind, row, imported, bases, set_up, report.out / imported.name.replace("/", "__"))
    except (TaskError, OSError) as error:
        report.rejected.append((label, str(error)))
        return {"row": number, "id": label, "task": None, "reason": str(error)}
    report.tasks.append(task.name)
    report.unmapped.update(dict.fromkeys((said.partition(":")[0] for said in unmapped), 1))
    return {"row": number, "id": label, "task": task.name, "unmapped": list(unmapped)}


def _make(
    kind: Format, row: Row, imported: Imported, bases: _Bases, set_up: SetUp, folder: Path
) -> tuple[Task, tuple[str, ...]]:
    layout = lay_out(imported, bases.read)
    work = Path(tempfile.mkdtemp(dir=bases.scratch))
    try:
        bases.lay(work / "repository", layout)
        _write(work / "hidden", layout.hidden)
        unmapped = [*imported.unmapped, *layout.unmapped]
        values = {
            "name": imported.name,
            "instruction": imported.instruction,
            "repository": work / "repository",
            "hidden": work / "hidden" if layout.hidden else None,
            "environment": set_up.over(_environment(imported.environment, layout.given)),
            "checks": layout.checks,
            "editable": ("**/*.py", *_suffixes(layout.solution)),
            "test_paths": _test_paths(layout),
            "metadata": {
                "source": kind.name,
                "repository": layout.base.repository,
                "commit": layout.base.commit,
                **imported.facts,
                ROW: keep(kind.name, row),
            },
        }
        task = build_task(values, folder)
        solution, left = counted(task, layout.solution)
        unmapped += left
        _write(work / "solution", solution)
        metadata = {**task.metadata, "unmapped": unmapped}
        task = task.model_copy(update={"solution": work / "solution", "metadata": metadata})
        return save_task(task, folder, link=True), tuple(unmapped)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _environment(said: Environment, given: Tree) -> Environment:
    """With `src` importable where the code lies there."""
    has_src = any(name.startswith("src/") for name in given) and "src/__init__.py" not in given
    return replace(said, pythonpath=("src",) if has_src else said.pythonpath)


def _suffixes(solution: Tree) -> Iterator[str]:
    found = {PurePosixPath(name).suffix for name in solution} - _PROSE
    return (f"**/*{suffix}" for suffix in sorted(found))


def _test_paths(layout: Layout) -> tuple[str, ...]:
    """The folders of the checks' files that a policy sees, else the top folders of tests, else all test files."""
    named = {PurePosixPath(check.id.partition("::")[0]) for check in layout.checks}
    there = {str(PurePosixPath(name).parent) for name in layout.given}
    folders = sorted({str(path.parent) for path in named} & there - {"."})
    if folders:
        return tuple(f for f in folders if not any(f.startswith(f"{other}/") for other in folders))
    return tuple(n for n in sorted(layout.given) if is_test_file(PurePosixPath(n))) or ("tests",)


class _Bases:
    """The trees of the commits that rows build on, each on disk once; the last two are kept."""

    def __init__(self, scratch: Path, repositories: Repositories) -> None:
        self.scratch = scratch
        self._repositories = repositories
        self._read: dict[tuple[Source, ...], CommitFiles] = {}
        self._folders: dict[str, Path] = {}

    def read(self, sources: Sequence[Source]) -> CommitFiles:
        key = tuple(sources)
        if key not in self._read:
            found = self._repositories.read(key)
            self._read = {**dict(list(self._read.items())[-1:]), key: found}
        return self._read[key]

    def lay(self, folder: Path, layout: Layout) -> None:
        """Write what a policy starts from; what it shares with the commit is linked."""
        base = self._folder(layout.base)
        new = {name: file for name, file in layout.given.items() if layout.base.files.get(name) != file}
        _write(folder, new)
        for name in layout.given.keys() - new.keys():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(base / name, place)

    def _folder(self, base: CommitFiles) -> Path:
        if base.commit not in self._folders:
            while len(self._folders) > 1:
                shutil.rmtree(self._folders.pop(next(iter(self._folders))), ignore_errors=True)
            self._folders[base.commit] = self.scratch / f"base-{base.commit}"
            _write(self._folders[base.commit], base.files)
        return self._folders[base.commit]


def _write(folder: Path, files: Tree) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        place = folder / checked_path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        place.chmod(0o755 if file.executable else 0o644)
