"""A reward model learns which episode of a pair is better, and scores others afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import ModelError
from journeyman.training import preference_run
from journeyman.training.checkpoint import RunFolder
from journeyman.training.preference_rows import PairRow, Rows, pair_rows
from journeyman.training.preferences import pairs_of
from journeyman.training.reward_model import RewardSettings, score, train_reward
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
    folder = train_reward("tiny", rows, tmp_path, settings)
    report = RunFolder(tmp_path, {}).report()
    assert (report["trained"]["pairs"], report["held_out"]["pairs"]) == (6, 2)
    for part in ("trained", "held_out"):
        assert report[part]["accuracy_after"] == 1.0 and report[part]["margin_after"] > report[part]["margin_before"]
    scores = score(folder, EPISODES)
    better, worse = scores[::2], scores[1::2]
    assert all(good > bad for good, bad in zip(better, worse, strict=True))
    assert score(folder, EPISODES[:3], batch_size=1) == pytest.approx(scores[:3], abs=1e-4), "alone or in a batch"
    assert score(folder, []) == []


def test_what_is_no_reward_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no reward model .*journeyman train reward"):
        score(tmp_path / "model", EPISODES[:1])
