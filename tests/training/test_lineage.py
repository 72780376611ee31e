"""A model remembers what it was trained on, and what the model before it was; by that it is not measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.tasks.harbor import save_task
from journeyman.tasks.sources.likeness import Likeness, OverlapError
from journeyman.training.checkpoint import TrainingError
from journeyman.training.contamination import lineage_of
from journeyman.training.lineage import played, remember, require_unseen, trained_on
from tests.making import tiny_task


def trained(run: Path, base: str, *tasks: Likeness) -> str:
    """A training run as it stands when it is done; its model."""
    (run / "model").mkdir(parents=True)
    remember(run, tasks, base)
    (run / "done.json").write_text(json.dumps({"settings": {"model": base}}))
    return str(run / "model")


def test_a_model_knows_all_that_came_before_it(tmp_path: Path) -> None:
    sft = trained(tmp_path / "sft", "tiny", Likeness("a", "toolz"), Likeness("b"))
    grpo = trained(tmp_path / "grpo", sft, Likeness("c", "funcy", functions=frozenset({"f.py::g"})))
    assert {task.task for task in trained_on(grpo)} == {"a", "b", "c"}
    assert {task.task for task in trained_on(sft)} == {"a", "b"}
    assert trained_on("tiny") == ()
    assert trained_on("Qwen/Qwen3-0.6B") == ()


def test_it_knows_them_when_the_model_before_it_is_gone_or_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained(tmp_path / "sft", "tiny", Likeness("a"))
    grpo = trained(tmp_path / "grpo", "sft/model", Likeness("b"))
    monkeypatch.chdir("/")
    assert {task.task for task in trained_on(grpo)} == {"a", "b"}
    shutil.rmtree(tmp_path / "sft")
    assert {task.task for task in trained_on(grpo)} == {"a", "b"}


def test_it_knows_them_however_its_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    trained(tmp_path / "sft", "tiny", Likeness("a"))
    trained(tmp_path / "grpo", "~/sft/model", Likeness("b"))
    (tmp_path / "grpo" / "trained_on.json").unlink()  # the model before it is asked
    remember(tmp_path / "next", (Likeness("c"),), "~/sft/model")
    noted = json.loads((tmp_path / "next" / "trained_on.json").read_text())
    assert {row["task"] for row in noted} == {"a", "c"}
    assert {task.task for task in trained_on("~/grpo/model")} == {"a"}
    assert lineage_of("local:~/sft/model", []).trained_on == 1
    assert trained_on("~nobody-of-that-name/model") == ()


def test_it_is_not_measured_by_what_it_saw(tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "made")
    other = trained(tmp_path / "other", "tiny", Likeness("elsewhere", "toolz"))
    require_unseen(other, [task], "mend")
    model = trained(tmp_path / "run", other, Likeness(task.name))
    with pytest.raises(OverlapError, match=r"1 of 1 tasks .* mend"):
        require_unseen(model, [task], "mend")


def test_episodes_lead_to_their_tasks(tmp_path: Path) -> None:
    save_task(tiny_task(tmp_path / "made"), tmp_path / "tiny")

    def episode(task: str, folder: Path) -> Episode:
        facts = {"task_folder": str(folder)}
        return Episode("e", task, "p", 0, Observation(""), (), StopReason.REPORTED, 1.0, (), None, versions=facts)

    known, gone = played([episode("t", tmp_path / "tiny"), episode("u", tmp_path / "gone")])
    assert known.content
    assert known.functions
    assert gone == Likeness("u")


def test_a_broken_folder_is_said(tmp_path: Path) -> None:
    model = trained(tmp_path / "run", "tiny", Likeness("a"))
    (tmp_path / "run" / "trained_on.json").write_text("[{}")
    with pytest.raises(TrainingError, match="cannot read what was trained there"):
        trained_on(model)


def test_a_run_that_names_itself_ends(tmp_path: Path) -> None:
    model = trained(tmp_path / "run", str(tmp_path / "run" / "model"), Likeness("a"))
    assert [task.task for task in trained_on(model)] == ["a"]
