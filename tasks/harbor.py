"""Task folders: Harbor 1.4, with what Harbor has no field for under `[metadata.journeyman]` (docs/task-format.md).

load_task(folder)     read one
save_task(task, …)    write one, whole or not at all
load_tasks(where)     a task, a folder of tasks, or a pattern
bundled_tasks()       those that come with Journeyman
"""

from __future__ import annotations

import hashlib
import importlib.resources
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from journeyman.tasks.harbor_files import (
    NO_JUDGE_SH,
    NO_REPORT_SH,
    SOLVE_SH,
    TEST_SH,
    copy_tree,
    dockerfile,
    has_canary,
    stamp,
    takes_stamp,
    walk,
)
from journeyman.tasks.harbor_plain import load_plain
from journeyman.tasks.harbor_toml import build_task, is_ours, read_toml, task_fields, write_toml
from journeyman.tasks.task import Task, TaskError, TaskFormatError

MARKER = "<!-- milestones: written from steps/, edit them there -->"
"""Below this line, instruction.md repeats the milestones' contracts for Harbor; the loader drops it."""


class CanaryWarning(UserWarning):
    """A hidden file lacks its task's canary: a leak of it could not be told."""


def load_task(folder: Path | str) -> Task:
    """Read one task folder.

    Raises:
        TaskFormatError: something is missing or malformed; the message names the file, the field and the mend.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise TaskFormatError(f"{folder}: no such folder; a task is a folder with task.toml")
    path = folder / "task.toml"
    document = read_toml(path)
    if not is_ours(document):
        return load_plain(folder, document)
    values = task_fields(document, path)
    _read_milestones(values, folder)
    text = _read_text(folder / "instruction.md")
    values["instruction"] = text.partition(MARKER)[0].removesuffix("\n\n") if MARKER in text else text
    if not values["instruction"].strip():
        raise TaskFormatError(f"{folder / 'instruction.md'}: empty; write the problem statement")
    values["repository"] = folder / "environment" / "repository"
    if not values["repository"].is_dir():
        raise TaskFormatError(f"{values['repository']}: missing; put the repository's pristine files there")
    values["solution"] = _folder_or_none(folder / "solution" / "files")
    values["hidden"] = _folder_or_none(folder / "tests" / "files")
    task = build_task(values, path)
    _warn_without_canary(task)
    return task


def save_task(task: Task, folder: Path | str, *, link: bool = False) -> Task:
    """Write a task folder and return the task as it now stands there (its canary made, if it had none).

    The folder appears whole or not at all; a task that stands there is replaced. With `link`, the repository's and
    the solution's files are hard links where possible: quick and small for many tasks over one library, but then
    nobody may edit them in place.

    Raises:
        TaskError: the task cannot be written (what and why), or something that is no task stands in the way.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not (folder / "task.toml").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise TaskError(f"{folder}: exists and is not a task; choose another folder")
    _refuse_unwritable(task)
    if not task.canary:
        task = task.model_copy(update={"canary": _new_canary(task)})
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made.chmod(0o755)
        _write_folder(task, made, link=link)
        _swap(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return load_task(folder)


def load_tasks(where: Path | str) -> tuple[Task, ...]:
    """The tasks at a place, by path: one task folder, a folder that holds some (at any depth), or a `*` pattern.

    Raises:
        TaskFormatError: there is none, or one of them cannot be read.
    """
    places = _expand(Path(where))
    folders = [folder for place in places for folder in _task_folders(place)]
    if not folders:
        raise TaskFormatError(f"{where}: no task there; a task is a folder with task.toml")
    return tuple(load_task(folder) for folder in dict.fromkeys(folders))


def bundled_tasks() -> tuple[Task, ...]:
    """The hand-written tasks that come with Journeyman, by name of their folders."""
    return load_tasks(Path(str(importlib.resources.files("journeyman.tasks"))) / "library")


def _expand(where: Path) -> list[Path]:
    """The places that a path with `*` in it names; a path without names itself."""
    starred = next((i for i, part in enumerate(where.parts) if "*" in part), None)
    if starred is None:
        return [where]
    return sorted(Path(*where.parts[:starred]).glob(str(Path(*where.parts[starred:]))))


def _task_folders(place: Path) -> list[Path]:
    if (place / "task.toml").is_file():
        return [place.resolve()]
    if not place.is_dir():
        return []
    inner = sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
    return [folder for path in inner for folder in _task_folders(path)]


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8").removesuffix("\n")
    except FileNotFoundError:
        raise TaskFormatError(f"{path}: missing; write it (docs/task-format.md)") from None
    except UnicodeDecodeError as error:
        raise TaskFormatError(f"{path}: not UTF-8 text: {error}") from error


def _folder_or_none(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    for _ in walk(folder):  # says so if there are links in it
        pass
    return folder


def _read_milestones(values: dict[str, Any], folder: Path) -> None:
    for milestone in values["milestones"]:
        milestone["instruction"] = _read_text(folder / "steps" / milestone["name"] / "instruction.md")
    names = {milestone["name"] for milestone in values["milestones"]}
    found = {path.name for path in (folder / "steps").glob("*") if path.is_dir()}
    if stray := sorted(found - names):
        raise TaskFormatError(
            f"{folder / 'steps'}: no milestone is named {stray}; "
            f"add [[metadata.journeyman.milestones]] to task.toml, or remove the folder"
        )


def _warn_without_canary(task: Task) -> None:
    if task.hidden is None:
        return
    for name, path in walk(task.hidden):
        if takes_stamp(name) and not (task.canary and has_canary(path, task.canary)):
            warnings.warn(
                f"{path}: lacks the canary; save_task(load_task(folder), folder) stamps it", CanaryWarning, stacklevel=3
            )


def _refuse_unwritable(task: Task) -> None:
    texts = [("instruction", task.instruction), *((f"milestone {m.name}", m.instruction) for m in task.milestones)]
    for where, text in texts:
        if MARKER in text:
            raise TaskError(f"{task.name}: {where} contains the marker line {MARKER!r}; remove it")
    for check in task.checks:
        if "\n" in check.id or "\r" in check.id:
            raise TaskError(f"{task.name}: check {check.id!r} has a line break; a node id is one line")
    for field, place in (("repository", task.repository), ("hidden", task.hidden), ("solution", task.solution)):
        if place is not None and not place.is_dir():
            raise TaskError(f"{task.name}: {field}: {place} is not a folder")


def _new_canary(task: Task) -> str:
    """Unique by content, so that saving the same task twice writes the same bytes."""
    digest = hashlib.sha256(f"{task.name}\n{task.instruction}\n".encode())
    for check in task.checks:
        digest.update(f"{check.id}\n".encode())
    return f"journeyman-canary-{digest.hexdigest()[:32]}"


def _write_folder(task: Task, folder: Path, *, link: bool) -> None:
    _write(folder / "task.toml", write_toml(task))
    instruction = task.instruction
    if task.milestones:
        contracts = [f"## {m.title or m.name}\n\n{m.instruction}" for m in task.in_order()]
        instruction += "\n\n" + "\n\n".join([MARKER, *contracts])
    _write(folder / "instruction.md", instruction + "\n")
    for milestone in task.milestones:
        _write(folder / "steps" / milestone.name / "instruction.md", milestone.instruction + "\n")
    _write(folder / "environment" / "Dockerfile", dockerfile(task.environment))
    (folder / "environment" / "repository").mkdir()
    copy_tree(task.repository, folder / "environment" / "repository", link=link)
    if task.solution is not None:
        _write(folder / "solution" / "solve.sh", SOLVE_SH, mode=0o755)
        (folder / "solution" / "files").mkdir()
        copy_tree(task.solution, folder / "solution" / "files", link=link)
    _write(folder / "tests" / "checks.txt", "".join(f"{check.id}\n" for check in task.checks))
    if task.infeasible is not None:
        _write(folder / "tests" / "test.sh", NO_REPORT_SH, mode=0o755)
    elif toolchain := task.environment.toolchain:
        _write(folder / "tests" / "test.sh", NO_JUDGE_SH.format(toolchain=toolchain), mode=0o755)
    else:
        judge = (Path(__file__).parent / "harbor_judge.py").read_text(encoding="utf-8")
        _write(folder / "tests" / "judge.py", judge)
        _write(folder / "tests" / "test.sh", TEST_SH, mode=0o755)
    if task.hidden is not None:
        (folder / "tests" / "files").mkdir()
        copy_tree(task.hidden, folder / "tests" / "files", link=False)
        for name, path in walk(folder / "tests" / "files"):
            if takes_stamp(name):
                stamp(path, task.canary)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    path.chmod(mode)


def _swap(made: Path, folder: Path) -> None:
    """Put the finished folder in its place; the one that stood there goes only when the new one stands."""
    if not folder.exists():
        made.rename(folder)
        return
    old = made.with_name(made.name + ".old")
    folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)
