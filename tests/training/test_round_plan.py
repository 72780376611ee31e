"""A plan comes from a file and options, and says what is wrong with it in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.training.round_plan import PlanError, RoundPlan, make_plan


def test_options_stand_above_the_file_and_the_rest_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('model = "tiny"\ngroup_size = 8\n[sft]\nepochs = 2\n')
    plan = make_plan(file, {"group_size": 2, "alpha": None}, ["sft.learning_rate=1e-3", "method=sft"])
    assert plan == RoundPlan(model="tiny", group_size=2, method="sft", sft={"epochs": 2, "learning_rate": 1e-3})
    assert plan.learns_by_sft and not plan.learns_by_grpo


def test_a_models_folder_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert make_plan(None, {"model": "model"}).model == str(tmp_path / "model")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group_sise = 3", "no setting 'group_sise' in a plan; there are: model"),
        ("group_size = 2.5", "group_size must be a whole number, not 2.5"),
        ("group_size = true", "group_size must be a whole number, not True"),
        ("group_size = 0", "group_size must be at least 1"),
        ("alpha = 1", "alpha must be between 0 and 1"),
        ("final_share = 1", "final_share must be at least 0 and below 1"),
        ("temperature = -1", "must not be negative"),
        ("temperature = nan", "must not be negative"),
        ("tasks_limit = 0", "tasks_limit must be at least 1, not 0"),
        ("heldout_limit = 0", "heldout_limit must be at least 1, not 0"),
        ('method = "dpo"', "method 'dpo'; there are: sft, grpo, sft+grpo"),
        ('preset = "huge"', "no preset 'huge'"),
        ("sft = 3", "sft must be a table"),
        ("model = ", "not a plan in TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises(ValueError) as caught:
        make_plan(file, {})
    assert said in str(caught.value)


def test_a_pair_that_is_none_is_said() -> None:
    with pytest.raises(PlanError, match="--set epochs: give NAME=VALUE"):
        make_plan(None, {}, ["epochs"])


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="not a plan in TOML"):
        make_plan(tmp_path / "nowhere.toml", {})
