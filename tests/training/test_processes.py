"""Training in several processes, each with a copy of the model: what a run preset's launch asks for, on processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import get_peft_model

from journeyman.policies.models import load_model
from journeyman.training.checkpoint import RunFolder
from journeyman.training.sft import _merged, adapters

TRAIN = """
from journeyman.training.sft import SftSettings, train_sft
from tests.training.test_sft import rows

settings = SftSettings(learning_rate=1e-2, epochs=2, batch_size=2, lora_rank=4)
train_sft("tiny", rows(), "run", settings)
"""


def test_adapters_are_merged_by_hand_as_peft_merges_them() -> None:
    model = get_peft_model(load_model("tiny", to_train=True)[0], adapters(4))
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_()
    found = _merged(model.state_dict(), 2.0)
    expected = model.merge_and_unload().state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path, house: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        "train.py",
    ]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(house)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = RunFolder(tmp_path / "run", {}).report()
    assert report["episodes"] == 8
    assert not list((tmp_path / "run").glob("*.partial"))
    before = load_model("tiny")[0].state_dict()
    after = load_model(str(tmp_path / "run" / "model"))[0].state_dict()
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
