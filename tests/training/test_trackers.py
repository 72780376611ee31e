"""Curves go to the trackers that transformers knows; a missing one is said before anything is loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from journeyman.training.sft import SftSettings, train_sft
from journeyman.training.trackers import TrackerError, trackers
from tests.training.test_sft import rows

WRITER = """
from pathlib import Path

class SummaryWriter:
    def __init__(self, log_dir=None):
        Path(log_dir).mkdir(parents=True, exist_ok=True)
        self._file = (Path(log_dir) / "scalars").open("w")
    def add_scalar(self, name, value, step):
        print(name, step, file=self._file)
    def add_text(self, *_):
        pass
    def flush(self):
        self._file.flush()
    def close(self):
        self._file.close()
"""


@pytest.mark.parametrize("name", ["wandb", "trackio", "tensorboard"])
def test_a_missing_package_is_one_line_with_the_mend(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(TrackerError, match=f"tracking with {name} needs the package {name}: pip install {name}"):
        train_sft("no such model", rows(), tmp_path, track=name)


def test_an_unknown_one_is_refused_and_none_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrackerError, match="no tracker 'excel'; there are: none, tensorboard, wandb, trackio"):
        trackers("excel", tmp_path)
    assert trackers("none", tmp_path) == []


def test_tensorboards_curves_outlive_the_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a writer that stands in for TensorBoard's, through transformers' own callback."""
    (tmp_path / "packages" / "tensorboardX").mkdir(parents=True)
    (tmp_path / "packages" / "tensorboardX" / "__init__.py").write_text(WRITER)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    settings = SftSettings(learning_rate=1e-2, epochs=1, batch_size=4)
    train_sft("tiny", rows(), tmp_path / "run", settings, track="tensorboard")
    told = (tmp_path / "run" / "tensorboard" / "scalars").read_text().splitlines()
    assert "train/loss 1" in told and "train/loss 2" in told
