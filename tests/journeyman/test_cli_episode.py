"""`journeyman replay` and `journeyman episode list` over a recorded run."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from journeyman.cli import app
from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.verdict import Assurance, Outcome, Verdict

DIFF = "--- a/text.py\n+++ b/text.py\n@@ -1 +1 @@\n-    return 1\n+    return 2\n"
CHECK = "tests/t.py::test_f"


def episode(resolved: bool = True) -> Episode:
    edit = Action("edit", {"path": "text.py", "old": "1", "new": "2"})
    steps = (
        Step(Action("view", {"path": "text.py"}), Observation("1: def f():\n2:     return 1", "view", True, 1, 9)),
        Step(edit, Observation("edited \x1b[31m", "edit", True, 2, 8), diff=DIFF),
        Step(Action("test", {}), Observation("1 failed", "test", True, 3, 7), tests=TestRun((), (CHECK,))),
    )
    outcome = Outcome.PASSED if resolved else Outcome.FAILED
    verdict = Verdict({CHECK: outcome}, {}, resolved, Assurance.FRESH, "t")
    reward = float(resolved)
    terms = (RewardTerm("outcome", 1.0, reward, "1 of 1 checks"),)
    return Episode(new_episode_id(), "word-count", "oracle", 3, Observation("Mend f."), steps, StopReason.REPORTED,
                   reward, terms, verdict, "2025-01-01T00:00:00Z", 1.5)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with a solved and an unsolved episode and one that was interrupted, in ./runs of the current folder."""
    monkeypatch.chdir(tmp_path)
    with EpisodeStore(tmp_path / "runs" / "first") as store:
        store.add(episode())
        store.add(episode(resolved=False))
        store.begin(
            replace(last := episode(), steps=(), stop=StopReason.INTERRUPTED, reward=None, verdict=None, terms=())
        )
        store.step(last.id, last.steps[0])
    return tmp_path / "runs" / "first"


def call(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}).invoke(app, list(words))


def test_the_best_episode_is_shown_whole(run: Path) -> None:
    shown = call("replay", "best")
    assert shown.exit_code == 0
    parts = ("Mend f.", "step 2 of 3", "▶ edit path=text.py", "-    return 1", "+    return 2", "edited \\x1b[31m",
             f"✗ {CHECK}", "resolved", "outcome", "1.000", "stopped   reported after 3 steps")  # fmt: skip
    for part in parts:
        assert part in shown.output, part
    assert "\x1b" not in shown.output


def test_one_step_alone_and_one_beyond_the_end(run: Path) -> None:
    shown = call("replay", "best", "--step", "2")
    assert "step 2 of 3" in shown.output and "step 1" not in shown.output and "reward" not in shown.output
    beyond = call("replay", "best", "--step", "4")
    assert beyond.exit_code == 2 and "has 3 steps" in beyond.stderr and beyond.stdout == ""


def test_all_episodes_and_json(run: Path) -> None:
    assert call("replay", "--all").output.count("Mend f.") == 3
    (data, *_) = json.loads(call("replay", "--all", "--json").stdout)
    assert data["steps"][1]["diff"] == DIFF and data["terms"][0]["name"] == "outcome" and data["stop"] == "reported"


def test_the_list_tells_how_each_ended(run: Path) -> None:
    shown = call("episode", "list")
    assert shown.output.count("reported") == 2 and "interrupted" in shown.output
    assert "3 episodes" in shown.output and "1 resolved" in shown.output
    data = json.loads(call("episode", "list", "--run", "first", "--json").stdout)
    assert [each["state"] for each in data["episodes"]] == ["finished", "finished", "interrupted"]
    assert data["problems"] == []


def test_the_run_written_to_last_is_meant_unless_one_is_named(run: Path) -> None:
    with EpisodeStore(run.parent / "group" / "second") as store:
        store.add(replace(episode(), task="another"))
    os.utime(next((run / "segments").iterdir()), (1, 1))
    assert "another" in call("replay", "last").output
    assert "word-count" in call("replay", "last", "--run", "first").output
    assert "word-count" in call("replay", "last", "--run", str(run)).output


def test_damage_is_said_and_the_rest_is_shown(run: Path) -> None:
    (segment,) = (run / "segments").iterdir()
    segment.write_bytes(segment.read_bytes()[:-10])
    shown = call("episode", "list")
    assert shown.exit_code == 0 and "damaged: " in shown.output
    shown = call("replay", "--all")
    assert shown.exit_code == 1 and "problem" in shown.stderr and "Mend f." in shown.stdout


@pytest.mark.parametrize(
    "words,message",
    [
        (["replay", "zzz"], "no episode begins with 'zzz'"),
        (["replay", "1"], "3 episodes begin with '1'"),
        (["replay", "last", "--run", "nowhere"], "no episodes in nowhere"),
        (["replay", "last", "--step", "0"], "--step"),
    ],
)
def test_bad_input_is_one_clear_line(run: Path, words: list[str], message: str) -> None:
    shown = call(*words)
    assert shown.exit_code == 2 and message in shown.stderr and "Traceback" not in shown.stderr
    if message != "--step":
        assert shown.stderr.startswith("error: ") and shown.stderr.count("\n") == 1


def test_without_any_run_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "journeyman run TASK --policy oracle" in call("replay").stderr


def test_in_a_terminal_it_goes_step_by_step(run: Path) -> None:
    """Through a real pseudo-terminal: next, next, back, to the end."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "journeyman", "replay", "best"]
    shown = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, cwd=run.parent.parent)
    os.close(follower)
    text = ""
    for key, until in (("\r", "Mend f."), ("\r", "step 1 of 3"), ("b", "step 2 of 3"), ("e", "step 1 of 3")):
        text = _read_until(leader, until, "q quit]")
        while termios.tcgetattr(leader)[3] & termios.ICANON:  # a key before it waits for one is thrown away
            time.sleep(0.005)
        os.write(leader, key.encode())
    text = _read_until(leader, "total")
    assert shown.wait(10) == 0
    os.close(leader)
    assert "resolved" in text


def _read_until(fd: int, *marks: str) -> str:
    text = ""
    for mark in marks:
        while mark not in text:
            text += os.read(fd, 4096).decode("utf-8", "replace")
    return text


def test_the_list_takes_what_is_asked_for(run: Path) -> None:
    def listed(*words: str) -> list[float | None]:
        return [each["reward"] for each in json.loads(call("episode", "list", "--json", *words).stdout)["episodes"]]

    assert listed("--resolved") == [1.0] and listed("--unresolved") == [0.0]
    assert listed("--reward", "0.5..") == [1.0] and listed("--reward", "0") == [0.0]
    assert listed("--stop", "interrupted") == [None]
    assert listed("--sort", "-reward", "--limit", "2") == [1.0, 0.0]
    assert listed("--text", "mend view", "--task", "word-*", "--policy", "oracle") == [1.0, 0.0, None]
    shown = call("episode", "list", "--limit", "1").output
    assert "1 of 3 episodes" in shown and "--limit 3 shows all" in shown


def test_tags_are_given_taken_and_asked_for(run: Path) -> None:
    assert "good, odd" in call("episode", "tag", "best", "+good", "+odd").output
    assert json.loads(call("episode", "tag", "best", "-odd", "--json").stdout)["tags"] == ["good"]
    assert "no tags" in call("episode", "tag", "last").output
    assert json.loads(call("episode", "list", "--tag", "good", "--json").stdout)["total"] == 1
    assert json.loads(call("episode", "list", "--tag", "-good", "--json").stdout)["total"] == 2


def test_check_reads_every_byte(run: Path) -> None:
    assert "3 episodes" in (shown := call("episode", "check")).output and shown.exit_code == 0
    (segment,) = (run / "segments").iterdir()
    data = bytearray(segment.read_bytes())
    data[7] ^= 1
    segment.write_bytes(data)
    assert call("episode", "list").output.count("damaged") == 0, "the index knows nothing of it"
    shown = call("episode", "check", "--json")
    assert shown.exit_code == 1 and "8 bytes are not readable at byte 0" in json.loads(shown.stdout)["problems"][0]


@pytest.mark.parametrize(
    "words,message",
    [
        (["list", "--reward", "high"], "--reward high: give a range"),
        (["list", "--reward", "nan.."], "give a range"),
        (["list", "--sort", "mood"], "sort by started, reward"),
        (["list", "--tag", "a b"], "is no tag"),
        (["list", "--parent", "zzz"], "no episode begins with 'zzz'"),
        (["tag", "last", "good"], "write +good"),
        (["tag", "last", "+a b"], "is no tag"),
    ],
)
def test_a_question_that_is_none_is_answered_with_one_line(run: Path, words: list[str], message: str) -> None:
    shown = call("episode", *words)
    assert shown.exit_code == 2 and message in shown.stderr and shown.stderr.count("\n") == 1
