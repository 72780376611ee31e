"""`journeyman doctor` tells the truth about this machine, and what to do."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman import doctor, doctor_kept
from journeyman.doctor import is_able
from journeyman.envs.store import EpisodeStore
from journeyman.findings import Finding, Health
from journeyman.sandbox.inside import cgroup
from tests.journeyman.conftest import Call
from tests.journeyman.test_cli_episode import episode


def test_a_fit_machine_is_ready(call: Call, backend: str) -> None:
    shown = call("doctor")
    assert shown.exit_code == 0 and "ready" in shown.stdout and f"✓ {backend}" in shown.stdout
    data = json.loads(call("doctor", "--json").stdout)
    assert data["able"] is True
    assert {each["about"] for each in data["findings"]} == {
        "versions", "sandbox", "pools", "images", "disk", "leftovers"
    }  # fmt: skip
    named = {(each["about"], each["name"]): each["detail"] for each in data["findings"]}
    assert "idle lane" in named["pools", "here"]
    assert "environment" in named["images", "environment"] and "in use" in named["images", "environment"]


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


@pytest.fixture
def dead() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_dead_processes_left_is_told_with_what_removes_it(
    dead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    control, building = tmp_path / "docker" / f"control-{dead}-x", tmp_path / "templates" / ".new-x"
    for folder in (control, building, tmp_path / "docker" / f"control-{os.getpid()}-y"):
        folder.mkdir(parents=True)
    os.utime(building, (1, 1))
    groups = {f"/memory/j-{dead}": str(dead), "/memory/j-1": "1", "/cpu/j-1": "1"}
    monkeypatch.setattr(cgroup, "groups", lambda: groups)
    monkeypatch.setattr(doctor_kept, "_containers", dict)
    found = {each.name: each for each in doctor.leftovers()}
    assert found.keys() == {"groups", "folders"}
    assert found["groups"].mend.endswith(f"rmdir /memory/j-{dead}")
    assert found["folders"].detail == "2 that were never finished"
    assert found["folders"].mend.endswith(f"rm -rf {building} {control}")
    told = {each.name: each.detail for each in doctor.pools()}
    assert told["namespace"].startswith("1 lane of 1 living zygote")
    assert told["docker"].startswith("no container")


def test_where_nothing_can_be_kept_that_is_said_first(
    call: Call, task_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "file"))
    shown = call("doctor")
    assert shown.exit_code == 1 and "set JOURNEYMAN_HOME to one that can be written" in shown.stdout
    assert "no folder can be made there (File exists)" in shown.stdout
    done = call("run", task_folder, "--policy", "oracle")
    assert done.exit_code == 2 and "set JOURNEYMAN_HOME to one that can be written" in " ".join(done.stderr.split())


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOW_DISK_GB", 1e9)
    assert {each.health for each in doctor.disk()} == {Health.NOTE}
