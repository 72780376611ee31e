"""Fine-tuning through TRL: the loss falls, an interrupted run resumes, and bad input is said."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trl.trainer.sft_trainer import SFTTrainer

from journeyman.policies.models import ModelError, load_model
from journeyman.training import sft
from journeyman.training.checkpoint import RunFolder, RunFolderError, TrainingError
from journeyman.training.sft import NoRowsError, SftSettings, train_sft
from journeyman.training.tokens import TokenRow

SETTINGS = SftSettings(learning_rate=1e-2, epochs=6, batch_size=2, checkpoints=3)


def rows(count: int = 8) -> list[TokenRow]:
    """Rows whose trained half always says the same."""
    made = []
    for i in range(count):
        ids = (1, 40 + i, 41 + i, 50, 51, 52, 2)
        made.append(TokenRow(ids, (False,) * 3 + (True,) * 4, (-1,) * 3 + (0,) * 4, prompt_length=3))
    return made


def test_the_loss_falls_and_the_model_loads(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = train_sft(
        "tiny", rows(), tmp_path / "run", SETTINGS, lambda done, total, note="": seen.append((done, total))
    )
    report = RunFolder(tmp_path / "run", {}).report()
    assert report["losses"][-1] < 0.5 * report["losses"][0]
    assert (report["episodes"], report["tokens"]) == (8, 56)
    assert seen[-1][0] == seen[-1][1] == 24
    load_model(str(folder))
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    folder = train_sft("tiny", rows(), tmp_path, SETTINGS)
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert train_sft("tiny", rows(), tmp_path, SETTINGS) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written


def test_an_interrupted_run_goes_on_and_ends_where_it_would_have(tmp_path: Path) -> None:
    def interrupt(done: int, total: int, note: str = "") -> None:
        if done == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sft("tiny", rows(), tmp_path / "a", SETTINGS, interrupt)
    seen: list[int] = []
    resumed = train_sft("tiny", rows(), tmp_path / "a", SETTINGS, lambda done, total, note="": seen.append(done))
    assert seen[0] > 6, "it began again"
    whole = train_sft("tiny", rows(), tmp_path / "b", SETTINGS)
    first, second = (load_model(str(folder))[0].state_dict() for folder in (resumed, whole))
    assert all(first[name].allclose(second[name], atol=1e-5) for name in first)


def test_what_decides_counts_more() -> None:
    plain, marked = rows(1)[0], replace(rows(1)[0], decisive=(False,) * 5 + (True, False))
    assert sft._loss_weights([plain], 4.0) == [[1.0] * 7]
    (weights,) = sft._loss_weights([marked], 4.0)
    assert weights[5] == 4 * weights[4]
    assert sum(weights[3:]) / 4 == pytest.approx(1.0), "on average, what is trained counts once"


def test_adapters_are_merged_into_a_plain_model(tmp_path: Path) -> None:
    folder = train_sft("tiny", rows(), tmp_path, SftSettings(learning_rate=1e-2, lora_rank=4, epochs=2))
    before, after = load_model("tiny")[0].state_dict(), load_model(str(folder))[0].state_dict()
    assert before.keys() == after.keys()
    assert any(not before[name].equal(after[name]) for name in before)


def test_a_finished_run_whose_model_was_taken_away_is_not_called_done(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", {})
    run.open()
    run.model.mkdir()
    run.finish({})
    assert run.open()
    run.model.rmdir()
    with pytest.raises(RunFolderError, match=r"its model is gone; remove .*done.json to train it again"):
        run.open()


def test_rows_that_are_all_too_long_are_told_with_what_would_take_them(tmp_path: Path) -> None:
    dull = TokenRow((1, 2), (False, False), (-1, -1), prompt_length=1)
    with pytest.raises(NoRowsError) as told:
        train_sft("tiny", [*rows(2), dull], tmp_path / "run", replace(SETTINGS, max_length=6))
    assert "2 longer than 6 tokens" in str(told.value) and "1 nothing in it to learn" in str(told.value)
    assert str(told.value).endswith("the shortest with something to learn has 7: --max-length 7")


def test_another_run_in_the_folder_is_not_overwritten(tmp_path: Path) -> None:
    train_sft("tiny", rows(), tmp_path, SETTINGS)
    with pytest.raises(RunFolderError, match=r"other settings \(learning_rate\).*another --out"):
        train_sft("tiny", rows(), tmp_path, SftSettings(learning_rate=5e-3, epochs=6, batch_size=2, checkpoints=3))


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    long: list[Any] = rows(1)
    with pytest.raises(NoRowsError, match="none of 1 episodes"):
        train_sft("tiny", long, tmp_path, SftSettings(max_length=6))
    with pytest.raises(NoRowsError, match="none of 0 episodes"):
        train_sft("tiny", [], tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0}, {"max_length": 0}, {"lora_rank": -1}, {"checkpoints": -1}, {"decisive_weight": 0.0},
        {"learning_rate": math.nan}, {"epochs": math.inf}, {"epochs": -1.0},
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_named(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(TrainingError, match=f"^{name} must be .*, not"):
        SftSettings(**wrong)


def test_a_model_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        train_sft("./nowhere", rows(), tmp_path, SETTINGS)


def trls_loss(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    del inputs["weights"]
    return SFTTrainer.compute_loss(self, model, inputs, *args, **kwargs)


def test_the_lean_loss_is_trls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sft, "computes_in_bfloat16", lambda: False)  # whose rounding depends on the order of sums
    train_sft("tiny", rows(), tmp_path / "lean", SETTINGS)
    monkeypatch.setattr(sft._SftTrainer, "compute_loss", trls_loss)
    train_sft("tiny", rows(), tmp_path / "trl", SETTINGS)
    lean, trl = (RunFolder(tmp_path / name, {}).report()["losses"] for name in ("lean", "trl"))
    assert lean == pytest.approx(trl, rel=1e-3)


def test_a_file_where_a_run_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunFolderError, match="no folder can be made there"):
        RunFolder(tmp_path / "taken", {}).open()
