"""`feedback claims` from the outside: what it prints and leaves, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.envs.feedback.log import FeedbackLog
from tests.journeyman.conftest import Call
from tests.training.feedback.saying import run, say
from tests.training.skills.reporting import OLD, A, B, cut_off, edited, ended, looked, reported, saw

RED = saw(B, OLD, failed=[A])
LIAR = ended(edited(), RED, reported(("tests_pass", ""), ("changed", "shop.py")), name="20260101T000000-aa")
STUCK = cut_off(RED, edited(), RED, looked("shop.py"), name="20260101T000000-dd")


@pytest.fixture
def lied(call: Call) -> Path:
    return run(Path("runs/mine"), [LIAR, STUCK])


def test_the_record_speaks_once(call: Call, lied: Path) -> None:
    dry = call("feedback", "claims", "mine", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "1 report of 2 episodes" in dry.stdout and "claims: 1 false, 1 true" in dry.stdout
    assert "would be added: 2 lines of rule.record" in dry.stdout and not FeedbackLog(lied).read().entries
    done = call("feedback", "claims", "mine", "mine")
    assert "added: 2 lines" in done.stdout and len(FeedbackLog(lied).read().entries) == 2
    again = call("feedback", "claims", "mine")
    assert "added: 0 lines of rule.record, 2 known before" in again.stdout


def test_json_tells_the_rule_and_its_counts(call: Call, lied: Path) -> None:
    made = json.loads(call("feedback", "claims", lied, "--at-limits", "--json").stdout)
    assert (made["annotator"], made["version"], made["dry_run"]) == ("rule.record", 3, False)
    (counts,) = made["runs"]
    assert counts["labels"] == {"false": 1, "true": 1} and (counts["corrections"], counts["added"]) == (1, 3)


def test_a_rule_is_seen_as_one_wherever_feedback_is_shown(call: Call, lied: Path) -> None:
    FeedbackLog(lied).write(say("claim", "a", "ada", episode=LIAR.id, claim=0, label="true"))
    call("feedback", "claims", "mine")
    assert "rule.record" in call("feedback", "list", "--run", "mine").stdout
    call("feedback", "compile", "mine", "--out", "rows")
    traced = call("feedback", "trace", "rows").stdout
    assert "rule rule.record@3" in traced and "person ada" in traced
    agreement = json.loads(call("review", "agreement", "mine", "--json").stdout)
    assert agreement["kinds"][0]["annotators"] == ["ada"]
    with_rules = json.loads(call("review", "agreement", "mine", "--rules", "--json").stdout)
    assert with_rules["kinds"][0]["annotators"] == ["ada", "rule.record"]


def test_what_a_rule_said_can_be_taken_back_and_stays_so(call: Call, lied: Path) -> None:
    call("feedback", "claims", "mine")
    undone = call("feedback", "undo", "last", "--annotator", "rule.record", "--run", "mine")
    assert undone.exit_code == 0, undone.output
    assert "1 not said again" in call("feedback", "claims", "mine").stdout
    gone = call("feedback", "forget", "rule.record", "--run", "mine", "--yes")
    assert gone.exit_code == 0 and not FeedbackLog(lied).read().entries
    assert "added: 2 lines" in call("feedback", "claims", "mine").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("feedback", "claims", "nowhere"), "no episodes in nowhere"),
        (("feedback", "add", "last", "--annotator", "rule.mine", "--claim", "0", "--label", "true"), "names a rule"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, lied: Path, words: tuple[str, ...], said: str) -> None:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr
