"""A task begun with `task new` is a real one from the start, and cannot be mistaken for the author's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.template import BUG, PROJECT, left_of_template, new_task
from journeyman.tasks.task import Task, TaskError
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.validation import check_task

OPENING = "lending/opening.py"
GIVEN, RIGHT = "for number in range((until - after).days))", "for number in range(1, (until - after).days + 1))"
COUNTED = "        return sum(self.is_open(day) for day in days)\n"
WRONG = {
    "closed days cost as well": ("for day in days", "or True for day in days"),
    "always a day less": (COUNTED, f"        return max(0, -1 + {COUNTED.split('return ')[1].strip()})\n"),
    "neither end counts": (GIVEN, "for number in range(1, (until - after).days))"),
    "both ends count": (GIVEN, "for number in range((until - after).days + 1))"),
    "the box is free": (COUNTED, f"        if not self.is_open(until):\n            return 0\n{COUNTED}"),
    "the box is emptied on the next open day": (GIVEN, RIGHT.replace("until", "self.next_open(until)")),
}  # fmt: skip


def rewritten(task: Task, path: str, old: str, new: str) -> Snapshot:
    text = (task.repository / path).read_text(encoding="utf-8")
    assert old in text
    return Snapshot(tree_hash="", base_hash="", changed={path: File(text.replace(old, new).encode())})


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BUG, PROJECT])
def test_it_is_proven_as_it_stands(kind: str, tmp_path: Path, sandboxes: SandboxFactory) -> None:
    task = new_task("acme/late-fees", tmp_path, kind=kind)
    assert task == load_task(tmp_path / "acme-late-fees")
    certificate = check_task(task, sandboxes)
    assert certificate.sound, certificate.reasons
    assert (certificate.reference_resolved, certificate.noop_resolved) == (3, 0)
    assert set(certificate.milestones) == {milestone.name for milestone in task.milestones}
    assert len(task.milestones) == (3 if kind == PROJECT else 0)


@pytest.mark.slow
def test_its_checks_tell_a_right_patch_from_wrong_ones(tmp_path: Path, sandboxes: SandboxFactory) -> None:
    task = new_task("late-fees", tmp_path)
    assert grade(task, rewritten(task, OPENING, GIVEN, RIGHT), sandboxes).resolved
    for why, (old, new) in WRONG.items():
        assert not grade(task, rewritten(task, OPENING, old, new), sandboxes).resolved, why


@pytest.mark.slow
def test_the_milestones_of_its_project_close_one_by_one(tmp_path: Path, sandboxes: SandboxFactory) -> None:
    task = new_task("lending", tmp_path, kind=PROJECT)
    reference = solution_tree(task).changed
    files = {"opening-days": OPENING, "loans": "lending/loans.py", "fees": "lending/fees.py"}
    for done in ({"opening-days"}, {"opening-days", "loans"}, {"opening-days", "fees"}, set(files) - {"opening-days"}):
        changed = {files[name]: reference[files[name]] for name in done}
        verdict = grade(task, Snapshot(tree_hash="", base_hash="", changed=changed), sandboxes)
        closed = {name for name, is_closed in verdict.milestones.items() if is_closed}
        assert closed == (done if "opening-days" in done else set()), verdict.detail


def test_it_never_stands_in_the_way_of_what_is_there(tmp_path: Path) -> None:
    new_task("late-fees", tmp_path)
    own = tmp_path / "late-fees" / "instruction.md"
    own.write_text("Mine.\n")
    with pytest.raises(TaskError, match="exists and is left as it is"):
        new_task("late-fees", tmp_path, kind=PROJECT)
    assert own.read_text() == "Mine.\n"
    for name, language, said in (("../up", "python", "no name"), ("a", "cobol", "no template for cobol")):
        with pytest.raises(TaskError, match=said):
            new_task(name, tmp_path, language=language)
    assert [path.name for path in tmp_path.iterdir()] == ["late-fees"]


def test_what_is_left_of_the_example_is_told_until_it_is_gone(tmp_path: Path) -> None:
    task = new_task("late-fees", tmp_path)
    left = left_of_template(task)
    assert {"instruction.md", "environment/repository/README.md", f"solution/files/{OPENING}"} <= set(left)
    (tmp_path / "late-fees" / "instruction.md").write_text("The parser drops the last word of a long line.\n")
    assert left_of_template(load_task(tmp_path / "late-fees")) == left[1:]
    assert task.hidden is not None and task.solution is not None
    for place in (task.repository, task.solution, task.hidden):
        for _, path in walk(place):
            path.write_text('"""Something else."""\n')
    again = save_task(load_task_unstamped(tmp_path / "late-fees"), tmp_path / "late-fees")
    assert left_of_template(again) == ()


def load_task_unstamped(folder: Path) -> Task:
    with pytest.warns(UserWarning, match="lacks the canary"):
        return load_task(folder)


def test_two_tasks_of_one_template_have_canaries_of_their_own(tmp_path: Path) -> None:
    assert new_task("one", tmp_path).canary != new_task("two", tmp_path).canary
