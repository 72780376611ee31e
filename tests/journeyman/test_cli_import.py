"""`journeyman import`: into a run, to be replayed; and back out of an export, equal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.store import EpisodeStore
from journeyman.viewer.episode import episode_page
from tests.envs.formats.test_atif import hostile_episode
from tests.envs.formats.test_trajectories import FIXTURES, SOURCES
from tests.journeyman.test_cli_episode import call, run
from tests.journeyman.test_cli_export import stored

__all__ = ["run"]  # the fixture


def test_what_was_exported_comes_back_equal_and_once(run: Path) -> None:
    with EpisodeStore(run) as store:
        store.add(hostile_episode())
    assert call("export", "--all", "-o", "all.jsonl").exit_code == 0
    assert call("export", "best", "-o", "best.json").exit_code == 0
    done = call("import", "all.jsonl", "best.json", "--out", "copy", "--json")
    assert done.exit_code == 0 and len(json.loads(done.stdout)["episodes"]) == 5
    assert [repr(each) for each in stored(Path("copy"))] == [repr(each) for each in stored(run)]
    again = call("import", "all.jsonl", "--out", "copy")
    assert "was there already" in again.stdout and "0 episodes added" in again.stdout
    assert len(stored(Path("copy"))) == 4


def test_every_format_is_imported_replayed_and_viewed_and_says_why_it_cannot_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("import", *(str(FIXTURES / name) for name in SOURCES))
    assert done.exit_code == 0 and "9 episodes added to runs/imported" in done.stdout
    assert "not mapped: " in done.stdout and "openhands-sdk" in done.stdout
    found = stored(Path("runs/imported"))
    assert {each.versions[IMPORTED] for each in found} == {
        "mini-swe-agent-1.1", "swe-agent", "inspect-2", "openhands", "openhands-sdk", "ATIF-v1.6"
    }  # fmt: skip
    shown = call("replay", "--all", "--no-pager")
    assert shown.exit_code == 0 and "Let me look." in shown.stdout and "Mend f." in shown.stdout
    for each in found:
        episode_page(each, None)
        refused = call("replay", each.id, "--verify")
        assert refused.exit_code == 2 and "was imported" in refused.stderr and refused.stderr.count("\n") == 1


def test_one_bad_file_among_good_ones_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{")
    done = call("import", str(FIXTURES / "atif.json"), "bad.json")
    assert done.exit_code == 2 and done.stderr.startswith("error: bad.json: not JSON")
    assert "nothing was imported" in done.stderr and done.stderr.count("\n") == 1 and not Path("runs").exists()
    assert "No such file" in call("import", "nowhere.json").stderr


def test_an_id_that_names_no_episode_is_refused(run: Path) -> None:
    assert call("export", "best", "-o", "best.json").exit_code == 0
    trajectory = json.loads(Path("best.json").read_text())
    trajectory["session_id"] = "../../etc"
    Path("best.json").write_text(json.dumps(trajectory))
    done = call("import", "best.json", "--out", "copy")
    assert done.exit_code == 2 and "no episode id" in done.stderr and not Path("copy").exists()
