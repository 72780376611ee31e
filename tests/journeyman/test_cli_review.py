"""Somebody judges episodes by the keyboard: what each key says is kept, and nothing is shown that would sway them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from journeyman.cli import app
from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import (
    Adjudication,
    Answer,
    ClaimLabel,
    Correction,
    Critique,
    GuidelineRead,
    Place,
    Ranking,
    Score,
    StepLabel,
    Undo,
)
from journeyman.envs.feedback.forget import forget
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.log import LogWriteError
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.policies.policy import PolicyError, TokenLimit
from journeyman.policies.scripted import NoOpPolicy
from journeyman.review_adjudicate import conflicts
from journeyman.reviewer import Reviewer
from journeyman.training.feedback.agreement import Contested
from tests.journeyman.test_cli_episode import episode
from tests.processes import eventually

AT = "2026-01-01T00:00:00Z"
Review = Callable[..., Result]


def with_report(claims: tuple[dict[str, str], ...] = ({"kind": "blocked", "subject": "no network"},)) -> Episode:
    found = episode()
    plan = replace(found.steps[0], action=Action("plan", {"subtasks": ["Mend it", "Say so"]}))
    report = Action("report", {"summary": "Mended.", "claims": list(claims)})
    end = replace(
        found.steps[2],
        action=report,
        observation=Observation("blocked: unverifiable", "report", True, 4, 6),
        tests=None,
    )
    return replace(found, steps=(plan, *found.steps[1:], end), policy="local:secret")


@pytest.fixture
def episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Episode, Episode]:
    monkeypatch.chdir(tmp_path)
    found = (with_report(), with_report())
    with EpisodeStore(tmp_path / "runs" / "first") as store:
        for each in found:
            store.add(each)
    return found


@pytest.fixture
def review(episodes: tuple[Episode, Episode]) -> Review:
    """Types keys at an episode's first page; the second one's where nothing else is said."""

    def typed(keys: str, *words: str, who: str = "ada", of: int = 0) -> Result:
        runner = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
        done = runner.invoke(app, ["review", "first", episodes[of].id, "--as", who, *words], input=keys)
        assert done.exit_code == 0, done.output
        return done

    return typed


def said() -> list[Any]:
    return list(FeedbackLog(Path("runs/first")).read().entries)


def test_a_comment_is_six_keys_and_the_text(review: Review, episodes: tuple[Episode, Episode]) -> None:
    review("nncfar too wide\nMsq")
    (entry,) = said()
    assert isinstance(entry, Critique) and entry.episode == episodes[0].id and entry.origin == "terminal"
    assert (entry.place, entry.body, entry.severity, entry.category) == (
        Place(step=2),
        "far too wide",
        "major",
        "scope",
    )


def test_a_line_is_known_by_what_stood_there(review: Review) -> None:
    shown = review("nnl1\nwhy 2?\n    return 3\n\n\nlnonsense\nl7-3\nx\n\n\n\nq")
    (entry,) = said()
    assert entry.place == Place(step=2, path="text.py", line=1, quote="    return 2")
    assert entry.suggestion == "return 3" and entry.severity == "minor"
    assert "no line of a file" in shown.output and "not kept" in shown.output, "7-3 runs backwards"


def test_of_lines_of_two_hunks_the_unbroken_ones_are_quoted(review: Review, episodes: tuple[Episode, Episode]) -> None:
    diff = "--- a/m.py\n+++ b/m.py\n@@ -4 +4 @@\n-4\n+four\n@@ -20 +20 @@\n-20\n+twenty\n"
    first, second = episodes[0].steps[:2]
    other = replace(episodes[0], id=new_episode_id(), steps=(first, replace(second, diff=diff)))
    with EpisodeStore(Path("runs/first")) as store:
        store.add(other)
    done = CliRunner().invoke(app, ["review", "first", other.id, "--as", "ada"], input="nnl4-20\nboth\n\n\n\nq")
    assert done.exit_code == 0, done.output
    (entry,) = said()
    assert entry.place == Place(step=2, path="m.py", line=4, end=20, quote="four")


def test_all_that_can_be_said(review: Review) -> None:
    review("t1\nunsaid\n\n\nn+n-n0ek0\nfit was there\ns80\ncgood\np\ng2\naview text.py\nlook first\nq")
    subtask, good, bad, neutral, claim, score, whole, correction = said()
    assert subtask.place == Place(subtask="Say so")
    assert [(each.step, each.label) for each in (good, bad, neutral)] == [(1, "good"), (2, "bad"), (3, "neutral")]
    assert isinstance(claim, ClaimLabel)
    assert (claim.claim, claim.label, claim.limitation) == (0, "false", "it was there")
    assert isinstance(score, Score) and score.value == 0.8
    assert whole.place == Place() and whole.severity == "praise"
    assert isinstance(correction, Correction) and correction.step == 2
    assert correction.action == {"tool": "view", "path": "text.py"} and correction.reason == "look first"


def test_what_is_judged_by_an_item_keeps_the_guideline_beside_it(review: Review) -> None:
    review("i1\nn-nn+i0\n+q", "--guideline", "conduct")
    guideline, *labels = said()
    assert isinstance(guideline, GuidelineRead) and guideline.guideline.name == "conduct"
    assert [each.item is not None for each in labels] == [True, True, False]
    review("i1\nn0q", "--guideline", "conduct")
    assert sum(isinstance(each, GuidelineRead) for each in said()) == 1, "once is enough"


def test_episodes_are_ranked_with_ties(review: Review, episodes: tuple[Episode, Episode]) -> None:
    shown = review("rB > A\nshorter\nrA=B\n\nrA>C\nrA\nq")
    first, tie = said()
    assert isinstance(first, Ranking) and first.episodes == (episodes[1].id, episodes[0].id)
    assert first.ranks == (1, 2) and first.reason == "shorter" and tie.ranks == (1, 1)
    assert shown.output.count("no order of two or more") == 2


def test_a_word_is_taken_back(review: Review) -> None:
    review("n+n-uq")
    good, bad, undo = said()
    assert isinstance(undo, Undo) and undo.of == bad.id
    shown = review("uuq")
    assert said()[-1].of == good.id and "nothing that could be taken back" in shown.output


def test_reward_policy_and_others_are_hidden_until_asked_for(review: Review, episodes: tuple[Episode, Episode]) -> None:
    review("ncBob was here\n\n\nq", who="bob")
    blind = review("nnneq").output
    for secret in ("secret", "reward", "resolved", "Bob was here", "unverifiable"):
        assert secret not in blind, secret
    shown = review("bbbbnneq", "--open").output
    for fact in ("local:secret", "reward", "resolved", "Bob was here", "unverifiable"):
        assert fact in shown, fact


def test_hostile_text_is_spelled_out(review: Review, tmp_path: Path) -> None:
    shown = review("nnc\x07[bold]\u202ered\n\n\nq")
    assert "\\x07" in shown.output and "\\u202e" in shown.output and "[bold]" in shown.output
    assert "\x07" not in shown.output and "\u202e" not in shown.output
    assert said()[0].body == "\x07[bold]\u202ered", "the record keeps what was written"


def test_one_goes_on_where_one_left(episodes: tuple[Episode, Episode]) -> None:
    runner = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
    runner.invoke(app, ["review", "first", episodes[1].id, "--as", "ada"], input="nn")  # the input ends: no q
    again = runner.invoke(app, ["review", "first", "--as", "ada"], input="-q")
    assert "step 2 of 4" in again.output and "step 1" not in again.output
    assert [(each.episode, each.step) for each in said()] == [(episodes[1].id, 2)]
    Path("runs/first/review/ada.json").write_text("{")
    fresh = runner.invoke(app, ["review", "first", "--as", "ada"], input="q")
    assert fresh.exit_code == 0, "a mark that cannot be read is none"
    best = json.loads(runner.invoke(app, ["review", "next", "first", "--as", "ada", "--json"]).stdout)["next"][0]
    number = best["claim"] if best["step"] is None else best["step"]
    named = best["kind"] if number is None else f"{best['kind']} {number}"
    assert fresh.output.startswith(f"{named}: {best['why']}"), "it says what is asked, and where"


def test_the_queue_leads_on(review: Review, episodes: tuple[Episode, Episode]) -> None:
    Path("rm.json").write_text(json.dumps({each.id: {"mean": 0.5, "sd": 1} for each in episodes}))
    shown = review("NB>A\n\nNq", "--scores", "rm.json")
    assert isinstance(said()[0], Ranking) and "the reward model is 50% sure" in shown.output
    assert "claim, claim 0: the record neither supports nor contradicts" in shown.output


def test_an_editor_writes_what_is_long(review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nprintf ' and\\nmore' >> \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    review("nnctoo wide\x05\n\nq")
    assert said()[0].body == "too wide and\nmore"
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    shown = review("nncand\x05 on\n\n\nq")
    assert said()[1].body == "and on" and "did not work" in shown.output


@pytest.mark.parametrize(
    "words,message",
    [
        (["first", "zzz"], "no episode begins with 'zzz'"),
        (["nowhere"], "no episodes in nowhere"),
        (["first", "--as", "sim.ada"], "programs that stand in for people"),
        (["first", "--as", "a/b"], "--annotator 'a/b': a name of up to 64 letters"),
        (["first", "--guideline", "nonesuch"], "no guideline 'nonesuch'"),
        (["next", "first", "--scores", "bad.json"], "no scores"),
        (["next", "first", "--scores", "gone.json"], "gone.json: cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(review: Review, words: list[str], message: str) -> None:
    Path("bad.json").write_text('{"a": "b"}')
    shown = CliRunner().invoke(app, ["review", *words])
    assert shown.exit_code == 2 and message in shown.stderr and shown.stderr.count("\n") == 1


def test_a_full_disk_is_said_and_one_goes_on(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    write, full = FeedbackLog.write, [True]

    def sometimes(log: FeedbackLog, *entries: Any) -> None:
        if full and full.pop():
            raise LogWriteError("cannot write: no space left")
        write(log, *entries)

    monkeypatch.setattr(FeedbackLog, "write", sometimes)
    shown = review("n+-q")
    assert "not kept: cannot write: no space left" in shown.output
    assert [each.label for each in said()] == ["bad"]


def test_what_is_passed_over_is_not_asked_twice_in_a_sitting(review: Review) -> None:
    shown = review("N\x1bNNq").output
    asked = [row for row in shown.splitlines() if row.startswith(("ranking", "claim", "score")) and ": " in row]
    assert len(asked) == 3 and len(set(asked)) > 1


@pytest.mark.slow
def test_at_a_terminal_a_kill_loses_nothing(episodes: tuple[Episode, Episode]) -> None:
    """Keys typed ahead, an arrow, a correction of a slip; then the process is killed amid the next comment."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "journeyman", "review", "first", episodes[0].id, "--as", "ada"]
    env = {**os.environ, "TERM": "dumb"}
    running = subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    try:
        os.write(ours, b"n\x1b[C")
        mark = Path("runs/first/review/ada.json")
        assert eventually(lambda: mark.exists() and '"page": 2' in mark.read_text(), 60)
        os.write(ours, "ctoo wide é§\x7f\r\r\rc and here".encode())
        assert eventually(lambda: len(said()) == 1, 60)
        os.write(ours, b"\r\r\r\x1b[200~-\n-\x1b[201~c\x1b[200~two\nlines\x1b[201~ of it\r\r\rc and here")
        assert eventually(lambda: len(said()) == 3, 60)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
        os.close(ours)
    assert said()[0].body == "too wide é" and said()[0].place.step == 2
    assert [each.body for each in said()[1:]] == ["and here", "two\nlines of it"], "what is pasted is no key"


@pytest.mark.slow
def test_agreement_in_numbers_and_words(review: Review, episodes: tuple[Episode, Episode]) -> None:
    for number in (0, 1):
        review("n+n-n+q", of=number)
        review("n+n-n-q", who="bob", of=number)
    shown = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["review", "agreement", "first"])
    assert shown.exit_code == 0, shown.output
    assert "step · ada and bob" in shown.output and "67%" in shown.output and "ada good, bob bad" in shown.output
    data = json.loads(CliRunner().invoke(app, ["review", "agreement", "first", "--json"]).stdout)
    assert data["kinds"][0]["units"] == 6 and 0 < data["kinds"][0]["alpha"] < 1
    assert len(data["contested"]) == 2


def test_the_list_of_what_is_next(review: Review, episodes: tuple[Episode, Episode]) -> None:
    data = json.loads(CliRunner().invoke(app, ["review", "next", "first", "--as", "ada", "--json"]).stdout)
    assert {each["kind"] for each in data["next"]} == {"ranking", "claim", "score"}
    assert all(each["why"] for each in data["next"])
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["review", "next", "first", "--as", "ada"])
    assert "neither supports nor contradicts" in shown.output and episodes[0].id in shown.output


def test_names_and_runs_are_given_as_to_the_other_commands(
    review: Review, episodes: tuple[Episode, Episode], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CliRunner().invoke(app, ["review", "--run", "first", episodes[0].id, "--annotator", "bob"], input="s90\nq")
    assert done.exit_code == 0 and [each.annotator for each in said()] == ["bob"], done.output
    monkeypatch.setenv("JOURNEYMAN_ANNOTATOR", "cleo")
    data = json.loads(CliRunner().invoke(app, ["review", "next", "--json", "--run", "first"]).stdout)
    assert data["annotator"] == "cleo" and data["run"].endswith("first")
    alone = CliRunner().invoke(app, ["review", "agreement", "--json"])
    assert json.loads(alone.stdout)["kinds"][0]["single"] == 1, "the run written to last"
    twice = CliRunner().invoke(app, ["review", "agreement", "first", "runs/first", "--json"])
    assert twice.stdout == alone.stdout, "a run that is named twice is one"


def test_conflicts_are_settled_with_a_reason(review: Review, episodes: tuple[Episode, Episode]) -> None:
    review("n+n-s90\nrA>B\n\nq")
    review("n-n-s80\nrB>A\n\nq", who="bob")
    runner = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
    listed = json.loads(runner.invoke(app, ["review", "adjudicate", "first", "--json"]).stdout)
    assert sorted(each["kind"] for each in listed["conflicts"]) == ["ranking", "step"], "80 and 90 is no conflict"
    shown = runner.invoke(app, ["review", "adjudicate", "first", "--as", "cy"], input="92bob is right\n0neither\n")
    assert shown.exit_code == 0 and "2 conflicts settled, 0 left" in shown.output
    assert "bob:" not in shown.output and "ada:" not in shown.output, "who said it is no reason"
    one, none = (each for each in said() if isinstance(each, Adjudication))
    kinds = {each.id: each for each in said()}
    assert {kinds[id_].annotator for id_ in one.of} == {"ada", "bob"}
    assert kinds[one.holds].annotator == "bob" and one.reason == "bob is right" and none.holds is None
    again = runner.invoke(app, ["review", "adjudicate", "first", "--as", "cy"], input="")
    assert "0 conflicts settled, 0 left" in again.output


def test_what_was_judged_by_an_older_meaning_is_neither_counted_nor_settled(episodes: tuple[Episode, Episode]) -> None:
    old, new = (
        Guideline(name="mine", version=number, title="Mine", items=(Item(id="small", kind="must", text=text),))
        for number, text in ((1, "Change little."), (2, "Change nothing."))
    )
    log = FeedbackLog(Path("runs/first"))
    log.keep_guideline(old, "ada", "page")
    by_old = {"at": AT, "episode": episodes[0].id, "step": 1, "item": ItemRef.of(old, old.items[0])}
    log.write(StepLabel(id="a", annotator="ada", label="good", **by_old))
    log.write(StepLabel(id="b", annotator="bob", label="bad", **by_old))

    def told(*words: str) -> Any:
        return json.loads(CliRunner().invoke(app, ["review", *words, "first", "--json"]).stdout)

    assert len(told("agreement")["contested"]) == len(told("adjudicate")["conflicts"]) == 1
    log.keep_guideline(new, "ada", "page")  # the newest that the feedback holds: nobody names it
    assert told("agreement")["contested"] == told("adjudicate")["conflicts"] == []


def test_a_conflict_that_is_forgotten_meanwhile_is_passed_over(
    review: Review, episodes: tuple[Episode, Episode], monkeypatch: pytest.MonkeyPatch
) -> None:
    review("n+q")
    review("n-q", who="bob")

    def then_forgotten(reviewer: Reviewer) -> tuple[Contested, ...]:
        found = conflicts(reviewer)
        forget(reviewer.store.folder, "bob", dry_run=False)
        return found

    monkeypatch.setattr("journeyman.review_adjudicate.conflicts", then_forgotten)
    shown = CliRunner().invoke(app, ["review", "adjudicate", "first", "--as", "cy"], input="1why\n")
    assert shown.exit_code == 0 and "taken out meanwhile" in shown.output
    assert [each.annotator for each in said()] == ["ada"]


def test_drafts_of_a_critic_are_accepted_edited_or_rejected(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    class Critic(NoOpPolicy):
        def act(self, observation: Observation) -> Action:
            rows = [{"step": 2, "body": f"draft {number}", "category": "scope"} for number in range(3)]
            return Action("report", {}, text="\n".join(["As asked:", *map(json.dumps, rows)]))

    monkeypatch.setattr("journeyman.cli_review_settle.open_critic", lambda spec: Critic())
    runner = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
    words = ["review", "draft", "first", "--critic", "local:some", "--limit", "1", "--json"]
    done = json.loads(runner.invoke(app, words).stdout)
    assert (done["episodes"], done["drafts"], done["malformed"]) == (1, 3, 1) and "line 1" in done["why"][0]
    drafted = said()
    assert all(each.draft and each.origin == "critic:local:some" for each in drafted)
    of = [each.id for each in EpisodeStore("runs/first").episodes()].index(drafted[0].episode)
    shown = review("nnym, in my words\nxxq", of=of)
    assert shown.output.count("draft, y accept") == 3 + 2 + 1 and "no draft of a critic waits" in shown.output
    answers = {each.of: each for each in said() if isinstance(each, Answer)}
    assert [answers[each.id].decision for each in drafted] == ["accepted", "edited", "rejected"]
    own = next(each for each in said() if each.id == answers[drafted[1].id].by)
    assert own.body == "draft 1, in my words" and own.annotator == "ada" and own.place.step == 2 and not own.draft
    (whole, _) = json.loads(runner.invoke(app, ["review", "critic", "first", "--json"]).stdout)
    assert (whole["accepted"]["successes"], whole["accepted"]["trials"], whole["edited"]) == (1, 3, 1)
    assert "1/3 = 33.3%" in runner.invoke(app, ["review", "critic", "first"]).output
    assert json.loads(runner.invoke(app, words).stdout)["episodes"] == 1, "the next episode; the first is done"


@pytest.mark.parametrize("error,code", [(TokenLimit("too long"), 0), (PolicyError("no server answers"), 2)])
def test_a_critic_that_gives_no_answer(
    review: Review, monkeypatch: pytest.MonkeyPatch, error: PolicyError, code: int
) -> None:
    """An episode too long for it is passed over; a server that is gone ends the command."""

    class Critic(NoOpPolicy):
        def act(self, observation: Observation) -> Action:
            raise error

    monkeypatch.setattr("journeyman.cli_review_settle.open_critic", lambda spec: Critic())
    done = CliRunner().invoke(app, ["review", "draft", "first", "--critic", "local:some"])
    assert done.exit_code == code and str(error) in done.output
    assert said() == []
