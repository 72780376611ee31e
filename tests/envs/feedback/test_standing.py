"""What of all that was said stands: worked out from what was said, not from the order of the lines."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.feedback.entry import ENTRY, Entry, StepLabel
from journeyman.envs.feedback.log import Logged, parse
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.standing import standing
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from tests.envs.feedback.anything import ENTRIES
from tests.envs.feedback.saying import episode, judged, label, marks, said, step


def test_an_undo_can_be_undone() -> None:
    first = [label("a"), said("undo", "u1", of="a", at=1)]
    assert marks(first) == {"a": "undone", "u1": ""}
    again = [*first, said("undo", "u2", of="u1", at=2)]
    assert marks(again) == {"a": "", "u1": "undone", "u2": ""}
    assert marks([*again, said("undo", "u3", of="u2", at=3)])["a"] == "undone"


def test_undos_in_a_circle_take_back_nothing_but_may_be_taken_back() -> None:
    circle = [said("undo", "u1", of="u2"), said("undo", "u2", of="u1"), said("undo", "u3", of="u3")]
    assert marks(circle) == {"u1": "unknown", "u2": "unknown", "u3": "unknown"}
    assert marks([*circle, said("undo", "u4", of="u1")]) == {"u1": "undone", "u2": "", "u3": "unknown", "u4": ""}


def test_only_who_said_it_takes_it_back() -> None:
    found = marks([label("a"), said("undo", "u", by="bob", of="a"), said("undo", "v", of="gone")])
    assert found == {"a": "", "u": "foreign", "v": "unknown"}
    assert marks([label("a"), said("undo", "u", of="a", simulated=True)]) == {"a": "", "u": "foreign"}


def test_the_later_of_two_judgements_of_the_same_stands() -> None:
    twice = [label("late", at=9, label="good"), label("early", at=1), label("other", by="bob"), label("two", step=2)]
    assert marks(twice) == {"late": "", "early": "duplicate", "other": "", "two": ""}
    assert marks([*twice, said("undo", "u", of="late")]) == {
        "late": "undone", "early": "", "other": "", "two": "", "u": "",
    }  # fmt: skip
    draft = label("late", at=9, draft=True)
    assert marks([draft, label("early")]) == {"late": "draft", "early": ""}


def test_where_an_import_tells_no_order_neither_counts() -> None:
    old, new = (label(id_, label=word, origin="import:doccano") for id_, word in (("b", "good"), ("a", "bad")))
    assert marks([old, new]) == marks([new, old]) == {"a": "ambiguous", "b": "ambiguous"}
    assert marks([old, new, said("undo", "u", of="b", at=1)]) == {"a": "", "b": "undone", "u": ""}
    assert marks([old, new, label("c", at=1)]) == {"a": "duplicate", "b": "duplicate", "c": ""}
    same = label("c", label="good", origin="import:doccano")
    assert marks([old, same]) == {"b": "duplicate", "c": ""}
    ours = [label("a", label="good"), label("b", label="bad")]
    assert marks(ours) == {"a": "duplicate", "b": ""}, "ids made here tell the order"


def test_a_comment_is_the_same_only_with_the_same_words_in_the_same_place() -> None:
    def comment(id_: str, at: int, body: str, line: int) -> Entry:
        return said("critique", id_, at=at, episode="e1", body=body, place={"path": "a", "line": line})

    entries = [comment("a", 0, "too  wide", 3), comment("b", 1, "too wide", 3), comment("c", 2, "too wide", 4)]
    assert marks([*entries, comment("d", 3, "and slow", 3)]) == {"a": "duplicate", "b": "", "c": "", "d": ""}


def test_a_draft_counts_once_a_person_has_accepted_it() -> None:
    draft = label("d", by="critic", draft=True)
    yes, no = (
        said("answer", id_, of="d", at=at, decision=how)
        for id_, at, how in (("y", 1, "accepted"), ("n", 2, "rejected"))
    )
    assert marks([draft]) == {"d": "draft"}
    assert marks([draft, yes]) == {"d": "", "y": ""}
    assert marks([draft, no, yes]) == {"d": "rejected", "n": "", "y": "duplicate"}
    own = said("answer", "o", by="critic", of="d", decision="accepted", origin="critic:m")
    assert marks([draft, own]) == {"d": "draft", "o": "malformed"}
    assert marks([draft, yes, no, said("undo", "u", of="n")]) == {"d": "", "y": "", "n": "undone", "u": ""}


def test_an_edited_draft_gives_way_to_the_persons_own_words() -> None:
    draft, own = label("d", by="critic", draft=True), label("mine", label="good")
    answer = {"kind": "answer", "id": "e", "annotator": "ada", "at": "", "of": "d", "decision": "edited"}
    assert marks([draft, own, ENTRY.validate_python({**answer, "by": "mine"})]) == {
        "d": "rejected",
        "mine": "",
        "e": "",
    }
    assert marks([draft, own, ENTRY.validate_python({**answer, "by": "gone"})])["d"] == "draft"
    theirs = ENTRY.validate_python({**answer, "annotator": "bob", "by": "mine"})
    assert marks([draft, own, theirs]) == {"d": "draft", "mine": "", "e": "foreign"}
    assert marks([own, said("answer", "x", of="mine", decision="accepted")])["x"] == "unknown"


def test_an_adjudication_settles_and_the_last_one_counts() -> None:
    two = [label("a"), label("b", by="bob", label="good")]
    first = said("adjudication", "j1", by="cleo", at=1, of=["a", "b"], holds="a")
    assert marks([*two, first]) == {"a": "", "b": "settled", "j1": ""}
    second = said("adjudication", "j2", by="dora", at=2, of=["b", "a"], holds=None)
    assert marks([second, first, *two]) == {"a": "settled", "b": "settled", "j1": "duplicate", "j2": ""}
    assert marks([*two, first, second, said("undo", "u", by="dora", of="j2")])["b"] == "settled"
    assert marks([*two, said("adjudication", "j", of=["a", "gone"], holds="a")]) == {"a": "", "b": "", "j": "unknown"}
    old = label("old", by="bob", at=0)
    found = marks([two[0], label("new", by="bob", at=5), old, said("adjudication", "j", of=["a", "new"], holds="a")])
    assert found["new"] == "settled" and found["old"] == "duplicate"  # what was settled brings back nothing


def test_no_program_has_the_last_word_after_a_person() -> None:
    draft = label("d", by="critic", draft=True)
    yes = said("answer", "yes", at=1, of="d", decision="accepted")
    no = said("answer", "no", by="sim.r", at=2, of="d", decision="rejected", simulated=True)
    found = judged([draft, yes, no])
    assert (found["d"].stands, found["no"].why) == (True, "decided by a person: yes")
    assert marks([draft, yes, no, said("undo", "u", of="yes", at=3)])["d"] == "rejected", "she leaves it to others"
    two = [label("a", by="sim.a", simulated=True), label("b", by="sim.b", label="good", simulated=True)]
    person = said("adjudication", "p", at=1, of=["a", "b"], holds="a")
    program = said("adjudication", "s", by="sim.r", at=2, of=["a", "b"], holds="b", simulated=True)
    assert marks([*two, person, program]) == {"a": "", "b": "settled", "p": "", "s": "duplicate"}
    wider = program.model_copy(update={"of": ("a", "b", "c")})
    three = [*two, label("c", by="sim.c", label="neutral", simulated=True)]
    assert marks([*three, person, wider]) == {"a": "", "b": "settled", "c": "settled", "p": "", "s": ""}


def test_an_adjudication_silences_nobody_once_what_it_holds_by_is_gone() -> None:
    two = [label("a"), label("b", by="bob", label="good")]
    held = said("adjudication", "j", by="cleo", at=1, of=["a", "b"], holds="a")
    back = said("undo", "u", of="a", at=2)
    assert marks([*two, held, back]) == {"a": "undone", "b": "", "j": "undone", "u": ""}
    assert marks([*two, held, back, said("undo", "v", of="u", at=3)])["b"] == "settled", "she said it after all"
    assert marks([label("a", draft=True), two[1], held]) == {"a": "draft", "b": "", "j": "draft"}
    again = marks([*two, held, label("c", at=3)])
    assert again == {"a": "duplicate", "b": "settled", "c": "", "j": ""}, "her later word stands in its place"
    neither = said("adjudication", "j", by="cleo", at=1, of=["a", "b"])
    assert marks([*two, neither, back])["b"] == "settled"


def test_of_adjudications_that_overlap_the_later_one_decides() -> None:
    three = [label("a"), label("b", by="bob", label="good"), label("c", by="cy", label="neutral")]
    narrow = said("adjudication", "j1", by="xi", at=1, of=["a", "b"], holds="a")
    wide = said("adjudication", "j2", by="yo", at=2, of=["a", "b", "c"], holds="b")
    found = {"a": "settled", "b": "", "c": "settled", "j1": "", "j2": ""}
    assert marks([*three, narrow, wide]) == marks([wide, narrow, *three]) == found
    later = said("adjudication", "j3", by="xi", at=3, of=["a", "b"], holds="a")
    assert marks([*three, wide, later]) == {"a": "", "b": "settled", "c": "settled", "j2": "", "j3": ""}
    chain = said("adjudication", "j4", by="yo", at=4, of=["b", "c"], holds="b")
    assert marks([*three, narrow, chain]) == {"a": "", "b": "", "c": "settled", "j1": "", "j4": ""}


def test_an_id_of_two_entries_names_neither() -> None:
    entries = [label("a"), label("a", label="good"), label("b", at=3), said("undo", "u", of="a")]
    assert marks(entries) == {"a": "ambiguous", "b": "", "u": "ambiguous"}
    same = standing(Logged((label("a"), label("a")), ()), lambda _: episode([step()]), {})
    assert [each.marks for each in same] == [(), (Mark.DUPLICATE,)]


def test_what_is_not_there_is_unknown() -> None:
    report = step("report", summary="", claims=[{"kind": "tests_pass"}])
    plan = step("plan", subtasks=["find it"])
    there = episode([plan, report])
    entries = [
        label("s2", step=2), label("s3", step=3), label("e9", episode="e9"),
        said("claim", "c0", episode="e1", claim=0, label="true"),
        said("claim", "c1", episode="e1", claim=1, label="true"),
        said("critique", "p3", episode="e1", body="x", place={"step": 3}),
        said("critique", "sub", episode="e1", body="x", place={"subtask": "find it"}),
        said("critique", "nosub", episode="e1", body="x", place={"subtask": "find"}),
        said("resolution", "r", of="s2", resolved=True), said("resolution", "r2", of="sub", resolved=True, step=7),
        said("ranking", "k", episodes=["e1", "gone"], ranks=[1, 2]),
    ]  # fmt: skip
    assert marks(entries, there) == {
        "s2": "", "s3": "unknown", "e9": "unknown", "c0": "", "c1": "unknown", "p3": "unknown", "sub": "",
        "nosub": "unknown", "r": "unknown", "r2": "unknown", "k": "unknown",
    }  # fmt: skip


def test_what_cannot_be_meant_is_malformed() -> None:
    entries = [
        said("correction", "ok", episode="e1", step=1, action={"tool": "test"}),
        said("correction", "bad", episode="e1", step=2, action={"tool": "fly"}),
        said("correction", "none", episode="e1", step=3, action={}),
        said("ranking", "k", episodes=["e1", "e2"], ranks=[1, 2]),
    ]
    found = judged(entries, episode([step()] * 3), episode(id_="e2", task="other"))
    assert {id_: " ".join(each.marks) for id_, each in found.items()} == {
        "ok": "", "bad": "malformed", "none": "malformed", "k": "malformed",
    }  # fmt: skip
    assert "no tool 'fly'" in found["bad"].why and "other, t" in found["k"].why


def conduct(version: int, text: str, id_: str = "scope") -> Guideline:
    return Guideline(name="conduct", version=version, title="t", items=(Item(id=id_, kind="must", text=text),))


def test_what_was_judged_by_another_meaning_is_stale() -> None:
    one, two, back = conduct(1, "Change little."), conduct(2, "Change nothing."), conduct(3, "Change little.")
    read = [said("guideline", f"g{each.version}", guideline=each.model_dump()) for each in (one, two)]
    old = label("old", item=ItemRef.of(one, one.items[0]).model_dump())
    new = label("new", at=1, step=2, item=ItemRef.of(two, two.items[0]).model_dump())
    assert marks([*read, old, new], now={})["old"] == ""
    assert marks([*read, old, new], now={"conduct": two}) == {"g1": "", "g2": "", "old": "stale", "new": ""}
    assert marks([*read, old, new], now={"conduct": back}) == {"g1": "", "g2": "", "old": "", "new": "stale"}
    assert marks([old], now={"conduct": conduct(4, "x", "other")}) == {"old": "stale"}
    never = label("never", item={"guideline": "conduct", "version": 1, "item": "scope", "digest": "0"})
    assert marks([*read, never])["never"] == "unknown"


def test_a_stale_judgement_does_not_take_the_place_of_one_that_holds() -> None:
    one, two = conduct(1, "Change little."), conduct(2, "Change nothing.")
    held = label("held", item=ItemRef.of(two, two.items[0]).model_dump())
    stale = label("stale", at=5, item=ItemRef.of(one, one.items[0]).model_dump())
    assert marks([held, stale], now={"conduct": two}) == {"held": "", "stale": "stale"}


@pytest.mark.slow
@given(st.lists(ENTRIES, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing_about_who_stands(entries: list[Entry], random: Random) -> None:
    there = {"e1": episode([step("write", path="a", content="x\n")] * 2), "e2": episode(id_="e2")}

    def found(order: list[Entry]) -> set[tuple[bytes, bool]]:
        each = standing(Logged(tuple(order), ()), there.get, {})
        assert [one.entry for one in each] == order  # nothing is dropped
        assert all(one.why for one in each if one.marks)
        stand = {ENTRY.dump_json(one.entry) for one in each if one.stands}
        labels = [one.entry for one in each if one.stands and isinstance(one.entry, StepLabel)]
        assert len(labels) == len({(one.annotator, one.episode, one.step) for one in labels})
        return {(ENTRY.dump_json(entry), ENTRY.dump_json(entry) in stand) for entry in order}

    shuffled = list(entries)
    random.shuffle(shuffled)
    assert found(entries) == found(shuffled)


@given(st.lists(ENTRIES, max_size=4), st.integers(0, 2000), st.binary(max_size=20))
def test_a_torn_log_loses_the_torn_line_alone(entries: list[Entry], at: int, noise: bytes) -> None:
    lines = [ENTRY.dump_json(entry) for entry in entries]
    data = b"".join(line + b"\n" for line in lines)
    torn = data[:at] + noise.replace(b"\n", b"") + b"\n" + data[at:]
    logged = parse(torn)
    broken = sum(bool(line.strip()) for line in torn.split(b"\n")) - len(logged.entries)
    assert len(logged.unreadable) == broken <= 2
    kept = [ENTRY.dump_json(entry) for entry in logged.entries]
    assert len([line for line in lines if line in kept]) >= len(lines) - 1
    standing(logged, lambda _: None, {})
