"""From a row back to who said it, and from what somebody said to what it became."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from journeyman.envs.feedback.log import FeedbackLog
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.provenance import note_rows, of_feedback
from journeyman.training.feedback.rows import PairOf
from journeyman.training.feedback.trace import GONE, Trace, origin_of, rows_named, trained
from tests.training.feedback.saying import SCOPE, forget, run, say
from tests.training.preferring import episode, view

A, B, C = (episode(f"20260101T000000-{name}", 0.0, view(f"{name}.py")) for name in ("aa", "bb", "cc"))


def reviewed(tmp_path: Path) -> Path:
    return run(
        tmp_path / "run", [A, B, C],
        say("ranking", "r", "ada", episodes=[A.id, B.id], ranks=[1, 2], item=SCOPE, reason="it is smaller"),
        say("score", "s", "bob", episode=C.id, value=0.5),
        say("score", "m", "bot", simulated=True, episode=A.id, value=1),
    )  # fmt: skip


def test_a_row_tells_who_said_it_in_which_words_and_by_which_version(tmp_path: Path) -> None:
    compile_feedback([reviewed(tmp_path)], tmp_path / "rows")
    trace = Trace(tmp_path / "rows")
    (pair,) = [each for each in trace.of_episode(A.id) if isinstance(each.row, PairOf)]
    assert trace.row(pair.row.id) == pair
    (said,) = pair.sources
    assert (said.source.annotator, said.source.item, said.source.digest) == ("ada", "conduct@1/scope", SCOPE.digest)
    assert "it is smaller" in said.words


def test_an_entry_tells_what_it_became(tmp_path: Path) -> None:
    compile_feedback([reviewed(tmp_path)], tmp_path / "rows")
    trace = Trace(tmp_path / "rows")
    rows, left_out = trace.of_entry("r")
    assert sorted(each.file for each in rows) == ["labels.jsonl", "labels.jsonl", "pairs.jsonl"] and not left_out
    rows, left_out = trace.of_entry("m")
    assert not rows and [each.reason for each in left_out] == ["simulated"]


def test_a_trained_row_leads_back_and_forgets_with_the_person(tmp_path: Path) -> None:
    source, model = reviewed(tmp_path), tmp_path / "model"
    model.mkdir()
    compile_feedback([source], tmp_path / "rows")
    pair = next(each.row for each in Trace(tmp_path / "rows").rows if isinstance(each.row, PairOf))
    note_rows(model, [of_feedback(pair, (A.id, B.id), tmp_path / "rows", model, "trained")])
    assert b"ada" not in (model / "rows.jsonl").read_bytes(), "the name stays with what was said"
    (row,) = trained(model)
    assert row.row.origin == "person" and row.row.items == ("conduct@1/scope",)
    assert [said.source.annotator for said in row.sources] == ["ada"]
    forget(source, "ada")
    compile_feedback([source], tmp_path / "rows")
    (row,) = trained(model)
    assert row.sources == () and row.why_gone == GONE


def test_a_trained_row_is_nobodys_who_judged_the_same_later(tmp_path: Path) -> None:
    source, rows, model = reviewed(tmp_path), tmp_path / "rows", tmp_path / "model"
    model.mkdir()
    compile_feedback([source], rows)
    pair = next(each.row for each in Trace(rows).rows if isinstance(each.row, PairOf))
    taken = of_feedback(pair, (A.id, B.id), rows, model, "trained")
    note_rows(model, [taken])
    other = run(tmp_path / "more" / "run", [])
    compile_feedback([other, source], rows)
    assert trained(model)[0].sources, "the run is called otherwise beside another one"
    forget(source, "ada")
    FeedbackLog(source).write(say("ranking", "r2", "bob", episodes=[A.id, B.id], ranks=[2, 1]))
    compile_feedback([source], rows)
    (anew,) = [each for each in Trace(rows).rows if each.row.id == pair.id]
    assert [said.source.annotator for said in anew.sources] == ["bob"]
    (row,) = trained(model)
    assert row.sources == () and row.why_gone == GONE
    assert rows_named([f"row {pair.id}: x"], Trace(rows)) == [anew]
    assert rows_named([f"row {pair.id}: x"], Trace(rows), [taken]) == []
    older = {name: value for name, value in json.loads(taken.model_dump_json()).items() if name != "digest"}
    (model / "rows.jsonl").write_text(json.dumps(older) + "\n")
    assert trained(model)[0].sources == anew.sources, "an older version kept no more than the id"


def test_compiled_feedback_that_cannot_be_read_is_not_taken_back(tmp_path: Path) -> None:
    rows, model = tmp_path / "rows", tmp_path / "model"
    model.mkdir()
    compile_feedback([reviewed(tmp_path)], rows)
    pair = next(each.row for each in Trace(rows).rows if isinstance(each.row, PairOf))
    note_rows(model, [of_feedback(pair, (A.id, B.id), rows, model, "trained")])
    (rows / "pairs.jsonl").write_text("{}\n")
    assert "was changed after it was compiled" in trained(model)[0].why_gone
    shutil.rmtree(rows)
    (row,) = trained(model)
    assert row.sources == () and "holds no compiled feedback" in row.why_gone and "took back" not in row.why_gone


@pytest.mark.parametrize(
    ("term", "source", "origin"),
    [
        ("outcome", "3 of 4 checks passed (fresh)", "test"),
        ("outcome", "rule: nothing was changed", "rule"),
        ("milestones", "1 of 3 milestones closed", "test"),
        ("honesty", "no false claim", "rule"),
        ("learned:people", "row score-1: scored by 1 of 1 annotators", "person"),
        ("learned:simulated", "row score-1: scored by 1 of 1 annotators", "simulated"),
        ("learned:reviews", "simulated: 1 of 1 comments resolved; resolved c1", "simulated"),
        ("learned:reviews", "person: no comments", "person"),
        ("learned:preference", "runs/reward/model", "model"),
        ("step", "row step-1: judged by 1 of 1 annotators", "person"),
        ("step", "simulated: row step-1: judged by 1 of 1 annotators", "simulated"),
    ],
)
def test_every_term_is_decided_by_a_test_a_rule_a_person_or_a_model(term: str, source: str, origin: str) -> None:
    assert origin_of(term, source) == origin
