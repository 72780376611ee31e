"""KTO on episodes with labels: the good ones become likelier and the others less, whatever their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.policies.models import load_model
from journeyman.training import preference_run
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.kto import KtoSettings, train_kto
from journeyman.training.preference_rows import LabelRow, Rows
from journeyman.training.preferences import NoPreferencesError
from journeyman.training.whole import MARK
from tests.training.preferring import labelled


@pytest.mark.slow
def test_good_episodes_become_likelier_and_the_rarer_kind_weighs_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_run, "computes_in_bfloat16", lambda: False)
    found = labelled()
    rows = Rows(found.rows[:5] + found.rows[8:], {"unscored": 1})  # five good ones, eight bad ones
    settings = KtoSettings(learning_rate=3e-3, epochs=4, batch_size=4, held_out=0.25)
    marked: set[Path] = set()
    folder = train_kto(
        "tiny", rows, tmp_path, settings, lambda *_: marked.update(tmp_path.glob(f"checkpoints/*/{MARK}"))
    )
    assert marked, "its checkpoints are known to be whole"
    report = RunFolder(tmp_path, {}).report()
    trained, apart = report["trained"], report["held_out"]
    assert trained["episodes"] + apart["episodes"] == 13 and (trained["tasks"], apart["tasks"]) == (6, 2)
    bad = trained["episodes"] - trained["desirable"]
    assert report["desirable_weight"] * trained["desirable"] == pytest.approx(report["undesirable_weight"] * bad)
    assert trained["desirable_reward_after"] > 0.1 > -0.1 > trained["undesirable_reward_after"]
    assert trained["accuracy_after"] == 1.0
    assert report["history"][0]["kl"] == 0.0 and report["left_out"] == {"unscored": 1}
    load_model(str(folder))


def test_it_takes_both_kinds_and_company(tmp_path: Path) -> None:
    good: Rows[LabelRow] = Rows(labelled().rows[:8], {})
    with pytest.raises(NoPreferencesError, match="of 6 episodes to train on 6 are desirable: it takes both kinds"):
        train_kto("tiny", good, tmp_path / "run")
    with pytest.raises(TrainingError, match="at least 2"):
        KtoSettings(micro_batch=1)
