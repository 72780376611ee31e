"""`journeyman run --review` and `journeyman feedback refine`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Critique, GuidelineRead, Resolution
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeStore
from tests.journeyman.conftest import Call

PLAN = """name = "mine"
version = 1
title = "How we work"
[[items]]
id = "plan"
kind = "should"
text = "Plan before you change anything."
check = { by = "rule", rule = "RULE" }
"""


def test_a_person_comments_between_the_rounds(task_folder: Path, backend: str, call: Call) -> None:
    words = ["run", str(task_folder), "--policy", "noop", "--backend", backend, "--review", "terminal"]
    shown = CliRunner(env={"NO_COLOR": "1"}).invoke(
        app, words, input="You did nothing.\n.\ndone\nok 1 so be it\ndone\n"
    )
    assert shown.exit_code == 0, shown.stderr
    (episode,) = EpisodeStore("runs/default").episodes()
    assert [step.action.tool for step in episode.steps] == ["report", "report"]
    critique, resolution = FeedbackLog("runs/default").read().entries
    assert isinstance(critique, Critique) and critique.body == "You did nothing." and not critique.simulated
    assert resolution.kind == "resolution" and resolution.resolved and resolution.how == "so be it"
    assert call("replay", "last", "--verify").exit_code == 0
    told = call("feedback", "forget", critique.annotator, "--yes")
    assert f"{episode.id} stays as it was: its policy read comments of" in told.stdout
    assert "You did nothing." in episode.steps[0].review


def test_rules_let_a_sound_episode_pass(call: Call, task_folder: Path, backend: str) -> None:
    for spec in ("rules", "guideline:conduct"):
        assert call("run", task_folder, "--backend", backend, "--review", spec).exit_code == 0
    for episode in EpisodeStore("runs/default").episodes():
        assert episode.resolved and episode.versions["reviewer"] == "sim.conduct"
    (read,) = FeedbackLog("runs/default").read().entries
    assert isinstance(read, GuidelineRead) and (read.guideline.name, read.simulated) == ("conduct", True)


def test_any_guideline_reviews_by_what_rules_check(call: Call, task_folder: Path, backend: str) -> None:
    Path("mine.toml").write_text(PLAN.replace("RULE", "plan-first"))
    assert call("run", task_folder, "--backend", backend, "--review", "guideline:mine.toml").exit_code == 0
    (episode,) = EpisodeStore("runs/default").episodes()
    assert "[minor, mine@1/plan] Plan before you change anything. Seen: no plan" in episode.steps[-2].review
    read, critique, resolution = FeedbackLog("runs/default").read().entries
    assert {read.annotator, critique.annotator, resolution.annotator} == {"sim.mine"}
    assert isinstance(resolution, Resolution) and not resolution.resolved
    Path("odd.toml").write_text(PLAN.replace("RULE", "no-such"))
    shown = call("run", task_folder, "--backend", backend, "--review", "guideline:odd.toml", "--out", "runs/odd")
    assert shown.exit_code == 2 and "no rule 'no-such'" in " ".join(shown.stderr.split())
    Path("people.toml").write_text(PLAN.partition("check")[0])
    shown = call("run", task_folder, "--backend", backend, "--review", "guideline:people.toml", "--out", "runs/odd")
    assert shown.exit_code == 2 and "rules check none of its items" in " ".join(shown.stderr.split())
    assert not Path("runs/odd").exists()


@pytest.mark.parametrize(
    "words, why",
    [
        (("--review", "nobody"), "there is none, terminal, guideline:NAME, rules, or MODULE:FUNCTION"),
        (("--review", "guideline:no-such"), "no guideline 'no-such'; bundled are: conduct"),
        (("--review", "guideline:"), "guideline"),
        (("--review", "no.such:thing"), "No module named"),
        (("--review", "json:no_such"), "no_such"),
        (("--review", "json:__name__"), "it cannot be called"),
        (("--review", "terminal", "--concurrency", "2"), "leave out --concurrency and --engine"),
        (("--review", "rules", "--engine", "processes"), "in this process alone"),
    ],
)
def test_what_cannot_be_said_so_is_told(
    call: Call, task_folder: Path, backend: str, words: tuple[str, ...], why: str
) -> None:
    shown = call("run", task_folder, "--backend", backend, *words)
    assert shown.exit_code == 2
    assert why in " ".join(shown.stderr.split())


def criticised(call: Call, task_folder: Path, backend: str) -> Episode:
    assert call("run", task_folder, "--policy", "noop", "--backend", backend, "--out", "runs/own").exit_code == 0
    (episode,) = EpisodeStore("runs/own").episodes()
    about = {"annotator": "ada", "at": "2026-01-01T00:00:00Z", "episode": episode.id}
    FeedbackLog("runs/own").write(Critique.model_validate({"id": "c1", "body": "You gave up.", **about}))
    return episode


@pytest.mark.slow
def test_what_was_criticised_is_tried_again(call: Call, task_folder: Path, backend: str) -> None:
    parent = criticised(call, task_folder, backend)
    words = ("feedback", "refine", "own", "--backend", backend, "--policy")
    shown = call(*words, "noop")
    assert shown.exit_code == 0 and shown.stdout.startswith("0 refinements in runs/own-refined")
    assert "the tests do not confirm it" in shown.stderr
    shown = call(*words, "oracle", "--json")
    assert shown.exit_code == 0, shown.stderr
    (row,) = json.loads(shown.stdout)["episodes"]
    assert row["critiques"] == ["c1"]
    kept = EpisodeStore("runs/own-refined").get(row["id"])
    assert kept.resolved and kept.ancestry is not None and kept.ancestry.episode == parent.id
    assert "train sft --episodes runs/own-refined" in call(*words, "oracle").stdout


def test_a_run_is_not_refined_into_itself(call: Call, task_folder: Path, backend: str) -> None:
    criticised(call, task_folder, backend)
    shown = call("feedback", "refine", "own", "--policy", "oracle", "--out", "runs/own")
    assert shown.exit_code == 2 and "another folder" in shown.stderr
    assert call("feedback", "refine", "nothing", "--policy", "oracle").exit_code == 2


@pytest.mark.slow
def test_a_critique_by_what_an_item_meant_before_is_not_tried(call: Call, task_folder: Path, backend: str) -> None:
    episode = criticised(call, task_folder, backend)
    Path("mine.toml").write_text(PLAN.replace("RULE", "plan-first"))
    words = ("feedback", "add", episode.id, "--annotator", "bob", "--run", "own", "--item", "mine/plan")
    assert call(*words, "--comment", "No plan.", "--guideline", "mine.toml").exit_code == 0
    assert call("feedback", "undo", "c1", "--annotator", "ada", "--run", "own").exit_code == 0
    Path("mine.toml").write_text(PLAN.replace("RULE", "look-first").replace("version = 1", "version = 2"))
    refine = ("feedback", "refine", "own", "--policy", "noop", "--backend", backend, "--guideline")
    shown = call(*refine, "mine.toml", "--json")
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout)["left_out"] == {
        "the critique does not stand: undone": 1, "the critique does not stand: stale": 1,
    }  # fmt: skip
    assert call(*refine, "no-such").exit_code == 2
