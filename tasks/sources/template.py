"""Template: a task folder to begin with. It is whole and proven as it stands, an example to be replaced piece by piece.

A template is a finished small program (`repository/`) and, for each kind of task, what is given in its place, the
hidden tests and the texts. What the given files lack is the reference.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from journeyman.tasks.harbor import save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.harbor_toml import build_task, read_toml, task_fields
from journeyman.tasks.sources.stubs import stub
from journeyman.tasks.task import Task, TaskError

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
LANGUAGES = ("python",)
BUG, PROJECT = "bug", "project"
TEMPLATE = "template"
"""Key of a task's metadata: from which it was made."""
TELLING = 24
"""Characters of a line that says something; shorter ones stand in any file."""
MOSTLY = 0.5

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_STUBBED = {
    "lending/opening.py": ("Opening.is_open", "Opening.next_open", "Opening.open_days"),
    "lending/loans.py": ("Loan.is_late", "lend", "renew"),
    "lending/fees.py": ("late_fee", "owed", "as_money"),
}
"""What the project asks for; the rest shows how its code looks."""


def new_task(name: str, out: Path, *, kind: str = BUG, language: str = "python") -> Task:
    """Make a task folder to begin with below `out`.

    Args:
        name: the task's name, with an organisation before a slash if there is one.
        kind: "bug", or "project" for one of several milestones.

    Raises:
        TaskError: the name is none, there is no template for the language, or something stands in the way.
    """
    if not _NAME.fullmatch(name):
        raise TaskError(f"{name}: no name for a task; use letters, digits, dots and dashes, such as late-fees")
    if language not in LANGUAGES:
        raise TaskError(f"no template for {language}; there is one for {', '.join(LANGUAGES)}")
    folder = out / name.replace("/", "-")
    if folder.exists():
        raise TaskError(f"{folder}: exists and is left as it is; choose another name")
    with tempfile.TemporaryDirectory() as scratch:
        task = _lay_out(kind, language, Path(scratch))
        return save_task(task.model_copy(update={"name": name}), folder)


def left_of_template(task: Task) -> tuple[str, ...]:
    """Files of a task's folder that are still mostly those of the template that it was made from."""
    language, _, kind = str(task.metadata.get(TEMPLATE, "")).partition("/")
    if language not in LANGUAGES or kind not in (BUG, PROJECT):
        return ()
    with tempfile.TemporaryDirectory() as scratch:
        example = dict(_texts(_lay_out(kind, language, Path(scratch))))
    own = dict(_texts(task))
    return tuple(name for name, text in example.items() if _is_mostly(own.get(name, ""), text))


def _lay_out(kind: str, language: str, scratch: Path) -> Task:
    """A template as a task, its files below `scratch`."""
    finished, parts = TEMPLATES / language / "repository", TEMPLATES / language / kind
    given = {name: path.read_bytes() for name, path in walk(parts / "given")} if kind == BUG else {}
    if kind == PROJECT:
        given = {name: stub((finished / name).read_bytes(), functions) for name, functions in _STUBBED.items()}
    for name, path in walk(finished):
        place = scratch / "repository" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(given.get(name, path.read_bytes()))
        if name in given:
            (scratch / "solution" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, scratch / "solution" / name)
    settings = parts / "task.toml"
    values = task_fields(read_toml(settings), settings)
    for milestone in values["milestones"]:
        milestone["instruction"] = _text(parts / "steps" / milestone["name"] / "instruction.md")
    values |= {
        "instruction": _text(parts / "instruction.md"), "hidden": parts / "hidden",
        "repository": scratch / "repository", "solution": scratch / "solution",
    }  # fmt: skip
    values["metadata"] |= {"source": "template", TEMPLATE: f"{language}/{kind}"}
    return build_task(values, settings)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").removesuffix("\n")


def _texts(task: Task) -> Iterator[tuple[str, str]]:
    """What somebody writes for a task, by its place in the folder."""
    yield "instruction.md", task.instruction
    yield from ((f"steps/{m.name}/instruction.md", m.instruction) for m in task.milestones)
    places = (
        ("environment/repository", task.repository),
        ("solution/files", task.solution),
        ("tests/files", task.hidden),
    )
    for below, place in places:
        for name, path in walk(place) if place is not None else ():
            if path.suffix in {".md", ".py"}:
                yield f"{below}/{name}", path.read_text(encoding="utf-8", errors="replace")


def _is_mostly(text: str, example: str) -> bool:
    lines = {line for line in example.splitlines() if len(line.strip()) >= TELLING}
    return len(lines & set(text.splitlines())) > MOSTLY * len(lines)
