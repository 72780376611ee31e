"""What people said becomes rows: each names who said it, nothing is used in silence, nothing dropped in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.manifest import CompiledError, Manifest
from tests.training.feedback.saying import CONDUCT, READABLE, SCOPE, forget, rows, run, say, told
from tests.training.preferring import episode, view

FOUR = [episode(name, 0.0, view(f"{name}.py")) for name in ("20260101T000000-aa", "20260101T000000-bb",
                                                             "20260101T000000-cc", "20260101T000000-dd")]  # fmt: skip
A, B, C, D = (each.id for each in FOUR)


def compiled(tmp_path: Path, *entries: Entry, **options: Any) -> Manifest:
    return compile_feedback([run(tmp_path / "run", FOUR, *entries)], tmp_path / "out", **options)


def reasons(tmp_path: Path) -> dict[str, str]:
    return {row["entry"]: row["reason"] for row in rows(tmp_path / "out", "left_out")}


def by(row: dict[str, Any]) -> list[str]:
    return [source["entry"] for source in row["sources"]]


def test_a_ranking_is_every_strict_pair_with_its_margin_and_who_said_it(tmp_path: Path) -> None:
    compiled(tmp_path, say("ranking", "r", episodes=[A, B, C], ranks=[1, 2, 2], item=SCOPE))
    found = rows(tmp_path / "out", "pairs")
    assert [(r["chosen"]["episode"], r["rejected"]["episode"]) for r in found] == [(A, B), (A, C)]
    assert {r["margin"] for r in found} == {0.333333}
    assert found[0]["sources"] == [
        {"run": "run", "entry": "r", "annotator": "ada", "origin": "person", "item": "conduct@1/scope",
         "digest": SCOPE.digest, "at": "2026-01-01T00:00:00Z"}
    ]  # fmt: skip
    labels = {r["episode"]: r["desirable"] for r in rows(tmp_path / "out", "labels")}
    assert labels == {A: True, B: False, C: False}  # the ends of the ranking


def test_the_majority_decides_and_a_tie_is_left_out_and_told(tmp_path: Path) -> None:
    entries = [say("ranking", f"r{i}", who, episodes=[A, B], ranks=ranks) for i, (who, ranks) in
               enumerate([("ada", [1, 2]), ("bob", [1, 2]), ("cy", [2, 1])])]  # fmt: skip
    entries += [say("ranking", "t1", "ada", episodes=[C, D], ranks=[1, 2]),
                say("ranking", "t2", "bob", episodes=[C, D], ranks=[2, 1])]  # fmt: skip
    manifest = compiled(tmp_path, *entries)
    (row,) = rows(tmp_path / "out", "pairs")
    assert by(row) == ["r0", "r1"] and row["chosen"]["episode"] == A and "2 of 3 annotators" in row["said"]
    assert manifest.left_out == {"annotators disagree": 2, "the majority says otherwise": 1}


def test_an_adjudication_comes_before_any_majority(tmp_path: Path) -> None:
    entries = [say("step", f"s{i}", who, episode=A, step=1, label=label) for i, (who, label) in
               enumerate([("ada", "good"), ("bob", "good"), ("cy", "bad"), ("di", "good")])]  # fmt: skip
    compiled(tmp_path, *entries, say("adjudication", "x", "eve", of=["s0", "s1", "s2"], holds="s2"))
    (row,) = rows(tmp_path / "out", "steps")
    assert row["value"] == -1 and by(row) == ["s2"]
    assert reasons(tmp_path)["s3"] == "an adjudication holds by another"
    assert reasons(tmp_path)["s0"] == "settled"


def test_an_adjudicated_ranking_decides_only_what_was_settled(tmp_path: Path) -> None:
    entries = [say("ranking", "r1", "ada", episodes=[A, B], ranks=[1, 2]),
               say("ranking", "r2", "bob", episodes=[A, B, C], ranks=[2, 1, 3]),
               *(say("ranking", who, who, episodes=[A, C], ranks=[2, 1]) for who in ("cy", "di", "eve"))]  # fmt: skip
    compiled(tmp_path, *entries, say("adjudication", "x", "fay", of=["r1", "r2"], holds="r2"))
    found = {(r["chosen"]["episode"], r["rejected"]["episode"]): by(r) for r in rows(tmp_path / "out", "pairs")}
    assert found == {(B, A): ["r2"], (B, C): ["r2"], (C, A): ["cy", "di", "eve"]}


def test_a_program_settles_nothing_between_people(tmp_path: Path) -> None:
    entries = [say("step", f"s{i}", who, episode=A, step=1, label=label) for i, (who, label) in
               enumerate([("ada", "good"), ("bob", "good"), ("cy", "bad")])]  # fmt: skip
    judge = say("adjudication", "x", "sim", simulated=True, of=["s0", "s1", "s2"], holds="s2")
    compiled(tmp_path, *entries, judge, simulated=True)
    (row,) = rows(tmp_path / "out", "steps")
    assert row["value"] == 1.0 and by(row) == ["s0", "s1", "s2"]


def test_what_a_program_settles_between_programs_does_not_silence_a_person(tmp_path: Path) -> None:
    def program(id_: str, by: str, on: str, value: float) -> Entry:
        return say("score", id_, by, simulated=True, episode=on, value=value)

    entries = [
        program("a1", "sim.a", A, 0.0), program("a2", "sim.b", A, 1.0), say("score", "p", episode=A, value=1.0),
        program("b1", "sim.a", B, 0.0), program("b2", "sim.b", B, 1.0), program("b3", "sim.c", B, 1.0),
    ]  # fmt: skip
    judges = [say("adjudication", f"j{on}", "sim.j", simulated=True, of=[f"{on}1", f"{on}2"], holds=f"{on}1")
              for on in "ab"]  # fmt: skip
    compiled(tmp_path, *entries, *judges, simulated=True)
    found = {r["episode"]: (r["value"], by(r)) for r in rows(tmp_path / "out", "scores")}
    assert found == {A: (1.0, ["p"]), B: (0.0, ["b1"])}
    person = say("adjudication", "own", "eve", of=["a1", "a2"], holds="a1", at="2026-01-02T00:00:00Z")
    FeedbackLog(tmp_path / "run").write(person)
    compile_feedback([tmp_path / "run"], tmp_path / "out", simulated=True)
    assert by(rows(tmp_path / "out", "scores")[0]) == ["a1"], "a person has said that it holds"


def test_who_resolves_a_blocking_comment(tmp_path: Path) -> None:
    def comment(id_: str, by: str, **more: Any) -> Entry:
        return say("critique", id_, by, origin="episode", body="no", severity="blocking", **more)

    def end(of: str, by: str, second: int, resolved: bool, **more: Any) -> Entry:
        at = f"2026-01-01T00:00:{second:02}Z"
        return say("resolution", f"{of}-{second}", by, origin="episode", of=of, resolved=resolved, at=at, **more)

    entries = [
        comment("a", "ada", episode=A), end("a", "sim.r", 1, True, simulated=True),
        comment("b", "ada", episode=B), end("b", "ada", 2, False), end("b", "rule", 1, True),
        comment("c", "ada", episode=C), end("c", "ada", 2, True), end("c", "ada", 1, False), end("c", "rule", 3, False),
        comment("d", "sim.r", episode=D, simulated=True), end("d", "sim.r", 2, True, simulated=True),
        end("d", "rule", 1, False),
    ]  # fmt: skip
    for simulated in (False, True):
        compile_feedback([run(tmp_path / f"run{simulated}", FOUR, *entries)], tmp_path / "out", simulated=simulated)
        assert [r["episode"] for r in rows(tmp_path / "out", "labels")] == [A, B], "those that are left open"


def test_of_one_annotator_the_latest_counts(tmp_path: Path) -> None:
    compiled(tmp_path, *(say("score", f"s{i}", episode=A, value=value) for i, value in enumerate((0.0, 0.9))))
    (row,) = rows(tmp_path / "out", "scores")
    assert row["value"] == 0.9 and by(row) == ["s1"]
    assert set(reasons(tmp_path)) == {"s0"}


def test_the_latest_is_told_by_its_time_and_not_by_its_line(tmp_path: Path) -> None:
    draft = {"draft": True, "origin": "critic:tiny", "at": "2026-01-01T00:00:01Z"}
    entries = [
        say("ranking", "new", episodes=[A, B], ranks=[1, 2], at="2026-01-01T00:00:30Z"),
        say("ranking", "old", episodes=[A, B, C], ranks=[2, 1, 3], at="2026-01-01T00:00:02Z"),
        say("score", "draft", "critic", episode=A, value=1.0, **draft),
        say("answer", "yes", of="draft", decision="accepted", at="2026-01-01T00:00:30Z"),
        say("score", "own", episode=A, value=0.0, at="2026-01-01T00:00:02Z"),
    ]
    for number, said in enumerate((entries, entries[::-1])):
        compile_feedback([run(tmp_path / str(number), FOUR, *said)], tmp_path / "out")
        assert [by(row) for row in rows(tmp_path / "out", "pairs")] == [["new"], ["old"], ["old"]]
        assert [by(row) for row in rows(tmp_path / "out", "scores")] == [["draft"]], "as said when it was accepted"


def test_what_is_simulated_stays_apart_unless_asked_for_and_never_outweighs_a_person(tmp_path: Path) -> None:
    entries = [say("score", f"m{i}", f"sim{i}", simulated=True, episode=A, value=1.0) for i in range(3)]
    entries += [say("score", "p", episode=A, value=0.0), say("score", "m9", "sim", simulated=True, episode=B, value=1)]
    manifest = compiled(tmp_path, *entries)
    assert [(r["episode"], r["value"]) for r in rows(tmp_path / "out", "scores")] == [(A, 0.0)]
    assert manifest.left_out == {"simulated": 4} and not manifest.simulated
    manifest = compile_feedback([tmp_path / "run"], tmp_path / "out", simulated=True)
    found = {r["episode"]: r for r in rows(tmp_path / "out", "scores")}
    assert found[A]["value"] == 0.0 and by(found[A]) == ["p"]
    assert found[B]["value"] == 1.0 and found[B]["sources"][0]["origin"] == "simulated"
    assert manifest.files["scores.jsonl"].simulated == 1
    assert manifest.left_out == {"a person judged the same": 3}


def test_a_program_outweighs_no_person_by_another_item(tmp_path: Path) -> None:
    def program(kind: str, **what: Any) -> Entry:
        return say(kind, f"sim-{kind}", "sim.x", simulated=True, item=SCOPE, **what)  # which weighs 3

    entries = [
        say("ranking", "r", episodes=[A, B], ranks=[1, 2]), program("ranking", episodes=[A, B], ranks=[2, 1]),
        say("score", "s", episode=A, value=1.0), program("score", episode=A, value=0.0),
        say("step", "l", episode=A, step=1, label="good"), program("step", episode=A, step=1, label="bad"),
        say("score", "t1", "ada", episode=B, value=1.0, item=READABLE),
        say("score", "t2", "bob", episode=B, value=0.0, item=READABLE),
        say("score", "alone", "sim.x", simulated=True, episode=B, value=0.0, item=SCOPE),
    ]  # fmt: skip
    compiled(tmp_path, *entries, guidelines=[CONDUCT], simulated=True)
    assert {kind: [by(row) for row in rows(tmp_path / "out", kind)] for kind in ("pairs", "scores", "steps")} == {
        "pairs": [["r"]], "scores": [["s"]], "steps": [["l"]],
    }  # fmt: skip
    told = reasons(tmp_path)
    assert told.pop("t1") == told.pop("t2") == "annotators disagree", "where persons disagree no program decides"
    assert told == dict.fromkeys(["sim-ranking", "sim-score", "sim-step", "alone"], "a person judged the same")


def test_items_are_weighed_by_the_guideline(tmp_path: Path) -> None:
    entries = [say("score", "s", episode=A, value=1.0, item=SCOPE), say("score", "r", episode=A, value=0.0,
               item=READABLE), say("score", "w", "bob", episode=B, value=0.5)]  # fmt: skip
    manifest = compiled(tmp_path, *entries, guidelines=[CONDUCT])
    found = {r["episode"]: r for r in rows(tmp_path / "out", "scores")}
    assert found[A]["value"] == 0.75 and found[A]["parts"] == {"conduct/readable": 0.0, "conduct/scope": 1.0}
    assert manifest.guidelines["conduct"].weights == {"scope": 3.0, "readable": 1.0}
    labels = {r["episode"]: r["desirable"] for r in rows(tmp_path / "out", "labels")}
    assert labels == {A: True}  # half good is neither


def test_what_was_judged_under_an_older_meaning_is_not_used(tmp_path: Path) -> None:
    newer = CONDUCT.model_dump() | {"version": 2}
    newer["items"][0]["text"] = "Change as much as you like."
    read = say("guideline", "g", "bob", guideline=Guideline.model_validate(newer))
    compiled(tmp_path, say("score", "s", episode=A, value=1.0, item=SCOPE), read)
    assert reasons(tmp_path) == {"s": "stale"}


def test_a_step_is_a_number_by_labels_and_by_comments(tmp_path: Path) -> None:
    def comment(id_: str, step: int, severity: str, who: str = "ada") -> Entry:
        return say("critique", id_, who, episode=A, place={"step": step}, severity=severity, body=f"hm, {id_}")

    compiled(
        tmp_path, comment("minor", 1, "minor"), comment("major", 1, "major"), comment("note", 1, "note"),
        comment("mine", 2, "blocking"), say("step", "label", episode=A, step=2, label="good"),
        comment("far", 9, "major"), say("critique", "whole", episode=B, severity="blocking", body="no"),
    )  # fmt: skip
    steps = {r["step"]: r for r in rows(tmp_path / "out", "steps")}
    assert (steps[1]["value"], steps[2]["value"]) == (-0.5, 1.0)
    assert by(steps[1]) == ["major", "minor"] and by(steps[2]) == ["label"]
    assert reasons(tmp_path)["note"] == "nothing follows from it alone" and set(reasons(tmp_path)) == {"note", "far"}
    labels = {r["episode"]: (r["desirable"], by(r)) for r in rows(tmp_path / "out", "labels")}
    assert labels == {A: (False, ["mine"]), B: (False, ["whole"])}


def test_who_finds_an_episode_good_and_bad_gives_no_label(tmp_path: Path) -> None:
    manifest = compiled(
        tmp_path, say("score", "s", episode=A, value=1.0), say("critique", "c", "bob", episode=A, severity="blocking",
        body="no"), say("critique", "d", "bob", episode=B, severity="blocking", body="no"),
        say("resolution", "x", "bob", of="d", resolved=True),
    )  # fmt: skip
    assert rows(tmp_path / "out", "labels") == []
    assert manifest.undecided == (A,)
    assert reasons(tmp_path)["d"] == "blocked, and was attended to while the episode ran"


def test_a_correction_is_an_action_that_can_be_taken(tmp_path: Path) -> None:
    compiled(
        tmp_path, say("correction", "good", episode=A, step=1, action={"tool": "view", "path": "x.py"}),
        say("correction", "odd", episode=B, step=1, action={"tool": "dance"}),
        say("correction", "same", episode=C, step=1, action={"tool": "view", "path": f"{C}.py"}),
        say("correction", "far", episode=D, step=7, action={"tool": "test"}),
    )  # fmt: skip
    (row,) = rows(tmp_path / "out", "corrected")
    assert row["action"] == {"tool": "view", "path": "x.py"} and by(row) == ["good"]
    assert reasons(tmp_path)["same"] == "what was done already"
    assert set(reasons(tmp_path)) == {"odd", "same", "far"}


def test_a_false_claim_becomes_the_report_as_it_really_is(tmp_path: Path) -> None:
    liar = told("20260101T000000-ee", ("tests_pass", "all"), ("changed", "a.py"), ("fixed", "the sign"))
    entries = [
        say("claim", "c0", episode=liar.id, claim=0, label="false", limitation="two tests fail still"),
        say("claim", "c1", episode=liar.id, claim=1, label="true"),
        say("claim", "c9", episode=liar.id, claim=9, label="true"),
    ]
    compile_feedback([run(tmp_path / "run", [liar], *entries)], tmp_path / "out")
    (report,) = rows(tmp_path / "out", "corrected")
    assert report["step"] == 2 and by(report) == ["c0", "c1"]
    assert report["action"]["summary"] == "two tests fail still"
    assert report["action"]["claims"] == [
        {"kind": "changed", "subject": "a.py"}, {"kind": "fixed", "subject": "the sign"},
        {"kind": "not_done", "subject": "two tests fail still"},
    ]  # fmt: skip
    (pair,) = rows(tmp_path / "out", "pairs")
    assert pair["chosen"]["action"] == report["action"] and pair["rejected"] == {
        "episode": liar.id, "steps": None, "action": None,
    }  # fmt: skip
    assert [(r["claim"], r["label"]) for r in rows(tmp_path / "out", "claims")] == [(0, "false"), (1, "true")]
    assert set(reasons(tmp_path)) == {"c9"}, "there is no such claim"


def test_a_draft_counts_as_who_accepted_it(tmp_path: Path) -> None:
    draft = {"draft": True, "origin": "critic:tiny", "episode": A, "value": 1.0}
    compiled(
        tmp_path, say("score", "d1", "critic", **draft), say("score", "d2", "critic", **draft | {"episode": B}),
        say("answer", "a1", "bob", of="d1", decision="accepted"),
    )  # fmt: skip
    (row,) = rows(tmp_path / "out", "scores")
    assert row["sources"][0]["annotator"] == "bob" and row["episode"] == A
    assert reasons(tmp_path) == {"d2": "draft"}


def test_every_entry_is_in_a_row_or_in_the_list_of_what_is_not(tmp_path: Path) -> None:
    entries = [
        say("ranking", "r", episodes=[A, B, C, D], ranks=[1, 1, 2, 3]), say("score", "s", "bob", episode=A, value=0.6),
        say("step", "gone", episode="20260101T000000-zz", step=1, label="good"), say("undo", "u", of="s2"),
        say("score", "s2", episode=B, value=0.1), say("critique", "n", episode=A, severity="note", body="fyi"),
    ]  # fmt: skip
    manifest = compiled(tmp_path, *entries)
    with (tmp_path / "run" / "feedback.jsonl").open("ab") as file:
        file.write(b"{torn")
    again = compile_feedback([tmp_path / "run"], tmp_path / "out")
    assert again.left_out == manifest.left_out | {"cannot be read": 1}
    used = {e for kind in ("pairs", "labels", "steps", "scores") for r in rows(tmp_path / "out", kind) for e in by(r)}
    assert used | set(reasons(tmp_path)) == {entry.id for entry in entries} - {"u"} | {"line 7"}


def test_rankings_over_several_runs_and_runs_of_one_name(tmp_path: Path) -> None:
    first = run(tmp_path / "a" / "mine", FOUR[:1], say("ranking", "r", episodes=[A, B], ranks=[2, 1]))
    second = run(tmp_path / "b" / "mine", FOUR[1:], say("score", "r", episode=B, value=1.0))
    manifest = compile_feedback([first, second], tmp_path / "out")
    (pair,) = rows(tmp_path / "out", "pairs")
    assert pair["chosen"]["episode"] == B and [each.name for each in manifest.runs] == ["mine", "mine-2"]
    assert {id_: each.run for id_, each in manifest.episodes.items()} == {A: "mine", B: "mine-2"}
    assert [each.folder for each in manifest.runs] == ["../a/mine", "../b/mine"]


def test_the_same_feedback_gives_the_same_bytes_and_what_was_forgotten_is_nowhere(tmp_path: Path) -> None:
    secret = "only-bob-says-this"
    liar = told("20260101T000000-ee", ("fixed", "it"))
    entries = [
        say("ranking", "r1", episodes=[A, B, C], ranks=[1, 2, 3]),
        say("ranking", "bobs", "bob@example.org", episodes=[A, B], ranks=[2, 1], reason=secret),
        say("score", "s-bob", "bob@example.org", episode=A, value=0.5),
        say("correction", "k-bob", "bob@example.org", episode=B, step=1, action={"tool": "run", "command": secret}),
        say("claim", "c-bob", "bob@example.org", episode=liar.id, claim=0, label="false", limitation=secret),
        say("critique", "n-bob", "bob@example.org", episode=A, severity="note", body=secret),
    ]
    source, out, other = run(tmp_path / "run", [*FOUR, liar], *entries), tmp_path / "out", tmp_path / "other"
    compile_feedback([source], out)
    compile_feedback([source], other)
    assert contents(out) == contents(other)
    assert secret.encode() in contents(out) and b"bob@example.org" in contents(out)
    forget(source, "bob@example.org")
    shutil.copytree(out, tmp_path / ".out.1.partial")  # somebody died while compiling
    compile_feedback([source], out)
    found = contents(out)
    assert all(trace not in found for trace in (secret.encode(), b"bob", b"example.org"))
    assert b"ada" in found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out", "run"]


def contents(folder: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.rglob("*")))


def test_another_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(CompiledError, match="something else"):
        compiled(tmp_path)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "manifest,beside",
    [('{"name": "my web app"}', "index.html"), ('{"name": "my web app"}', "pairs.jsonl"), ("[]", "pairs.jsonl"),
     ("{", "pairs.jsonl"), (None, "thesis.txt")],
)  # fmt: skip
def test_a_folder_that_looks_like_compiled_feedback_is_not_deleted(
    tmp_path: Path, manifest: str | None, beside: str
) -> None:
    compiled(tmp_path)
    out = tmp_path / "out"
    if manifest is not None:
        (out / "manifest.json").write_text(manifest)
    (out / beside).write_text("mine")
    before = contents(out)
    with pytest.raises(CompiledError, match="something else"):
        compile_feedback([tmp_path / "run"], out)
    assert contents(out) == before


def test_what_another_version_compiled_is_replaced(tmp_path: Path) -> None:
    compiled(tmp_path)
    kept = tmp_path / "out" / "manifest.json"
    older = json.loads(kept.read_text()) | {"format": 0, "gone": "since"}
    del older["undecided"]
    kept.write_text(json.dumps(older))
    (tmp_path / "out" / "claims.jsonl").unlink()
    compile_feedback([tmp_path / "run"], tmp_path / "out")
    assert "undecided" in json.loads(kept.read_text()) and rows(tmp_path / "out", "claims") == []


def test_words_of_any_kind_are_kept_as_they_are(tmp_path: Path) -> None:
    odd = "<script>\u2028\x1b[31m</script> — naïve"
    compiled(tmp_path, say("correction", "c", episode=A, step=1, action={"tool": "run", "command": odd}))
    (row,) = [json.loads(line) for line in (tmp_path / "out" / "corrected.jsonl").read_bytes().split(b"\n") if line]
    assert row["action"]["command"] == odd
    assert FeedbackLog(tmp_path / "run").read().unreadable == ()
