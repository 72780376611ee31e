"""DPO on pairs of episodes: the better ones become likelier, a run resumes, tasks are held out to measure by."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.policies.models import ModelError, load_model
from journeyman.training import dpo, kto, preference_run
from journeyman.training.checkpoint import RunFolder, RunFolderError, TrainingError
from journeyman.training.dpo import DpoSettings, train_dpo
from journeyman.training.kto import KtoSettings, train_kto
from journeyman.training.preference_rows import PairRow, Rows
from journeyman.training.preference_run import PreferenceRun
from journeyman.training.preferences import NoPreferencesError
from journeyman.training.reward_model import RewardSettings
from journeyman.training.whole import MARK
from tests.training.preferring import labelled, pairs

SETTINGS = DpoSettings(learning_rate=3e-3, epochs=4, batch_size=2, micro_batch=1, held_out=0.25, checkpoints=3)


@pytest.fixture(autouse=True)
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preference_run, "computes_in_bfloat16", lambda: False)


@pytest.mark.slow
def test_better_episodes_become_likelier_also_of_tasks_that_were_not_seen(tmp_path: Path) -> None:
    seen: list[str] = []
    folder = train_dpo("tiny", pairs(), tmp_path, SETTINGS, lambda done, total, note="": seen.append(note))
    report = RunFolder(tmp_path, {}).report()
    assert (report["trained"]["pairs"], report["held_out"]["pairs"], report["held_out"]["tasks"]) == (6, 2, 2)
    assert report["history"][0]["loss"] == pytest.approx(0.6931, abs=1e-3), "the model begins as its own reference"
    for part in ("trained", "held_out"):
        assert report[part]["accuracy_after"] == 1.0 and report[part]["margin_after"] > 0.3
        assert (report[part]["likelier_before"], report[part]["likelier_after"]) == (0.0, 1.0)
    assert {"reference, train", "reference, eval", "measure"} < set(seen)
    load_model(str(folder))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_a_finished_one_is_done(tmp_path: Path) -> None:
    steps: list[int] = []

    def run(name: str, stop: str = "") -> Path:
        """Train; stop at optimiser step 7, or when the end is measured, if that is said."""

        def progress(done: int, total: int, note: str = "") -> None:
            if total == 12:
                steps.append(done)
            if stop and (note.startswith(stop) or (done, total, stop) == (7, 12, "step 7")):
                raise KeyboardInterrupt

        return train_dpo("tiny", pairs(), tmp_path / name, SETTINGS, progress)

    for stop, first in (("step 7", 1), ("measure", 7)):
        steps.clear()
        with pytest.raises(KeyboardInterrupt):
            run("a", stop)
        assert steps[0] == first, "from the last checkpoint, which is at step 6"
        if stop == "step 7":
            marked = sorted(mark.parent.name for mark in (tmp_path / "a/checkpoints").glob(f"*/{MARK}"))
            assert marked == ["checkpoint-3", "checkpoint-6"], "were the last one cut short, there is another"
    steps.clear()
    resumed = run("a")
    assert set(steps) == {12}, "only the end was missing"
    whole = run("b")
    one, other = (load_model(str(folder), to_train=True)[0].state_dict() for folder in (resumed, whole))
    assert all(one[name].allclose(other[name], atol=1e-5) for name in one)
    steps.clear()
    assert run("a", "reference") == resumed and not steps
    with pytest.raises(RunFolderError, match=r"other settings \(rows\)"):
        train_dpo("tiny", pairs(7), tmp_path / "a", SETTINGS)


@pytest.mark.slow
def test_adapters_are_merged_into_a_plain_model(tmp_path: Path) -> None:
    settings = DpoSettings(learning_rate=3e-2, epochs=4, batch_size=4, lora_rank=4, held_out=0.0)
    folder = train_dpo("tiny", pairs(), tmp_path, settings)
    before, after = load_model("tiny")[0].state_dict(), load_model(str(folder))[0].state_dict()
    assert before.keys() == after.keys() and any(not before[name].equal(after[name]) for name in before)
    report = RunFolder(tmp_path, {}).report()
    assert report["trained"]["margin_after"] > 0.1 and report["held_out"] is None


def test_the_weights_below_adapters_are_loaded_as_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def load(name: str, *, to_train: bool, frozen: bool) -> None:
        asked.append(frozen)
        raise ModelError("that is enough")

    monkeypatch.setattr(dpo, "load_model", load)
    monkeypatch.setattr(kto, "load_model", load)
    for rank in (0, 4):
        with pytest.raises(ModelError):
            train_dpo("tiny", pairs(), tmp_path / f"dpo-{rank}", replace(SETTINGS, lora_rank=rank))
        with pytest.raises(ModelError):
            train_kto("tiny", labelled(), tmp_path / f"kto-{rank}", KtoSettings(lora_rank=rank))
    assert asked == [False, False, True, True]


@pytest.mark.parametrize("kind", [DpoSettings, KtoSettings, RewardSettings])
@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0}, {"micro_batch": 0}, {"max_length": 0}, {"lora_rank": -1}, {"checkpoints": -1},
        {"learning_rate": -1e-6}, {"epochs": math.nan}, {"beta": 0.0}, {"beta": -0.1}, {"beta": math.nan},
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_named(kind: type[PreferenceRun], wrong: dict[str, Any]) -> None:
    (name,) = wrong
    if name in {each.name for each in fields(kind)}:
        with pytest.raises(TrainingError, match=f"^{name} must be .*, not"):
            kind(**wrong)


def test_bad_input_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    nothing: Rows[PairRow] = Rows((), {"unscored": 3})
    with pytest.raises(NoPreferencesError, match=r"unscored: 3.*a better and a worse episode"):
        train_dpo("./nowhere", nothing, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for wrong, said in (({"batch_size": 3}, "multiple of the micro batch"), ({"held_out": 1.0}, "below 1")):
        settings: dict[str, Any] = wrong
        with pytest.raises(TrainingError, match=said):
            DpoSettings(**settings)
