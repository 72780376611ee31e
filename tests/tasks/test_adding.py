"""The campaign that draws libraries and tries `task add` on each: what it draws, what it keeps, what it tells."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def campaign(house: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("adding", house / "benchmarks/campaigns/adding.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.tsv"
    path.write_text("inflection\t1\ntypes-six\t1\npytest\t8\nalpha\t1\nbeta\t2\ngamma\t3\ndelta\t4\n")
    return path


def test_the_order_is_the_seeds_and_nothing_is_drawn_twice(campaign: ModuleType, names: Path) -> None:
    drawn = list(campaign.draw(names, 9, {"gamma", *campaign.of_suites()}))
    assert {name for name, _ in drawn} == {"alpha", "beta", "delta"}, "no suite's, no stubs, no part of pytest"
    assert drawn == list(campaign.draw(names, 9, {"gamma", "inflection"}))


def test_a_round_goes_on_and_keeps_each_result(
    campaign: ModuleType,
    names: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried: list[str] = []

    def try_it(name: str, version: str, *_: object) -> dict[str, object]:
        tried.append(name)
        works = {"works": True, "tests": 7, "left out": {"slow": 2}, "broken": {"a": "b"}}
        return {
            "name": name,
            "version": version,
            "seconds": 3,
            **(works if name == "beta" else {"works": False, "why": "no"}),
        }

    monkeypatch.setattr(campaign, "tried", try_it)
    monkeypatch.setattr(campaign, "passed_over", lambda name, _: "ships no tests" if name == "delta" else "")
    out = tmp_path / "round" / "5.jsonl"
    out.parent.mkdir()
    out.write_text(json.dumps({"name": "gamma", "version": "3", "works": False, "why": "earlier", "seconds": 9}) + "\n")
    monkeypatch.setattr(sys, "argv", ["adding.py", str(names), "--seed", "9", "--out", str(out), "--want", "9"])
    assert campaign.main() == campaign.main() == 0
    assert sorted(tried) == ["alpha", "beta"], "each once, and none that an earlier run tried"
    assert len(out.read_text().splitlines()) == 4
    said = capsys.readouterr().out
    assert "**1 of 3** work untouched, 1 of them with five tests or more.\nPassed over: ships no tests 1.\n" in said
    assert "| beta 2 | 7 | 2 slow | 1 | 3 |\n" in said and "| gamma 3 | **none**: earlier | | | 9 |\n" in said
