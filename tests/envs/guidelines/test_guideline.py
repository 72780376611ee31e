"""A guideline is a file of items; what an item means has a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.envs.guidelines.guideline import GuidelineError, bundled, load_guideline


@pytest.mark.parametrize("name", bundled())
def test_those_that_come_with_the_package_load(name: str) -> None:
    assert load_guideline(name).name == name


def test_a_weight_is_no_meaning_and_a_text_is() -> None:
    item = load_guideline("conduct").items[0]
    assert item.model_copy(update={"weight": 3.0}).digest == item.digest
    assert item.model_copy(update={"text": "Something else."}).digest != item.digest


def test_what_is_wrong_with_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(GuidelineError, match=r"no guideline 'nonsuch'; bundled are: .*conduct"):
        load_guideline("nonsuch")
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nversion = 0\ntitle = "Mine"\n')
    with pytest.raises(GuidelineError, match="version"):
        load_guideline(file)
