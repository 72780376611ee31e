"""Tasks that cannot be done: how they are declared and laid out beside their twins, and how that is proven."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.proof import keep, kept, prove_more
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import load_task, load_tasks, save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.infeasible.kinds import HELD_OUT_KINDS, KINDS, TRAINING_KINDS
from journeyman.tasks.infeasible.twins import infeasible_twins, pairs_of, why_not
from journeyman.tasks.task import Check, CheckKind, Infeasible, Task, TaskError, TaskFormatError
from journeyman.tasks.trees import pristine_tree
from journeyman.tasks.validation import Certificate, check_task, stronger, weaker
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_project, tiny_task

GONE = Infeasible(
    kind="missing-file", missing="file notes/issue-7.md", names=("notes/issue-7.md",), probe="test -e notes/issue-7.md"
)
FACTS = {"function": "Parcel.is_free", "library": "parcel", "version": "1", "path": "parcel.py"}


def impossible(folder: Path, **changes: Any) -> Task:
    """The tiny task, repaired, with a wish that leans on a file that is not there."""
    task = tiny_task(folder)
    checks = tuple(Check(id=check.id, kind=CheckKind.PASS_TO_PASS) for check in task.checks)
    (task.repository / "parcel.py").write_bytes((task.solution / "parcel.py").read_bytes())  # type: ignore[operator]
    fields = {"instruction": "Fix what notes/issue-7.md describes.", "solution": None, "checks": checks}
    return Task(**{**dict(task), **fields, "infeasible": GONE, **changes})


def believed(task: Task, sandboxes: SandboxFactory) -> Certificate:
    """A proof that nobody ran."""
    return Certificate(task.name, True, (), 1, 1, 0, task.assurance)


def twins(folder: Path, *kinds: str, seed: int = 0, **changes: Any) -> list[Task]:
    task = tiny_task(folder / "made", **{"metadata": FACTS, **changes})
    missing = _NoSandboxes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("journeyman.tasks.infeasible.twins.probe", lambda task, command, sandboxes: True)
        return infeasible_twins([task], folder / "out", kinds=kinds, seed=seed, sandboxes=missing, prove=believed)


class _NoSandboxes:
    """What lays out alone needs no sandbox."""

    name = "none"

    def create(self, *args: Any, **options: Any) -> Any:
        raise AssertionError("a sandbox was opened")


def test_what_cannot_be_done_has_no_reference_and_nothing_to_bring_to_pass(tmp_path: Path) -> None:
    task = impossible(tmp_path)
    assert task.fail_to_pass == () and len(task.pass_to_pass) == 4
    fails = (*task.checks, Check(id="tests/test_parcel.py::test_more"))
    for changes, why in [
        ({"checks": fails}, "only pass_to_pass"),
        ({"solution": tmp_path}, "no milestones and no reference"),
        ({"infeasible": None}, "at least one must be fail_to_pass"),
    ]:
        with pytest.raises(ValidationError, match=why):
            Task(**{**dict(task), **changes})
    with pytest.raises(ValidationError, match="no letter or digit"):
        Infeasible(kind="a", missing="b", names=("…",))


def test_a_folder_keeps_it_and_an_older_folder_has_none(tmp_path: Path) -> None:
    saved = save_task(impossible(tmp_path / "made"), tmp_path / "task")
    assert saved.infeasible == GONE and load_task(tmp_path / "task") == saved
    script = (tmp_path / "task" / "tests" / "test.sh").read_text()
    assert "exit 1" in script and "judge.py" not in script, "Harbor would pay for doing nothing"
    assert save_task(tiny_task(tmp_path / "plain"), tmp_path / "other").infeasible is None
    path = tmp_path / "task" / "task.toml"
    path.write_text(path.read_text().replace("sought = true", "sougth = true"))
    with pytest.raises(TaskFormatError, match=r"infeasible\.sougth: unknown key"):
        load_task(tmp_path / "task")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_differs_in_the_fault_and_in_what_is_needed_alone(kind: str, tmp_path: Path) -> None:
    there, gone = twins(tmp_path, kind)
    before, after = (dict(walk(task.repository)) for task in (there, gone))
    assert before["parcel.py"].read_text() != after["parcel.py"].read_text() and ">=" in after["parcel.py"].read_text()
    needed = before.keys() - after.keys()
    assert after.keys() <= before.keys() and len(needed) == (kind in ("missing-file", "missing-tool", "missing-module"))
    same = [name for name in after if name != "parcel.py"]
    assert all(before[name].read_bytes() == after[name].read_bytes() for name in same)
    if needed:
        assert there.instruction == gone.instruction, "the wording tells nothing"
        (name,) = needed
        told = before[name].read_text()
        assert "exactly 50" in told and (kind != "missing-tool" or before[name].stat().st_mode & 0o111)
    assert gone.infeasible is not None and gone.infeasible.kind == kind and gone.solution is None
    assert there.infeasible is None and there.solution is not None and there.fail_to_pass
    assert there.metadata["looks"] == gone.metadata["looks"] and there.metadata["pair"] == gone.metadata["pair"]
    assert list(pairs_of([gone, there])) == [(there, gone)]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_the_policy_gets_says_which_side_it_is(kind: str, tmp_path: Path) -> None:
    there, gone = twins(tmp_path, kind)
    for task in (there, gone):
        texts = [task.instruction, *(path.read_text() for _, path in walk(task.repository))]
        for word in (f"-{kind}", "infeasible", task.metadata["pair"], "looks", task.canary):
            assert not any(word in text for text in texts), word
    missing = gone.infeasible
    assert missing is not None
    listed = " ".join(name for name, _ in walk(gone.repository))
    assert not any(name in listed for name in missing.names if "." in name or "_" in name)


@given(st.integers(), st.sampled_from(sorted(KINDS)), st.sampled_from(["is_free", "_x", "__init__", "a.b", "", "ü"]))
def test_any_drawing_names_what_is_missing_in_few_words(seed: int, kind: str, function: str) -> None:
    task = Task(
        name="shop", instruction="`total` is wrong.\nassert 'it\\'s' == \"2\"", checks=(Check(id="a"),),
        repository=Path(__file__).parent / "formats", metadata={"function": function},
    )  # fmt: skip
    pair = KINDS[kind](task, Random(seed))
    if pair is None:
        assert kind == "missing-symbol"
        return
    assert pair.missing.kind == kind and pair.missing.probe
    assert len(pair.gone) < 120 and all(len(name) >= 2 for name in pair.missing.names)
    assert all("tool" in json.loads(look) for look in pair.looks)
    if pair.missing.sought:
        assert any(name in pair.gone for name in pair.missing.names), "the wish itself names what it leans on"


def test_kinds_come_in_turn_and_the_same_seed_gives_the_same_pairs(tmp_path: Path) -> None:
    tasks = [tiny_task(tmp_path / f"{n}", name=f"tiny-{n}", metadata=FACTS) for n in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("journeyman.tasks.infeasible.twins.probe", lambda task, command, sandboxes: True)
        first, again = (
            infeasible_twins(tasks, tmp_path / out, seed=3, sandboxes=_NoSandboxes(), prove=believed)
            for out in ("one", "two")
        )
    assert [task.metadata["kind"] for task in first[1::2]] == list(TRAINING_KINDS[:3])
    assert [(task.name, task.instruction) for task in first] == [(task.name, task.instruction) for task in again]
    assert not set(TRAINING_KINDS) & set(HELD_OUT_KINDS) and len({t.name for t in load_tasks(tmp_path / "one")}) == 6


def test_an_interrupted_making_goes_on_and_half_a_pair_never_stands(tmp_path: Path) -> None:
    made = twins(tmp_path, "missing-file")
    folders = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(folders) == 2, "nothing is left of the making"
    (tmp_path / "out" / folders[0] / "task.toml").unlink()
    assert [task.name for task in twins(tmp_path, "missing-file")] == [task.name for task in made]

    def unsound(task: Task, sandboxes: SandboxFactory) -> Certificate:
        return replace(believed(task, sandboxes), sound=False, reasons=("it is not so",))

    task = tiny_task(tmp_path / "other", name="other")
    with pytest.raises(TaskError, match="other-missing-file-there is not sound: it is not so"):
        infeasible_twins([task], tmp_path / "out", sandboxes=_NoSandboxes(), prove=unsound)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == folders


def test_what_can_have_no_twin_is_said(tmp_path: Path) -> None:
    project, (there, gone) = tiny_project(tmp_path / "project"), twins(tmp_path, "send-mail")
    assert "milestones" in why_not(project) and "itself" in why_not(there) and "itself" in why_not(gone)
    with pytest.raises(TaskError, match="tiny-times: it is a project"):
        infeasible_twins([project], tmp_path, sandboxes=_NoSandboxes())
    with pytest.raises(TaskError, match="no kind 'lost-key'; there are: missing-file"):
        infeasible_twins([], tmp_path, kinds=["lost-key"], sandboxes=_NoSandboxes())
    assert infeasible_twins([], tmp_path, sandboxes=_NoSandboxes()) == []
    nameless = tiny_task(tmp_path / "nameless")
    with pytest.raises(TaskError, match="no twin of the kinds missing-symbol can be made"):
        infeasible_twins([nameless], tmp_path / "n", kinds=["missing-symbol"], sandboxes=_NoSandboxes())


def test_no_tree_resolves_it_and_its_proof_looks_for_what_is_missing(tmp_path: Path) -> None:
    factory = open_backend(require_sandbox())
    task = impossible(tmp_path / "made")
    assert grade(task, pristine_tree(), factory).resolved is False
    proof = check_task(task, factory, 1)
    assert proof.sound and proof.noop_resolved == 0 and proof.reference == "honest block"
    assert stronger(task, factory) == weaker(task, factory) == ()
    more = prove_more(proof, task, factory, 5)
    keep(more, task)
    assert more.strength.mutants == 0 and (kept(task) or {})["reference"] == "honest block"

    (task.repository / "notes").mkdir()
    (task.repository / "notes" / "issue-7.md").write_text("`is_free` is wrong.\n")
    assert "the probe finds it" in check_task(task, factory, 1).reasons[-1]
    unproven = task.model_copy(update={"infeasible": GONE.model_copy(update={"probe": ""})})
    assert "probe: empty" in check_task(unproven, factory, 1).reasons[-1]


def test_a_broken_repository_is_no_ground_for_a_block(tmp_path: Path) -> None:
    factory = open_backend(require_sandbox())
    task = impossible(tmp_path / "made")
    (task.repository / "parcel.py").write_text("FREE_FROM = None\n")
    proof = check_task(task, factory, 1)
    assert not proof.sound and any("on the unchanged repository" in reason for reason in proof.reasons)
