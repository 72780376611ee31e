"""A reward model learns which episode of a pair is better, and scores others afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import ModelError
from journeyman.training import preference_run, reward_model
from journeyman.training.checkpoint import RunFolder
from journeyman.training.preference_rows import PairRow, Rows, pair_rows
from journeyman.training.preferences import pairs_of
from journeyman.training.reward_model import RewardSettings, score, train_reward
from journeyman.training.whole import MARK
from tests.training.preferring import episode, view

EPISODES = [
    episode(f"{kind}{task}", float(kind == "mend"), view(f"{kind}.py"), task=f"t{task}")
    for task in range(8)
    for kind in ("mend", "idle")
]


@pytest.fixture
def rows(tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> Rows[PairRow]:
    monkeypatch.setattr(preference_run, "computes_in_bfloat16", lambda: False)
    return pair_rows(pairs_of(EPISODES), ChatTemplate(tiny[1]), dialect("lines"))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 4], ids=["all weights", "adapters"])
def test_it_learns_to_tell_the_better_one_and_scores_others(rows: Rows[PairRow], rank: int, tmp_path: Path) -> None:
    settings = RewardSettings(
        learning_rate=1e-2, epochs=4, batch_size=2, micro_batch=2, max_length=4096, lora_rank=rank, held_out=0.25
    )
    marked: set[Path] = set()
    folder = train_reward(
        "tiny", rows, tmp_path, settings, lambda *_: marked.update(tmp_path.glob(f"checkpoints/*/{MARK}"))
    )
    assert marked, "its checkpoints are known to be whole"
    report = RunFolder(tmp_path, {}).report()
    assert (report["trained"]["pairs"], report["held_out"]["pairs"]) == (6, 2)
    for part in ("trained", "held_out"):
        assert report[part]["accuracy_after"] == 1.0 and report[part]["margin_after"] > report[part]["margin_before"]
    scores = score(folder, EPISODES)
    better, worse = scores[::2], scores[1::2]
    assert all(good > bad for good, bad in zip(better, worse, strict=True))
    assert score(folder, EPISODES[:3], batch_size=1) == pytest.approx(scores[:3], abs=1e-4), "alone or in a batch"
    assert score(folder, []) == []


@pytest.mark.parametrize(("rank", "dtype"), [(0, "float32"), (4, "bfloat16")])
def test_on_a_gpu_only_weights_below_adapters_are_bfloat16(
    rows: Rows[PairRow], rank: int, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small steps of the weights themselves would be lost in it."""

    def config(**given: Any) -> None:
        raise ModelError(given["model_init_kwargs"]["dtype"])

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(reward_model, "RewardConfig", config)
    with pytest.raises(ModelError, match=f"^{dtype}$"):
        train_reward("tiny", rows, tmp_path, RewardSettings(max_length=4096, lora_rank=rank))


def test_what_is_no_reward_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no reward model .*journeyman train reward"):
        score(tmp_path / "model", EPISODES[:1])
