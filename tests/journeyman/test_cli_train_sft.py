"""`train sft` from the outside: what it learns from, and what it says of what it left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.verdict import Assurance, Verdict
from tests.journeyman.conftest import Call

TRAIN = ("train", "sft", "--model", "tiny", "--max-length", "9999", "--episodes", "runs/own", "--out", "runs/sft")


def episode(summary: str, *, resolved: bool = True) -> Episode:
    verdict = Verdict({}, {}, resolved=resolved, assurance=Assurance.FRESH, tree_hash="")
    steps = (Step(Action("report", {"summary": summary}), Observation("done", "report")),)
    return Episode(
        new_episode_id(), "t", "local:tiny", 0, Observation("Fix it."), steps, StopReason.REPORTED,
        float(resolved), (), verdict,
    )  # fmt: skip


def record(run: str, *episodes: Episode) -> None:
    with EpisodeStore(Path(run)) as store:
        store.add_many(episodes)


def imported(summary: str) -> Episode:
    return replace(episode(summary), verdict=None, reward=None, versions={IMPORTED: "openhands"})


@pytest.mark.slow
def test_it_learns_from_the_best_and_says_what_it_left_out(call: Call) -> None:
    record("runs/own", *(episode(f"way {n}") for n in range(3)), episode("way 1"), episode("no", resolved=False))
    done = call(*TRAIN, "--per-task", "2")
    assert done.exit_code == 0, done.output
    assert "learned from 2 of 5 episodes\nleft out:" in done.stderr
    for line in ("1  not resolved", "1  beyond so many of its task", "1  does what a better one"):
        assert line in done.stderr
    report = json.loads(Path("runs/sft/done.json").read_text())
    assert report["episodes"] == 2
    assert report["left_out_why"] == {
        "beyond so many of its task": 1,
        "does what a better one of its task does": 1,
        "not resolved": 1,
    }
    again = call(*TRAIN, "--per-task", "2", "--json")
    assert json.loads(again.stdout)["episodes"] == 2, "it was done before"
    packed = call(*TRAIN, "--per-task", "0", "--packing", "--out", "runs/packed", "--json")
    assert packed.exit_code == 0, packed.output
    assert json.loads(packed.stdout)["episodes"] == 3


def test_nothing_to_learn_from_is_one_line_with_the_reasons(call: Call) -> None:
    record("runs/own", episode("no", resolved=False), imported("theirs"), imported("other"))
    done = call(*TRAIN)
    assert done.exit_code == 2
    said = done.stderr.replace("\n", " ")
    assert "none of 3 episodes is to be learned from" in said
    assert "2 imported, so nothing here verified it, 1 not resolved; --unverified takes imported ones" in said
    assert not Path("runs/sft").exists()


@pytest.mark.slow
def test_imported_trajectories_are_learned_from_when_asked_for(call: Call) -> None:
    record("runs/own", imported("theirs"))
    done = call(*TRAIN, "--unverified")
    assert done.exit_code == 0, done.output
    assert "learned from 1 of 1 episode" in done.stderr
