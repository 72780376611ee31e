"""Harbor's `[[steps]]`: turns in sequence over one environment, each with an instruction and a verifier of its own.

Read, each step becomes a milestone that builds on the one before. Written, milestones become steps in an order that
their DAG allows; a Harbor agent then gets one contract at a time, where ours reads all of them at once. What is
written still has `[metadata.journeyman]`, so here it loads as it was.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.formats.format import FormatError
from journeyman.tasks.formats.importing import ImportReport
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.harbor_files import SOLVE_SH, copy_tree, walk
from journeyman.tasks.harbor_plain import list_checks, read_dockerfile, settings_that_do_not_map
from journeyman.tasks.harbor_toml import DESCRIBED, build_task, is_ours, read_toml, table
from journeyman.tasks.task import Milestone, Task, TaskError
from journeyman.tasks.verdict import Assurance

_TOLD = ("min_reward", "artifacts", "healthcheck", "agent", "user")
"""Keys of a step that a milestone has no place for."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step as a milestone."""

    milestone: Milestone
    problems: tuple[str, ...]
    unmapped: tuple[str, ...]


def import_harbor(folder: Path, out: Path) -> tuple[Task, tuple[str, ...]]:
    """Make a task folder of Harbor's, and say what could not be mapped.

    Raises:
        TaskFormatError: it cannot be read, or what does not map is needed; the message lists everything.
    """
    document = read_toml(folder / "task.toml")
    if is_ours(document) or not document.get("steps"):
        return save_task(load_task(folder), out), ()
    scratch = Path(tempfile.mkdtemp(prefix=".import-", dir=out.parent))
    try:
        task, unmapped = _with_steps(folder.resolve(), document, scratch)
        return save_task(task, out), unmapped
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def export_harbor(task: Task, out: Path) -> tuple[str, ...]:
    """Write a task folder in which milestones are steps too, and say what of them that loses.

    Raises:
        TaskError: the task cannot be written.
    """
    saved = save_task(task, out)
    order = list(saved.in_order())
    if not order:
        return ()
    try:
        _write_steps(saved, order, out)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)  # no task at all rather than half of one
        raise
    said = ["milestones: their DAG becomes a sequence, and a step's contract is read only when its turn comes"]
    if saved.solution is not None and len(order) > 1 and "solution_files" not in saved.metadata:
        said.append("solution: its parts are not told apart (metadata.solution_files), so the first step has all of it")
    return tuple(said)


def _write_steps(saved: Task, order: list[Milestone], out: Path) -> None:
    own = {check for milestone in order for check in milestone.checks}
    rest = [check.id for check in saved.checks if check.id not in own]
    parts = _solution_parts(saved, order)
    written = (out / "task.toml").read_text(encoding="utf-8")
    steps = tomlkit.aot()
    for milestone in order:
        place = out / "steps" / milestone.name
        checks = [*milestone.checks, *(rest if milestone is order[-1] else ())]
        _write(place / "tests" / "checks.txt", "".join(f"{check}\n" for check in checks))
        _write(place / "solution" / "solve.sh", SOLVE_SH)
        (place / "solution" / "solve.sh").chmod(0o755)
        (place / "solution" / "files").mkdir()
        for name in parts[milestone.name]:
            assert saved.solution is not None
            (place / "solution" / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(saved.solution / name, place / "solution" / "files" / name)
        step = tomlkit.table()
        step.update({"name": milestone.name, "agent": {"timeout_sec": saved.budget.episode_timeout_s / len(order)}})
        steps.append(step)
    _write(out / "task.toml", f"{written.rstrip()}\n\n{tomlkit.dumps({'steps': steps})}")


def import_harbor_tasks(folder: Path, out: Path, *, limit: int | None = None) -> ImportReport:
    """Make task folders of all Harbor tasks below a folder; one that cannot be mapped is told.

    Raises:
        FormatError: there is none.
    """
    found = sorted(path.parent for path in folder.rglob("task.toml"))[:limit]
    if not found:
        raise FormatError(f"{folder}: no Harbor task there; a task is a folder with task.toml")
    report = ImportReport(out)
    out.mkdir(parents=True, exist_ok=True)
    for place in found:
        try:
            task, unmapped = import_harbor(place, out / place.name)
        except (TaskError, OSError) as error:
            report.rejected.append((place.name, str(error)))
            continue
        report.tasks.append(task.name)
        report.unmapped.update(dict.fromkeys((said.partition(":")[0] for said in unmapped), 1))
    return report


def _with_steps(folder: Path, document: dict[str, Any], scratch: Path) -> tuple[Task, tuple[str, ...]]:
    path = folder / "task.toml"
    image = read_dockerfile(folder / "environment")
    problems = [*settings_that_do_not_map({**document, "steps": None}, path), *image.unmapped]
    steps: list[_Step] = []
    for raw in document["steps"] if isinstance(document["steps"], list) else ():
        before = steps[-1].milestone.name if steps else ""
        steps.append(_step(folder, raw, before, scratch, image.workdir))
    problems += [said for step in steps for said in step.problems]
    if problems or not steps:
        listed = "".join(f"\n  - {what}" for what in problems or ["[[steps]]: not a list of tables"])
        raise FormatError(f"{folder}: this much of it does not map:{listed}")
    harbor = table(document, "task", path)
    root = folder / "instruction.md"
    text = root.read_text(encoding="utf-8") if root.is_file() else str(harbor.get("description") or "")
    if not any(re.match(r"pytest\b(?!-)", line) for line in image.requirements):
        image.requirements.append("pytest")
    timeout = table(document, "agent", path).get("timeout_sec")
    values = {
        "name": harbor.get("name", folder.name),
        "instruction": text.strip() or "Work through the milestones, one after the other.",
        "repository": image.repository,
        "environment": Environment(
            image.python, tuple(image.requirements), tuple(image.packages), tuple(image.pythonpath) or (".",)
        ),
        "checks": [{"id": check} for step in steps for check in step.milestone.checks],
        "milestones": [step.milestone for step in steps],
        "hidden": scratch / "hidden",
        "assurance": Assurance.FRESH,
        "budget": {"episode_timeout_s": timeout} if timeout else {},
        "metadata": {
            **table(document, "metadata", path),
            **{key: harbor[key] for key in DESCRIBED if key in harbor},
            "source": "harbor",
        },
    }
    told = ["multi_step_reward_strategy"] if document.get("multi_step_reward_strategy") else []
    unmapped = [f"{key}: milestones count one by one" for key in told]
    unmapped += [said for step in steps for said in step.unmapped]
    task = build_task(values, path)
    return task.model_copy(update={"metadata": {**task.metadata, "unmapped": unmapped}}), tuple(unmapped)


def _step(folder: Path, raw: Any, before: str, scratch: Path, workdir: str) -> _Step:
    name = str(raw.get("name") or "") if isinstance(raw, dict) else ""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    place = folder / "steps" / name
    if not slug or "/" in name or not (place / "instruction.md").is_file():
        raise FormatError(f"{folder}: step {name!r}: no steps/{name}/instruction.md")
    tests = scratch / "hidden" / f"step_{slug.replace('-', '_')}"
    for source in (folder / "tests", place / "tests"):  # the step's own are laid over those of the task
        if source.is_dir():
            copy_tree(source, tests, link=False)
    for file in sorted(tests.glob("test_*.py")):  # two modules of one name could not be collected together
        file.rename(file.with_name(f"test_{slug.replace('-', '_')}_{file.name.removeprefix('test_')}"))
    tests.mkdir(parents=True, exist_ok=True)
    checks, problems = list_checks(tests, workdir)
    if (place / "workdir").is_dir():
        problems.append("workdir/: files that are laid in when the step begins")
    told = [f"steps.{key}: {name}" for key in _TOLD if raw.get(key)]
    if (place / "solution").is_dir():
        told.append(f"steps.solution: {name}: a script, left behind, so there is no reference")
    milestone = Milestone(
        name=slug,
        title=name,
        instruction=(place / "instruction.md").read_text(encoding="utf-8").strip(),
        depends_on=(before,) if before else (),
        checks=tuple(f"{tests.name}/{check}" for check in checks) or ("none",),
    )
    return _Step(milestone, tuple(f"steps/{name}: {said}" for said in problems), tuple(told))


def _solution_parts(task: Task, order: list[Milestone]) -> dict[str, list[str]]:
    """Which of the reference's files close which milestone; those that nobody claims come first."""
    there = [name for name, _ in walk(task.solution)] if task.solution is not None else []
    said = task.metadata.get("solution_files")
    parts = {m.name: [n for n in (said or {}).get(m.name, ()) if n in there] for m in order}
    claimed = {name for names in parts.values() for name in names}
    parts[order[0].name] += [name for name in there if name not in claimed]
    return parts


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
