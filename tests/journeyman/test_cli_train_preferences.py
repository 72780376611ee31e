"""`train dpo`, `kto` and `reward` from the outside: what they print, what they leave, what they say to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.training.lineage import trained_on
from tests.journeyman.conftest import Call
from tests.training.preferring import episode, view


def keep(folder: str, *episodes: Episode) -> None:
    with EpisodeStore(Path(folder)) as store:
        for each in episodes:
            store.begin(each)
            store.finish(each)


def write_runs() -> None:
    """Three tasks, each with an episode that solved it and one that did not; one that nobody could grade."""
    for run, reward in (("good", 1.0), ("bad", 0.0)):
        keep(f"runs/{run}", *(episode(f"{run}{i}", reward, view(f"{run}.py"), task=f"t{i}") for i in range(3)))
    keep("runs/lost", episode("lost", None, task="t0"))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dpo", "kto", "reward"])
def test_runs_of_good_and_bad_episodes_become_a_model(call: Call, method: str) -> None:
    write_runs()
    runs = [word for run in ("good", "bad", "lost") for word in ("--episodes", f"runs/{run}")]
    sizes = ("--max-length", "4000", "--batch-size", "4", "--micro-batch", "2")
    words = ("train", method, "--model", "tiny", *runs, *sizes, "--out", "runs/new")
    done = call(*words)
    assert done.exit_code == 0, done.output
    kind = "episodes 4" if method == "kto" else "pairs 2"
    assert f"trained: {kind}, tasks 2" in done.stdout and "held out: " in done.stdout
    assert "left out: unscored: 1" in done.stdout
    said = "reward model: runs/new/model" if method == "reward" else "measure it: journeyman eval --policy local:"
    assert said in done.stdout
    assert sorted(task.task for task in trained_on("runs/new/model")) == ["t0", "t1", "t2"]
    again = call(*words, "--json")
    assert again.exit_code == 0, again.output
    report = json.loads(again.stdout)
    assert report["model"] == "runs/new/model" and report["left_out"] == {"unscored": 1}
    assert report["held_out"]["tasks"] == 1


def test_nothing_to_learn_from_is_said_with_the_reasons(call: Call) -> None:
    write_runs()
    done = call("train", "dpo", "--model", "tiny", "--episodes", "runs/good", "--out", "runs/new")
    assert done.exit_code == 2 and "nothing to learn from (tasks with one usable episode: 3)" in done.stderr
    done = call(
        "train", "kto", "--model", "tiny", "--episodes", "runs/good", "--out", "runs/new", "--max-length", "4000"
    )
    assert done.exit_code == 2 and "it takes both kinds" in done.stderr
    assert not Path("runs/new").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "dpo", "--episodes", "nowhere", "--out", "x"), "no episodes in nowhere"),
        (("train", "reward", "--model", "./nowhere", "--episodes", "runs/good", "--out", "x"), "no such model"),
        (("train", "dpo", "--episodes", "runs/good", "--batch-size", "3", "--out", "x"), "multiple of the micro batch"),
        (("train", "kto", "--episodes", "runs/good", "--preset", "huge", "--out", "x"), "no preset 'huge'"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, words: tuple[str, ...], said: str) -> None:
    write_runs()
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
