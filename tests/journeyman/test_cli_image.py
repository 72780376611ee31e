"""`journeyman image list|prune`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from journeyman.cli_image import _ago, _bytes, _seconds, _size
from journeyman.sandbox import stock
from journeyman.sandbox.template import template_of
from tests.journeyman.conftest import Call


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two templates in a cache of our own, used 40 and 20 days ago."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stock, "_images", lambda: iter(()))
    made = []
    for days in (40, 20):
        (tmp_path / f"repo{days}").mkdir()
        (tmp_path / f"repo{days}" / "a.py").write_text(f"x = {days}\n")
        made.append(template_of(tmp_path / f"repo{days}").folder.parent)
        os.utime(made[-1] / ".used", (time.time() - days * 86_400,) * 2)
    return made


def test_what_is_kept_is_listed(call: Call, templates: list[Path], tmp_path: Path) -> None:
    shown = call("image", "list").stdout
    for part in ("shared by", templates[0].name, "40 d ago", "template", "in all"):
        assert part in shown, part
    data = json.loads(call("image", "list", "--json").stdout)
    assert [item["name"] for item in data] == [templates[1].name, templates[0].name]
    assert data[1]["about"] == str(tmp_path / "repo40")
    assert data[1]["where"] == str(templates[0])


def test_what_is_old_goes_and_the_rest_stays(call: Call, templates: list[Path]) -> None:
    dry = call("image", "prune", "--older-than", "30d", "--dry-run")
    assert dry.exit_code == 0 and "would free" in dry.stdout and templates[0].exists()
    shown = call("image", "prune", "--older-than", "30d")
    assert shown.exit_code == 0 and "1 template" in shown.stdout and shown.stdout.splitlines()[-1].startswith("freed ")
    assert [folder.exists() for folder in templates] == [False, True]
    data = json.loads(call("image", "prune", "--keep", "0", "--json").stdout)
    assert [item["name"] for item in data["gone"]] == [templates[1].name] and data["freed"] > 0
    assert json.loads(call("image", "prune", "--all", "--json").stdout)["gone"] == []


@pytest.mark.parametrize(
    "words,message",
    [([], "say what goes"), (["--keep", "5 apples"], "such as 5GB"), (["--older-than", "30"], "such as 45m")],
)
def test_what_is_not_said_clearly_prunes_nothing(
    call: Call, templates: list[Path], words: list[str], message: str
) -> None:
    shown = call("image", "prune", *words)
    assert shown.exit_code == 2 and message in shown.stderr
    assert all(folder.exists() for folder in templates)


def test_sizes_and_ages_are_read_and_said() -> None:
    assert (_bytes("5GB"), _bytes("1.5 MiB"), _bytes("0")) == (5 * 10**9, 1_572_864, 0)
    assert (_seconds("45m"), _seconds("2w")) == (2700, 1_209_600)
    assert [_size(size) for size in (12, 12_345, 12_345_678, 5e9)] == ["12 B", "12.3 kB", "12.3 MB", "5.0 GB"]
    assert [_ago(time.time() - s) for s in (0, 120, 7300, 90_000)] == ["now", "2 min ago", "2 h ago", "1 d ago"]
