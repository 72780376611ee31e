"""A checkpoint that was cut short is not resumed from; the one before it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.training.checkpoint import RunFolder
from journeyman.training.sft import SftSettings, train_sft
from journeyman.training.whole import MARK, STATE, is_whole
from tests.training.test_sft import rows

SETTINGS = SftSettings(learning_rate=1e-2, epochs=3, batch_size=2, checkpoints=3)
"""Twelve steps, saved after every third."""


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that died after its tenth step, and had saved at the ninth."""
    folder = tmp_path_factory.mktemp("killed") / "run"

    def kill(done: int, total: int, note: str = "") -> None:
        if done == 10:
            raise Killed

    with pytest.raises(Killed):
        train_sft("tiny", rows(), folder, SETTINGS, kill)
    return folder


@pytest.fixture
def run(killed: Path, tmp_path: Path) -> Path:
    """A copy of it, for the test to spoil."""
    return shutil.copytree(killed, tmp_path / "run")


def folders(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir() if path.is_dir())


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def unmark(checkpoint: Path) -> None:
    (checkpoint / MARK).unlink()


Damage = Callable[[Path], object]
DAMAGES: dict[str, Damage] = {
    "weights cut": lambda c: halve(c / "model.safetensors"),
    "weights empty": lambda c: empty(c / "model.safetensors"),
    "weights gone": lambda c: (c / "model.safetensors").unlink(),
    "optimiser cut": lambda c: halve(c / "optimizer.pt"),
    "optimiser gone": lambda c: (c / "optimizer.pt").unlink(),
    "random numbers cut": lambda c: halve(c / "rng_state.pth"),
    "state gone": lambda c: (c / STATE).unlink(),
    "state cut": lambda c: halve(c / STATE),
    "state of something else": lambda c: (c / STATE).write_text("[]"),
    "shards gone": lambda c: (c / "x.index.json").write_text('{"weight_map": {"a": "model-2.safetensors"}}'),
    "weights of nothing": lambda c: (c / "model.safetensors").write_bytes(b"\xff" * 900),
}


def test_two_checkpoints_are_kept_and_both_are_marked(run: Path) -> None:
    found = folders(run)
    assert found == ["checkpoint-6", "checkpoint-9"]
    for name in found:
        listed = json.loads((run / "checkpoints" / name / MARK).read_text())
        assert {"model.safetensors", "optimizer.pt", STATE} <= set(listed)


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_one_that_was_cut_short_is_put_aside_and_the_one_before_it_taken(
    run: Path, damage: Damage, marked: bool
) -> None:
    newest = run / "checkpoints" / "checkpoint-9"
    assert RunFolder(run, {}).last_checkpoint() == str(newest)
    damage(newest)
    if not marked:
        unmark(newest)
    assert RunFolder(run, {}).last_checkpoint() == str(run / "checkpoints" / "checkpoint-6")
    assert folders(run) == ["checkpoint-6", "cut-short-9"]
    assert RunFolder(run, {}).last_checkpoint() == str(run / "checkpoints" / "checkpoint-6")


def test_a_mark_knows_of_files_whose_ends_nobody_can_see(run: Path) -> None:
    newest = run / "checkpoints" / "checkpoint-9"
    with (newest / "chat_template.jinja").open("a") as file:
        file.write("x")
    assert not is_whole(newest)
    unmark(newest)
    assert is_whole(newest)


def test_without_any_whole_one_there_is_none(run: Path) -> None:
    for checkpoint in (run / "checkpoints").glob("*-*"):
        (checkpoint / STATE).unlink()
    (run / "checkpoints" / "checkpoint-late").mkdir()
    assert RunFolder(run, {}).last_checkpoint() is None


@pytest.mark.slow
def test_a_run_whose_last_checkpoint_was_cut_short_ends_as_one_that_was_never_killed(run: Path) -> None:
    halve(run / "checkpoints" / "checkpoint-9" / "model.safetensors")
    seen: list[int] = []
    model = train_sft("tiny", rows(), run, SETTINGS, lambda done, total, note="": seen.append(done))
    assert seen[0] == 7
    assert (model / "model.safetensors").exists() and not (run / "checkpoints").exists()
