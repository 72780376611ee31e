"""`journeyman faults`, and `--faults` of the commands that run episodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.envs.faults.kinds import ALL_KINDS, HELD_OUT_KINDS
from journeyman.envs.store import EpisodeStore
from tests.journeyman.conftest import Call


def test_the_kinds_are_listed_with_what_helps(call: Call) -> None:
    shown = call("faults")
    assert shown.exit_code == 0
    before, after = shown.stdout.split("Held out, for measuring:")
    assert all((kind in after) == (kind in HELD_OUT_KINDS) and kind in before + after for kind in ALL_KINDS)
    data = json.loads(call("faults", "--json").stdout)
    assert [each["name"] for each in data] == list(ALL_KINDS) and all(each["about"] and each["remedy"] for each in data)
    assert [each["name"] for each in data if each["held_out"]] == list(HELD_OUT_KINDS)


@pytest.mark.slow
def test_a_run_under_faults_is_recorded_verified_and_told_of(call: Call, task_folder: Path, backend: str) -> None:
    words = ("run", task_folder, "--policy", "oracle", "--backend", backend)
    shown = call(*words, "--faults", "interrupted", "--episodes", "3")
    assert shown.exit_code == 0, shown.stderr
    episodes = list(EpisodeStore("runs/default").episodes())
    assert {episode.config["faults"]["kinds"][0] for episode in episodes} == {"interrupted"}
    struck = [episode for episode in episodes if any(step.fault for step in episode.steps)]
    assert struck
    assert call("replay", struck[0].id, "--verify").exit_code == 0
    assert "fault: interrupted" in call("replay", struck[0].id, "--no-pager").stdout
    told = call("faults", "--run", "default")
    assert told.exit_code == 0 and f"interrupted      {len(struck)}/{len(struck)} = 100.0%" in told.stdout
    assert json.loads(call("faults", "--run", "default", "--json").stdout)["recovered"]["trials"] == len(struck)


def test_what_is_wrong_is_said_before_anything_runs(call: Call, task_folder: Path) -> None:
    for words in (("run", task_folder), ("eval", "--policy", "noop")):
        shown = call(*words, "--faults", "gremlins")
        assert shown.exit_code == 2 and "there are: training, held-out, all, tool-fails" in shown.stderr
        shown = call(*words, "--fault-rate", "0.5")
        assert shown.exit_code == 2 and "--faults training" in shown.stderr
        assert "--fault-rate 2: it is a share" in call(*words, "--faults", "all", "--fault-rate", "2").stderr
    assert call("faults", "--run", "nowhere").exit_code == 2
