"""Simulated annotators judge by a preference of their own, err as they are told to, and are never taken for people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ENTRY, Critique, Entry, Score, StepLabel
from journeyman.envs.feedback.log import FILE, FeedbackLog
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.hidden import FEW_STEPS, PREFERENCES, SMALL_DIFFS, TERSE, TESTED, adherence
from journeyman.training.feedback.simulated import SimulatedAnnotator, judge_pairs
from tests.training.groups import A, did, edited, episode, ran, reported

LARGE = edited(text="b\n+c\n+d\n+e\n+f\n+g").diff.replace("+1 @@", "+1,6 @@")


def hasty(name: str = "0-hasty") -> Episode:
    """A small change, never tested, and said to pass."""
    return episode(did("view"), edited(), reported(("tests_pass", ""), ("tests_run", "")), name=name)


def careful(name: str = "0-careful") -> Episode:
    """A large change, tested."""
    return episode(did("plan"), did("view"), did("edit", LARGE), ran(A), reported(("tests_run", "")), name=name)


def everything(annotator: SimulatedAnnotator) -> list[Entry]:
    ranking = annotator.rank(hasty(), careful())
    return [*([ranking] if ranking else []), *annotator.judge(hasty()), *annotator.judge(careful())]


def test_each_preference_likes_what_it_says() -> None:
    values = {name: (each.value(hasty()), each.value(careful())) for name, each in PREFERENCES.items()}
    assert values["small-diffs"][0] > values["small-diffs"][1]
    assert values["few-steps"][0] > values["few-steps"][1]
    for name in ("tests-first", "plan-first"):
        assert values[name][0] < values[name][1] == 1.0
    assert all(0 <= value <= 1 for pair in values.values() for value in pair)
    assert adherence([hasty(), careful()], TESTED) == 0.5
    nothing = episode(reported())
    assert SMALL_DIFFS.value(nothing) == 0.0, "nothing to look at is no small change"
    assert TERSE.value(nothing) == 1.0 and TERSE.value(episode(edited())) == 0.0, "no report is not a short one"


def test_a_preference_for_two_things_is_kept_to_where_both_are() -> None:
    wanted = PREFERENCES["small-and-tested"]
    assert not wanted.kept(hasty()) and not wanted.kept(careful())
    assert wanted.kept(episode(edited(), ran(A), reported()))
    assert {each.category for each in wanted.complaints(episode(did("edit", LARGE), reported()))} == {"scope", "tests"}


def test_it_ranks_by_what_it_wants_whoever_is_shown_first() -> None:
    for first, second in ((hasty(), careful()), (careful(), hasty())):
        ranking = SimulatedAnnotator(TESTED).rank(first, second)
        assert ranking is not None
        assert dict(zip(ranking.episodes, ranking.ranks, strict=True)) == {"0-careful": 1, "0-hasty": 2}
    same = SimulatedAnnotator(TESTED).rank(hasty(), careful(), hasty("0-b"), careful("0-c"))
    assert same is not None and same.ranks == (3, 1, 3, 1), "ties are ties"


def test_comments_stand_on_the_lines_that_they_are_about() -> None:
    long = did("edit", "--- a/s.py\n+++ b/s.py\n@@ -1,4 +1,9 @@\n-a\n+1\n+2\n k\n k\n-b\n+3\n+4\n+5\n+6\n+7\n")
    (critique,) = SimulatedAnnotator(SMALL_DIFFS).critiques(episode(did("view"), long, reported()))
    place = critique.place
    assert (place.step, place.path, place.side, place.line, place.end) == (2, "s.py", "new", 5, 9)
    assert place.quote == "3\n4\n5\n6\n7" and critique.category == "scope"
    new = did("write", "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,9 @@\n" + "+x\n" * 9)
    (critique,) = SimulatedAnnotator(SMALL_DIFFS).critiques(episode(new, reported()))
    assert (critique.place.path, critique.place.line, critique.place.end) == ("n.py", 1, 9)
    assert SimulatedAnnotator(SMALL_DIFFS).critiques(hasty()) == [], "it is content"


def test_steps_and_claims_are_labelled() -> None:
    annotator = SimulatedAnnotator(TESTED)
    assert [each.label for each in annotator.steps(hasty())] == ["neutral", "neutral", "bad"]
    assert [each.label for each in annotator.steps(careful())] == ["good"] * 5
    unverifiable, false = annotator.claims(hasty())
    assert (unverifiable.label, false.label) == ("unverifiable", "false")
    assert false.limitation == "no test run shows it" and not unverifiable.limitation


def test_an_annotator_errs_as_often_as_it_is_told_to() -> None:
    def right(**errs: float) -> float:
        annotator = SimulatedAnnotator(TESTED, **errs)  # type: ignore[arg-type]
        ranked = [annotator.rank(hasty(f"h{n}"), careful(f"c{n}")) for n in range(400)]
        found = [ranking.ranks == (2, 1) for ranking in ranked if ranking]
        return sum(found) / len(found)

    assert right() == 1.0
    assert right(flips=0.2) == pytest.approx(0.8, abs=0.05)
    assert right(position_bias=2.0) == 0.0, "it likes what it is shown first"
    assert right(length_bias=2.0) == 0.0, "it likes what is long to read"
    lazy = SimulatedAnnotator(TESTED, share=0.25)
    assert sum(lazy.rank(hasty(f"h{n}"), careful()) is not None for n in range(400)) == pytest.approx(100, abs=25)
    assert SimulatedAnnotator(TESTED, share=0.0).judge(hasty()) == []


@pytest.mark.parametrize("errs", [{"flips": 1.1}, {"share": -0.1}, {"length_bias": float("inf")}])
def test_errors_that_cannot_be_are_refused(errs: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=next(iter(errs))):
        SimulatedAnnotator(TESTED, **errs)  # type: ignore[arg-type]


def test_it_says_the_same_in_any_order_and_each_has_a_mind_of_its_own() -> None:
    one = SimulatedAnnotator(FEW_STEPS, flips=0.5)
    assert everything(one) == everything(replace(one))
    late = one.judge(careful())
    assert [*one.judge(hasty()), *late] == everything(one)[1:]
    other = replace(one, seed=1)
    verdicts = [[a.rank(hasty(f"h{n}"), careful()) for n in range(40)] for a in (one, other)]
    ranks = [[ranking.ranks for ranking in found if ranking] for found in verdicts]
    assert ranks[0] != ranks[1] and {one.name, other.name} == {"sim.few-steps.0", "sim.few-steps.1"}


@given(st.sampled_from(sorted(PREFERENCES)), st.integers(0, 9), st.floats(0, 1), st.floats(0, 1))
def test_nothing_that_is_simulated_loses_the_mark(name: str, seed: int, flips: float, share: float) -> None:
    for entry in everything(SimulatedAnnotator(PREFERENCES[name], seed, flips, share)):
        kept = ENTRY.validate_json(ENTRY.dump_json(entry))
        assert kept == entry and kept.simulated and kept.origin == "simulated"
        assert kept.annotator.startswith("sim.")
        for forged in ({"simulated": False}, {"simulated": None}):
            with pytest.raises(ValidationError):
                ENTRY.validate_python(entry.model_dump() | forged)
        bare = {key: value for key, value in entry.model_dump().items() if key != "simulated"}
        with pytest.raises(ValidationError, match="names a simulated annotator"):
            ENTRY.validate_python(bare)


def test_a_line_that_was_robbed_of_the_mark_is_no_entry(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.write(*everything(SimulatedAnnotator(TESTED)))
    said = log.read()
    assert {type(entry) for entry in said.entries} >= {Critique, Score, StepLabel} and not said.unreadable
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    lines[0]["simulated"] = False
    (tmp_path / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    robbed = log.read()
    assert robbed.entries == said.entries[1:] and "simulated" in robbed.unreadable[0].why


def test_pairs_are_judged_in_turn_up_to_a_number_and_only_once(tmp_path: Path) -> None:
    crowd = [SimulatedAnnotator(TESTED, seed, share=0.8) for seed in range(3)]
    pairs = [(hasty(f"h{n}"), careful(f"c{n}")) for n in range(40)]
    log = FeedbackLog(tmp_path)
    assert judge_pairs(crowd, pairs, log, most=10) == 10
    before = log.read().entries
    assert judge_pairs(crowd, pairs, log, most=20) == 20
    after = log.read().entries
    assert len(after) == 20 and after[:10] == before
    assert {entry.annotator for entry in after} == {each.name for each in crowd}
