"""`journeyman doctor` tells the truth about this machine, and what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman import doctor
from journeyman.doctor import Finding, Health, is_able
from journeyman.envs.store import EpisodeStore
from tests.journeyman.conftest import Call
from tests.journeyman.test_cli_episode import episode


def test_a_fit_machine_is_ready(call: Call, backend: str) -> None:
    shown = call("doctor")
    assert shown.exit_code == 0 and "ready" in shown.stdout and f"✓ {backend}" in shown.stdout
    data = json.loads(call("doctor", "--json").stdout)
    assert data["able"] is True
    assert {each["about"] for each in data["findings"]} == {"versions", "sandbox", "disk", "leftovers"}


def test_one_working_sandbox_is_enough_and_none_is_not() -> None:
    works = Finding("sandbox", "docker", Health.OK, "")
    broken = Finding("sandbox", "namespace", Health.MISSING, "", "sysctl …")
    assert is_able([works, broken]) and not is_able([broken])
    assert not is_able([works, Finding("versions", "needed", Health.MISSING, "")])


def test_without_an_engine_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    doctor.engine.__globals__["_engine_of"].cache_clear()
    try:
        found = {each.name: each for each in doctor.backends()}["docker"]
    finally:
        doctor.engine.__globals__["_engine_of"].cache_clear()
    assert found.health is Health.NOTE and "start one" in found.mend


def test_a_missing_git_is_worth_knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "git", lambda: "")
    found = {each.name: each for each in doctor.versions()}["git"]
    assert found.health is Health.NOTE and "apt install git" in found.mend


def test_interrupted_and_damaged_episodes_are_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with EpisodeStore("runs/one") as store:
        store.begin(replace(cut := episode(), steps=()))
        store.step(cut.id, cut.steps[0])
    (found,) = [each for each in doctor.leftovers() if each.name == "runs/one"]
    assert "1 interrupted" in found.detail and "0 damaged" in found.detail


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOW_DISK_GB", 1e9)
    assert {each.health for each in doctor.disk()} == {Health.NOTE}
