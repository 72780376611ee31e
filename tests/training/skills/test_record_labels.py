"""The record as an annotator: marked as a rule everywhere, idempotent, outweighed by people, and compiled to rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from journeyman.envs.actions import Action, Report
from journeyman.envs.claims import Standing, check_claims
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ENTRY, ClaimLabel, Entry, Undo
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.feedback.standing import finder, standing
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.training.feedback.agreement import ratings
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled
from journeyman.training.feedback.provenance import of_feedback
from journeyman.training.feedback.queue import spoken_of
from journeyman.training.feedback.trace import Trace
from journeyman.training.skills import record_labels
from journeyman.training.skills.record_labels import NAME, ORIGIN, label_run
from tests.making import tiny_task
from tests.training.feedback.saying import rows, run, say
from tests.training.groups import episode as of_task
from tests.training.skills.reporting import (
    OLD,
    SOLVED,
    A,
    B,
    cut_off,
    edited,
    ended,
    looked,
    reported,
    saw,
)

RED, GREEN = saw(B, OLD, failed=[A]), saw(A, B, OLD)
LIAR = ended(edited(), RED, reported(("tests_pass", ""), ("changed", "shop.py")), name="20260101T000000-aa")
FAIR = ended(
    looked("till.py"), RED, edited(), GREEN, reported(("tests_pass", ""), ("fixed", A)), passing=SOLVED,
    name="20260101T000000-bb",
)  # fmt: skip
BLIND = ended(edited(), reported(("tests_pass", "")), name="20260101T000000-cc")
STUCK = cut_off(RED, edited(), RED, looked("shop.py"), name="20260101T000000-dd")
ALL = (LIAR, FAIR, BLIND, STUCK)


def labelled(tmp_path: Path, *entries: Entry, of: tuple[Episode, ...] = ALL, **options: bool) -> Path:
    folder = run(tmp_path / "run", of, *entries)
    label_run(folder, **options)
    return folder


def compiled(tmp_path: Path, folder: Path) -> Path:
    compile_feedback([folder], tmp_path / "rows")
    return tmp_path / "rows"


def labels(folder: Path) -> dict[tuple[str, int], str]:
    entries = FeedbackLog(folder).read().entries
    return {(e.episode, e.claim): e.label for e in entries if isinstance(e, ClaimLabel) and e.by_rule}


def test_every_claim_that_the_record_decides_is_labelled_with_how_it_is(tmp_path: Path) -> None:
    folder = labelled(tmp_path)
    assert labels(folder) == {
        (LIAR.id, 0): "false", (LIAR.id, 1): "true", (FAIR.id, 0): "true", (FAIR.id, 1): "true",
        (BLIND.id, 0): "false",  # others of the task ran the test that fails there
    }  # fmt: skip
    for entry in FeedbackLog(folder).read().entries:
        assert (entry.annotator, entry.origin, entry.simulated) == (NAME, ORIGIN, False)
        assert isinstance(entry, ClaimLabel) and bool(entry.limitation) == (entry.label == "false")
    judged = standing(FeedbackLog(folder).read(), finder(EpisodeStore(folder)), {})
    assert all(each.stands for each in judged)


def test_said_again_it_adds_nothing_and_a_dry_run_never_does(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", ALL)
    first = label_run(folder, dry_run=True)
    assert first.added == 5 and not FeedbackLog(folder).read().entries
    assert label_run(folder) == first
    before = FeedbackLog(folder).data()
    again = label_run(folder)
    assert (again.added, again.kept) == (0, 5) and FeedbackLog(folder).data() == before
    assert again.to_dict()["labels"] == {"false": 2, "true": 3}


def test_a_grown_run_and_a_new_version_take_the_place_of_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = labelled(tmp_path, of=(BLIND,))
    assert labels(folder) == {(BLIND.id, 0): "unverifiable"}
    run(folder, [LIAR])
    made = label_run(folder)
    assert (made.added, made.replaced) == (3, 1) and labels(folder)[BLIND.id, 0] == "false"
    monkeypatch.setattr(record_labels, "ORIGIN", "rule:record@4")
    made = label_run(folder)
    assert (made.added, made.replaced) == (3, 3)
    assert label_run(folder).added == 0
    live = [j.entry for j in standing(FeedbackLog(folder).read(), finder(EpisodeStore(folder)), {}) if j.stands]
    assert {entry.origin for entry in live} == {"rule:record@4"} and len(live) == 3


def test_a_failing_test_that_stands_in_the_repository_could_have_been_run(tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "task")
    lied = replace(of_task(edited(), reported(("tests_pass", "")), task=task, passing=()), id="20260101T000000-ee")
    folder = run(tmp_path / "run", [lied])
    label_run(folder)
    assert labels(folder) == {(lied.id, 0): "unverifiable"}, "nobody ran it, and who knows of it?"
    assert label_run(folder, lambda _: task).replaced == 1
    assert labels(folder) == {(lied.id, 0): "false"}


def test_what_was_taken_back_is_not_said_again(tmp_path: Path) -> None:
    folder = labelled(tmp_path, of=(LIAR,))
    entry = FeedbackLog(folder).read().entries[0]
    back = Undo(id=new_episode_id(), annotator=NAME, at=now(), origin=ORIGIN, of=entry.id)
    FeedbackLog(folder).write(back)
    made = label_run(folder)
    assert (made.added, made.taken_back) == (0, 1)
    assert [row["claim"] for row in rows(compiled(tmp_path, folder), "claims")] == [1]


def test_nobody_else_is_called_a_rule_and_a_rule_says_no_more_than_the_record() -> None:
    label = {"episode": LIAR.id, "claim": 0, "label": "true"}
    with pytest.raises(ValidationError, match="names a rule"):
        say("claim", "x", "rule.record", **label)
    with pytest.raises(ValidationError, match="names a rule"):
        say("claim", "x", "ada", origin=ORIGIN, **label)
    with pytest.raises(ValidationError, match="the record decides"):
        say("score", "x", NAME, origin=ORIGIN, episode=LIAR.id, value=1)
    old = json.dumps({"kind": "claim", "id": "x", "annotator": "ruler", "at": "2026-01-01", **label})
    assert not ENTRY.validate_json(old).by_rule


def test_false_reports_and_those_that_hold_become_rows_that_name_the_rule(tmp_path: Path) -> None:
    out = compiled(tmp_path, labelled(tmp_path))
    said = {row["episode"]: row for row in rows(out, "corrected")}
    assert set(said) == {LIAR.id, BLIND.id, FAIR.id}
    assert said[LIAR.id]["action"]["claims"] == [
        {"kind": "changed", "subject": "shop.py"}, {"kind": "tests_run", "subject": ""},
        {"kind": "not_done", "subject": A},
    ]  # fmt: skip
    assert said[FAIR.id]["action"]["claims"] == [dict(c) for c in FAIR.steps[-1].action.arguments["claims"]]
    pairs = rows(out, "pairs")
    kinds = Counter((row["chosen"]["episode"], row["chosen"]["action"] is None) for row in pairs)
    assert kinds == {(LIAR.id, False): 1, (BLIND.id, False): 1, (FAIR.id, True): 2}, "planted, and a needless refusal"
    for row in (*said.values(), *pairs, *rows(out, "claims")):
        for source in row["sources"]:
            assert (source["annotator"], source["origin"]) == ("rule.record@3", "rule")
    assert rows(out, "claims")[0]["said"] == "false, says rule.record@3"
    trace = Trace(out)
    (row,) = [each for each in trace.of_episode(BLIND.id) if each.file == "pairs.jsonl"]
    assert row.sources[0].source.origin == "rule" and "run." in row.sources[0].words
    assert of_feedback(row.row, (BLIND.id,), out, tmp_path, "trained").origin == "rule"


def test_whole_episodes_are_labelled_by_their_reports_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    found = {row["episode"]: row for row in rows(compiled(tmp_path, labelled(tmp_path)), "labels")}
    assert {id_: row["desirable"] for id_, row in found.items()} == {LIAR.id: False, BLIND.id: False, FAIR.id: True}
    assert found[FAIR.id]["said"] == "its report holds, by the record"
    likes = say("score", "s", "ada", episode=LIAR.id, value=0.9)
    other = rows(compiled(tmp_path / "liked", labelled(tmp_path / "liked", likes)), "labels")
    assert {row["episode"]: row["desirable"] for row in other}[LIAR.id], "a person comes before a rule"


def test_no_report_that_is_to_be_learned_is_refuted(tmp_path: Path) -> None:
    made = Compiled(compiled(tmp_path, labelled(tmp_path, at_limits=True)))
    assert len(made.imitated()) == 4
    for each in (*(item.episode for item in made.imitated()), *(pair.chosen for pair in made.preferences())):
        report = each.steps[-1].action.parsed()
        assert isinstance(report, Report) and report.claims
        assert all(f.standing is not Standing.CONTRADICTED for f in check_claims(report.claims, each.steps[:-1]))
    for pair in made.preferences():
        assert pair.shared == len(pair.chosen.steps) - 1 == len(pair.rejected.steps) - 1
        assert pair.by == "rule.record@3"


def test_an_episode_that_a_limit_ended_is_corrected_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = labelled(tmp_path, at_limits=True)
    (row,) = [each for each in rows(compiled(tmp_path, folder), "corrected") if each["episode"] == STUCK.id]
    assert row["step"] == 4 and row["action"]["tool"] == "report" and row["said"] == "corrected by rule.record@3"
    assert label_run(folder).added == 0 and label_run(folder, at_limits=True).kept == 6


def test_people_outweigh_the_record_and_may_lean_on_its_words(tmp_path: Path) -> None:
    folder = labelled(
        tmp_path, say("claim", "a", episode=LIAR.id, claim=0, label="true"),
        say("claim", "b", episode=BLIND.id, claim=0, label="false"),
    )  # fmt: skip
    manifest = compile_feedback([folder], tmp_path / "rows")
    told = {(row["episode"], row["claim"]): row for row in rows(tmp_path / "rows", "claims")}
    assert told[LIAR.id, 0]["label"] == "true"
    assert [s["origin"] for s in told[LIAR.id, 0]["sources"]] == ["person"]
    assert {s["origin"] for s in told[BLIND.id, 0]["sources"]} == {"person", "rule"}
    assert told[BLIND.id, 0]["said"] == "false, says 1 of 1 annotators" and told[BLIND.id, 0]["limitation"]
    assert manifest.left_out == {"a person judged the same": 1}, "that of the liar's first claim"
    assert "no rule counts" in " ".join(manifest.rules)


def test_what_only_people_say_is_compiled_as_ever(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run", ALL, say("claim", "a", episode=LIAR.id, claim=0, label="false", limitation="one fails"),
        say("claim", "b", episode=FAIR.id, claim=0, label="true"),
    )  # fmt: skip
    (row,) = rows(compiled(tmp_path, folder), "corrected")
    assert row["action"] == {
        "tool": "report", "summary": "one fails",
        "claims": [{"kind": "changed", "subject": "shop.py"}, {"kind": "not_done", "subject": "one fails"}],
    }  # fmt: skip
    assert len(rows(tmp_path / "rows", "pairs")) == 1


def test_the_record_comes_before_programs_that_stand_in_for_people(tmp_path: Path) -> None:
    folder = labelled(
        tmp_path, say("claim", "a", "sim.x", simulated=True, episode=LIAR.id, claim=0, label="true"),
        say("claim", "b", "sim.y", simulated=True, episode=LIAR.id, claim=0, label="true"), of=(LIAR,),
    )  # fmt: skip
    manifest = compile_feedback([folder], tmp_path / "rows", simulated=True)
    assert [row["label"] for row in rows(tmp_path / "rows", "claims")] == ["false", "true"]
    assert manifest.left_out == {"the record decides the same": 2}


def test_agreement_and_the_queue_take_a_rule_for_nobody(tmp_path: Path) -> None:
    folder = labelled(tmp_path, say("claim", "a", episode=LIAR.id, claim=0, label="true"))
    judged = standing(FeedbackLog(folder).read(), finder(EpisodeStore(folder)), {})
    assert {rating.annotator for rating in ratings(judged)} == {"ada"}
    assert {rating.annotator for rating in ratings(judged, rules=True)} == {"ada", NAME}
    assert spoken_of(judged) == {LIAR.id}


def test_a_hostile_report_leaves_plain_words_and_a_whole_log(tmp_path: Path) -> None:
    odd = ("\x1b[31mtests/x.py\x1b[0m", "a\nb\u2028c", "\u202etxt.exe", "x" * 100_000, "</script>")
    claims = [{"kind": kind, "subject": each} for each in odd for kind in ("changed", "tests_run", "fixed")]
    claims.append({"kind": "tests_pass", "subject": ""})
    report = replace(reported(), action=Action("report", {"summary": "y" * 100_000, "claims": claims}))
    made = ended(edited(), RED, report)
    thousands = reported(*(("changed", f"{n}.py") for n in range(3000)))
    many = replace(made, id="20260101T000000-ee", steps=(edited(), RED, thousands))
    folder = labelled(tmp_path, of=(made, many))
    log = FeedbackLog(folder)
    assert log.read().unreadable == () and len(log.data()) < 60_000
    assert b"\\u001b" not in log.data() and "\u202e" not in log.data().decode()
    (one, other) = rows(compiled(tmp_path, folder), "corrected")
    assert len(json.dumps(one)) < 12_000 and len(json.dumps(other)) < 12_000


def test_an_empty_run_and_a_record_without_an_end(tmp_path: Path) -> None:
    folder = labelled(tmp_path, of=(ended(), replace(FAIR, verdict=None, reward=None, terms=())))
    assert labels(folder) == {(FAIR.id, 0): "true", (FAIR.id, 1): "true"}
    (pair,) = rows(compiled(tmp_path, folder), "pairs")
    assert "a false claim" in pair["said"], "nothing says that it is solved, so giving up may be right"
