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
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make_plan(None, {"model": "~/model"}).model == str(tmp_path / "model")
    assert make_plan(None, {"model": "~nobody-of-that-name/model"}).model == "~nobody-of-that-name/model"


def test_a_guideline_is_recorded_with_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'name = "own"\nversion = 2\ntitle = "Ours"\n[[items]]\nid = "short"\nkind = "must"\ntext = "Be short."\n'
    )
    monkeypatch.chdir(tmp_path)
    plan = make_plan(None, {"guidelines": ["conduct", "own.toml"]})
    assert plan.guidelines == ("conduct", str(file))
    told = plan.to_dict()
    assert told["guideline_texts"][1] == {"name": "own", "version": 2, "text": "Ours:\n- Be short."}
    assert plan.env.asked.endswith("Be short.")
    assert [each.name for each in plan.judged_by()] == ["conduct", "own"]


def test_a_plan_is_recorded_as_before_where_nothing_new_is_asked_for() -> None:
    new = {"guidelines", "simulated", "refine_tries", "corrections", "reward_model", "dpo", "reward"}
    assert not new & RoundPlan().to_dict().keys()
    assert RoundPlan(simulated=True, dpo={"beta": 0.2}).to_dict().keys() & new == {"simulated", "dpo"}


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
        ('method = "ppo"', "method 'ppo'; there are: sft, grpo, sft+grpo, dpo"),
        ('reward_model = "huge"', "reward_model 'huge'; there are: none, features, tokens"),
        ('reward_model = "tokens"\nmethod = "sft"', "a part in GRPO's reward, and method 'sft' has no grpo"),
        ("refine_tries = -1", "refine_tries must be 0 or more, not -1"),
        ("corrections = -1", "corrections must be 0 or more, not -1"),
        ('corrections = 1\nmethod = "dpo"', "corrections are imitated, and method 'dpo' has no sft"),
        ("simulated = 1", "simulated must be true or false, not 1"),
        ("guidelines = [1]", "guidelines must be a list of texts, not [1]"),
        ('guidelines = ["manners"]', "no guideline 'manners'; bundled are: "),
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
