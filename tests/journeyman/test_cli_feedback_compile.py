"""`feedback compile` from the outside: what it prints and leaves, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.cli_train_feedback import noting_voices
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeStore
from journeyman.training.checkpoint import RunFolderError
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.feedback.provenance import rows_of_run
from tests.journeyman.conftest import Call
from tests.training.feedback.saying import run, say
from tests.training.preferring import episode, view

GOOD, BAD = (episode(f"20260101T000000-{name}", 0.0, view(f"{name}.py")) for name in ("aa", "bb"))


@pytest.fixture
def reviewed(call: Call) -> Path:
    return run(
        Path("runs/mine"), [GOOD, BAD], say("ranking", "r", episodes=[GOOD.id, BAD.id], ranks=[1, 2]),
        say("score", "m", "sim", simulated=True, episode=GOOD.id, value=1.0),
    )  # fmt: skip


def test_feedback_becomes_rows(call: Call, reviewed: Path) -> None:
    done = call("feedback", "compile", "mine", "--out", "rows")
    assert done.exit_code == 0, done.output
    assert "1  pairs.jsonl" in done.stdout and "left out: simulated: 1" in done.stdout
    assert "compiled from 2 lines of feedback: rows" in done.stdout
    again = call("feedback", "compile", reviewed, reviewed, "--out", "rows", "--simulated", "--json")
    made = json.loads(again.stdout)
    assert made["files"]["scores.jsonl"] == made["files"]["scores.jsonl"] | {"rows": 1, "simulated": 1}
    assert len(made["runs"]) == 1 and made["left_out"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--out", "rows"), "no episodes in nowhere"),
        (("mine", "--out", "runs"), "holds something else than compiled feedback"),
        (("mine", "--out", "rows", "--guideline", "nonsense"), "no guideline 'nonsense'"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, reviewed: Path, words: tuple[str, ...], said: str) -> None:
    done = call("feedback", "compile", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr
    assert not Path("rows").exists()


def test_a_row_and_an_entry_are_traced(call: Call, reviewed: Path) -> None:
    call("feedback", "compile", "mine", "--out", "rows")
    every = call("feedback", "trace", "rows")
    assert every.exit_code == 0, every.output
    assert f"{GOOD.id} over {BAD.id} (t); ranked higher by 1 of 1 annotators" in every.stdout
    assert "person ada, entry r of mine" in every.stdout
    name = every.stdout.split(" ", 1)[0]
    assert call("feedback", "trace", "rows", name).stdout == "".join(every.stdout.splitlines(keepends=True)[:2])
    lost = call("feedback", "trace", "rows", "--entry", "m")
    assert lost.stdout == "entry m of mine is in no row: simulated (--simulated takes it)\n"
    found = json.loads(call("feedback", "trace", "rows", "--episode", BAD.id, "--json").stdout)
    assert [row["file"] for row in found["rows"]] == ["pairs.jsonl", "labels.jsonl"]
    begun = call("feedback", "trace", "rows", "--episode", BAD.id.rpartition("-")[2], "--json")
    assert json.loads(begun.stdout) == found, "the beginning of an id is enough"


def test_where_nothing_was_said_a_line_tells_what_to_do(call: Call) -> None:
    run(Path("runs/mine"), [GOOD])
    assert "`journeyman review runs/mine`" in call("feedback", "list").stdout
    done = call("feedback", "compile", "mine", "--out", "rows")
    assert done.exit_code == 0 and "no rows: `journeyman review RUN`" in done.stdout
    assert call("feedback", "trace", "rows").stdout.startswith("no rows in rows: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "trace what?"),
        (("runs",), "holds no compiled feedback"),
        (("rows", "pair-1"), "no row pair-1 in rows"),
        (("rows", "--entry", "x"), "nothing in rows comes of an entry x"),
        (("rows", "--episode", "x"), "nothing in rows is about an episode x"),
        (("--run", "runs/mine"), "does not tell what it was trained on"),
    ],
)
def test_what_cannot_be_traced_is_one_clear_line(call: Call, reviewed: Path, words: tuple[str, ...], said: str) -> None:
    call("feedback", "compile", "mine", "--out", "rows")
    done = call("feedback", "trace", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr


def review_more(runs: Path) -> None:
    """Three tasks, each with a better and a worse episode; a corrected action."""
    made = [
        episode(f"20260101T00000{i}-{n}", 0.0, view(f"{n}.py"), task=f"t{i}") for i in range(3) for n in ("aa", "bb")
    ]
    ids = [each.id for each in made]
    rankings = [say("ranking", f"r{i}", episodes=ids[2 * i : 2 * i + 2], ranks=[1, 2]) for i in range(3)]
    run(runs, made, *rankings, say("correction", "c", episode=ids[0], step=1, action={"tool": "test"}))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dpo", "kto", "reward", "features", "sft"])
def test_feedback_becomes_a_model_and_its_rows_are_traced(call: Call, method: str) -> None:
    review_more(Path("runs/mine"))
    assert call("feedback", "compile", "mine", "--out", "rows").exit_code == 0
    sizes = ("--max-length", "4000", "--batch-size", "4", *(() if method == "sft" else ("--micro-batch", "2")))
    words = ("reward", "--kind", "features") if method == "features" else (method,)
    done = call("train", *words, "--model", "tiny", "--feedback", "rows", *sizes, "--out", "runs/new")
    assert done.exit_code == 0, done.output
    traced = json.loads(call("feedback", "trace", "--run", "runs/new", "--json").stdout)["rows"]
    assert len(traced) == {"sft": 1, "kto": 6}.get(method, 3)
    assert {row["use"] for row in traced} == ({"trained"} if method == "sft" else {"trained", "held out"})
    assert all(row["origin"] == "person" and row["sources"][0]["annotator"] == "ada" for row in traced)
    told = call("feedback", "trace", "--run", "runs/new")
    assert "trained: " in told.stdout and "person ada, entry " in told.stdout


@pytest.mark.parametrize(
    ("why", "noted"), [(DriftAlarmError, True), (KeyboardInterrupt, True), (RunFolderError, False)]
)
def test_what_a_stopped_run_was_told_is_noted_and_what_a_refused_one_would_have_been_is_not(
    call: Call, reviewed: Path, why: type[BaseException], noted: bool
) -> None:
    assert call("feedback", "compile", "mine", "--out", "rows", "--simulated").exit_code == 0
    Path("runs/new").mkdir()
    paid = {"step": 1, "episode": GOOD.id, "task": "t", "trained": True, "total": 0.0, "terms": [], "steps": []}
    Path("runs/new/rewards.jsonl").write_text(json.dumps(paid) + "\n")
    with pytest.raises(why), noting_voices(Path("runs/new"), Path("rows")):
        raise why
    assert [row.use for row in rows_of_run(Path("runs/new"))] == ["in the reward"] * noted


def test_something_must_be_learned_from(call: Call) -> None:
    done = call("train", "dpo", "--model", "tiny", "--out", "runs/new")
    assert done.exit_code == 2 and "give --episodes, --feedback or both" in done.stderr
    done = call("train", "sft", "--model", "tiny", "--feedback", "nowhere", "--out", "runs/new")
    assert done.exit_code == 2 and "nowhere holds no compiled feedback" in done.stderr


@pytest.mark.slow
def test_what_people_said_is_a_bounded_part_of_the_reward_and_is_traced(
    call: Call, task_folder: Path, backend: str
) -> None:
    """The same seed samples the same episodes, of which people have said something meanwhile."""
    sizes = ("--steps", "1", "--tasks-per-step", "1", "--group-size", "2", "--micro-batch", "2", "--set", "refills=0")
    words = (
        "train", "grpo", "--model", "tiny", "--tasks", task_folder, "--backend", backend, "--engine", "local",
        "--faults", "training", *sizes,
    )  # fmt: skip
    assert call(*words, "--out", "runs/first").exit_code == 0
    with EpisodeStore(Path("runs/first/episodes")) as store:
        first, *_ = (each for each in store.episodes() if each.reward is not None)
    assert first.config["faults"]["seeds_alike"] == 2, "those of a group meet the same"
    FeedbackLog(store.folder).write(
        say("score", "s", episode=first.id, value=1.0), say("step", "l", episode=first.id, step=1, label="bad")
    )
    assert call("feedback", "compile", "runs/first/episodes", "--out", "rows").exit_code == 0
    done = call(*words, "--out", "runs/second", "--feedback", "rows")
    assert done.exit_code == 0, done.output
    found = json.loads(call("feedback", "trace", "rows", "--run", "runs/second", "--json").stdout)
    by_people = [term for term in found["rewards"] if term["origin"] == "person"]
    assert {term["term"] for term in by_people} == {"learned:people", "step 1"}
    assert all(abs(term["amount"]) <= 0.005 + 1e-9 for term in by_people), "all failed: they share 0.01"
    assert {term["origin"] for term in found["rewards"]} == {"test", "rule", "person"}
    assert {row["use"] for row in found["rows"]} == {"in the reward"}
    told = call("feedback", "trace", "rows", "--run", "runs/second", "--step", "1")
    assert "step 1 -0.0050, person: row step-" in told.stdout and "person ada, entry l of episodes" in told.stdout
    other = call(*words, "--out", "runs/second")
    assert other.exit_code == 2 and "other settings (outside)" in other.stderr.replace("\n", " ")
    none = call(*words, "--out", "runs/third", "--feedback", "rows", "--set", "hybrid=none")
    assert none.exit_code == 2 and "nobody else can be heard" in none.stderr
