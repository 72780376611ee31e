"""A guideline goes into the prompt by choice: with the problem statement, kept in the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.envs.config import ConfigError, EnvConfig
from journeyman.envs.guidelines.guideline import GuidelineError, load_guideline
from journeyman.envs.guidelines.prompt import shown
from journeyman.envs.repo_env import RepoEnv
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_task

MINE = """name = "mine"
version = 4
title = "Mine"
[[items]]
id = "plan"
kind = "must"
text = "Make a plan."
[[items]]
id = "short"
kind = "should"
text = \"\"\"Be\\u202e
  short.\"\"\"
"""


@pytest.fixture
def backend() -> str:
    return require_sandbox()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(MINE)
    return tmp_path / "mine.toml"


def opened(config: EnvConfig, backend: str, folder: Path) -> tuple[str, RepoEnv]:
    env = RepoEnv(tiny_task(folder), backend, config)
    try:
        return env.reset(seed=0)[0], env
    finally:
        env.close()


def test_the_first_observation_ends_with_it_and_is_else_as_before(mine: Path, backend: str, tmp_path: Path) -> None:
    plain = EnvConfig(max_observation_chars=200)
    told = plain.model_copy(update={"guidelines": (shown(mine), shown("terse-senior"))})
    before, _ = opened(plain, backend, tmp_path / "a")
    text, env = opened(told, backend, tmp_path / "b")
    assert text.startswith(before + "\n\nMine:\n- Make a plan.\n- If you can: Be\ufffd short.\n\nA senior engineer")
    assert text.endswith("Name the cause, in half a sentence."), "however little may be shown, it is never cut"
    assert env.observation_space.contains(text)


def test_the_settings_hold_the_text_and_are_as_they_were_without(mine: Path) -> None:
    config = EnvConfig(guidelines=(shown(mine),))
    mine.unlink()
    again = EnvConfig.from_dict(config.to_dict())
    assert again == config
    assert [(each.name, each.version) for each in again.guidelines] == [("mine", 4)]
    assert "guidelines" not in EnvConfig().to_dict(), "an older run's settings are still equal, and it goes on"
    with pytest.raises(ConfigError, match=r"guidelines\.0"):
        EnvConfig.from_dict({"guidelines": ["conduct"]})


def test_every_item_is_asked_and_no_example_is_told() -> None:
    guideline = load_guideline("conduct")
    text = shown("conduct").text
    assert all(item.text in text for item in guideline.items)
    assert not any(example in text for item in guideline.items for example in (*item.good, *item.bad))


@pytest.mark.parametrize("name", ["terse-senior", "patient-mentor"])
def test_a_small_model_is_told_in_short(name: str, tmp_path: Path) -> None:
    brief, whole = shown(f"{name}:brief"), shown(name)
    assert (brief.name, brief.version) == (whole.name, whole.version)
    assert brief.text == load_guideline(name).brief.strip() and len(brief.text) < 220, "some 50 tokens"
    assert EnvConfig.from_dict(EnvConfig(guidelines=(brief,)).to_dict()).asked == f"\n\n{brief.text}"


def test_a_file_has_a_short_form_too_or_says_that_it_has_none(mine: Path) -> None:
    with pytest.raises(GuidelineError, match="'mine' has no short form; write one as `brief`"):
        shown(f"{mine}:brief")
    with pytest.raises(GuidelineError, match="no guideline 'nonsuch'"):
        shown("nonsuch:brief")
    mine.write_text('brief = "Plan. Be short."\n' + MINE)
    assert shown(f"{mine}:brief").text == "Plan. Be short." and shown(mine).text.startswith("Mine:")
    named = mine.rename(mine.with_name("other:brief"))
    assert shown(named).text.startswith("Mine:"), "a file that is called so is taken as a whole"
