"""Agreement is what the papers say it is, and says of people what it should."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.envs.feedback.entry import Adjudication, Answer, Entry, Ranking, Score, StepLabel, Undo
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.envs.guidelines.guideline import ItemRef
from journeyman.training.feedback.agreement import Level, Rating, Value, alpha, contested, interval, ratings, report
from journeyman.training.feedback.disputes import disputes
from tests.journeyman.test_cli_episode import episode as recorded

AT = "2026-01-01T00:00:00Z"
EPISODE = recorded()


def units(*rows: str) -> list[list[Value]]:
    """Units from what each observer said of them in order; "." is nothing."""
    columns = zip(*(row.split() for row in rows), strict=True)
    return [[float(value) if value.isdigit() else value for value in column if value != "."] for column in columns]


FOUR = units("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
THREE = units(". . . . . 3 4 1 2 1 1 3 3 . 3", "1 . 2 1 3 3 4 3 . . . . . . .", ". . 2 1 3 4 4 . 2 1 1 3 3 . 4")


@pytest.mark.parametrize(
    "data,level,published",
    [
        # Krippendorff (2011), examples A to D
        (units("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"), "nominal", 0.095),
        (units("a a b b d c c c e d d a", "b a b b b c c c e d d d"), "nominal", 0.692),
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
        # Krippendorff's example with three observers and many gaps
        (THREE, "nominal", 0.691),
        (THREE, "interval", 0.811),
    ],
)
def test_published_examples(data: Sequence[Sequence[Value]], level: Level, published: float) -> None:
    assert alpha(data, level) == pytest.approx(published, abs=5e-4)


SOME = st.lists(st.lists(st.integers(0, 4).map(float), min_size=1, max_size=4), min_size=2, max_size=12)
LEVEL = st.sampled_from(["nominal", "ordinal", "interval"])


@settings(max_examples=60, deadline=None)
@given(SOME, LEVEL, st.randoms(use_true_random=False))
def test_who_said_it_and_in_which_order_does_not_matter(data: list[list[Value]], level: Level, random: object) -> None:
    shuffled = [sorted(unit, reverse=True) for unit in reversed(data)]
    before, after = alpha(data, level), alpha(shuffled, level)
    assert after == (None if before is None else pytest.approx(before))
    assert before is None or before <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(SOME, LEVEL)
def test_what_one_alone_said_changes_nothing(data: list[list[Value]], level: Level) -> None:
    before, after = alpha(data, level), alpha([*data, [9.0], []], level)
    assert after == (None if before is None else pytest.approx(before))


@settings(max_examples=60, deadline=None)
@given(SOME, st.floats(0.5, 4), st.floats(-3, 3))
def test_each_level_ignores_what_it_does_not_measure(data: list[list[float]], by: float, plus: float) -> None:
    scaled = [[by * value + plus for value in unit] for unit in data]
    bent = [[value**3 for value in unit] for unit in data]
    for other, level in ((scaled, "interval"), (bent, "ordinal"), (bent, "nominal")):
        before, after = alpha(data, level), alpha(other, level)  # type: ignore[arg-type]
        assert after == (None if before is None else pytest.approx(before))


def test_all_alike_is_1_and_one_value_alone_tells_nothing() -> None:
    assert alpha([["a", "a"], ["b", "b", "b"]], "nominal") == pytest.approx(1.0)
    assert alpha([["a", "a"], ["a", "a"]], "nominal") is None
    assert alpha([["a"], ["b"]], "nominal") is None
    assert alpha([], "ordinal") is None


def test_the_interval_is_of_whole_episodes_and_the_same_for_a_seed() -> None:
    apart = interval(FOUR, list(range(len(FOUR))), "ordinal", seed=3)
    assert apart is not None and apart == interval(FOUR, list(range(len(FOUR))), "ordinal", seed=3)
    assert apart[0] < 0.815 < apart[1] <= 1
    assert interval(FOUR, ["one"] * len(FOUR), "ordinal") is None, "one episode says nothing of others"
    doubled = interval([*FOUR, *FOUR], [*range(len(FOUR))] * 2, "ordinal", seed=3)
    assert doubled is not None and doubled[1] - doubled[0] == pytest.approx(apart[1] - apart[0], abs=0.05), (
        "saying all twice is no more evidence"
    )


def judged(*entries: Entry) -> tuple[Judged, ...]:
    return standing(Logged(entries, ()), lambda _: EPISODE, {})


def label(id_: str, who: str, step: int, said: str, episode: str = "e1", item: ItemRef | None = None) -> StepLabel:
    return StepLabel.model_validate(
        {"id": id_, "annotator": who, "at": AT, "episode": episode, "step": step, "label": said, "item": item}
    )


def test_what_counts_is_the_last_word_of_each_undone_and_drafts_aside() -> None:
    found = ratings(
        judged(
            label("a1", "ada", 1, "bad"), label("a2", "ada", 1, "good"), label("b1", "bob", 1, "good"),
            label("b2", "bob", 2, "bad"), Undo(id="u", annotator="bob", at=AT, of="b2"),
            label("d1", "critic.m", 2, "bad").model_copy(update={"draft": True}),
            label("d2", "critic.m", 3, "bad").model_copy(update={"draft": True}),
            Answer(id="y", annotator="ada", at=AT, of="d2", decision="accepted"),
        )
    )  # fmt: skip
    assert [(each.annotator, each.unit[1], each.value) for each in found] == [
        ("ada", 1, 2.0), ("bob", 1, 2.0), ("ada", 3, 0.0)
    ]  # fmt: skip


def test_the_last_word_is_told_by_its_time_and_not_by_its_line() -> None:
    new = Ranking(id="new", annotator="ada", at="2026-01-02", episodes=("a", "b"), ranks=(1, 2))
    old = Ranking(id="old", annotator="ada", at="2026-01-01", episodes=("a", "b", "c"), ranks=(2, 1, 3))
    for entries in ((new, old), (old, new)):
        assert {each.unit[:2]: each.entry for each in ratings(judged(*entries))} == {
            ("a", "b"): "new", ("a", "c"): "old", ("b", "c"): "old",
        }  # fmt: skip
    draft = label("d", "critic.m", 1, "bad").model_copy(update={"draft": True, "at": "2025-12-31"})
    yes = Answer(id="y", annotator="ada", at="2026-01-03", of="d", decision="accepted")
    assert [each.entry for each in ratings(judged(draft, yes, label("own", "ada", 1, "good")))] == ["d"]


def test_what_was_settled_still_tells_that_people_differed() -> None:
    one, other = label("a", "ada", 1, "bad"), label("b", "bob", 1, "good")
    settled = Adjudication(id="s", annotator="cy", at=AT, of=("a", "b"), holds="a")
    (found,) = contested(ratings(judged(one, other, settled)))
    assert found.values == {"ada": 0.0, "bob": 2.0} and found.entries == ("a", "b")


def test_of_rankings_that_overlap_each_conflict_is_settled_once() -> None:
    said = [
        Ranking(id=id_, annotator=who, at=AT, episodes=tuple(episodes), ranks=ranks)
        for id_, who, episodes, ranks in (
            ("r1", "ada", "ab", (1, 2)), ("r2", "bob", "abc", (2, 1, 3)), ("r3", "cy", "bc", (2, 1))
        )
    ]  # fmt: skip
    assert [each.entries for each in disputes(judged(*said))] == [("r1", "r2"), ("r2", "r3")]
    one, other = (
        Adjudication(id=id_, annotator="eve", at=AT, of=of, holds=of[0])
        for id_, of in (("x1", ("r1", "r2")), ("x2", ("r2", "r3")))
    )
    assert disputes(judged(*said, one, other)) == ()


def test_rankings_agree_pair_by_pair_whatever_episodes_are_called() -> None:
    def ranking(id_: str, who: str, episodes: str, ranks: tuple[int, ...]) -> Ranking:
        return Ranking(id=id_, annotator=who, at=AT, episodes=tuple(episodes), ranks=ranks)

    three = report(ratings(judged(ranking("r1", "ada", "abc", (1, 2, 2)), ranking("r2", "bob", "cab", (2, 1, 3)))))
    (all_pairs,) = three.kinds
    assert all_pairs.units == 3 and all_pairs.same == pytest.approx(2 / 3), "b and c: a tie beside an order"
    renamed = report(ratings(judged(ranking("r1", "ada", "zyx", (1, 2, 2)), ranking("r2", "bob", "xzy", (2, 1, 3)))))
    assert renamed.kinds[0].alpha == pytest.approx(all_pairs.alpha)


def test_the_report_names_who_differs_where() -> None:
    tests = ItemRef(guideline="conduct", version=1, item="tests-untouched", digest="d")
    entries: list[Entry] = []
    for number in range(8):
        for who in ("ada", "bob", "cy"):
            said = "bad" if (number % 2) != (who == "cy") else "good"  # cy says the opposite
            entries.append(label(f"{who}{number}", who, 1, said, episode=f"e{number}", item=tests))
        entries.append(Score(id=f"s{number}", annotator="ada", at=AT, episode=f"e{number}", value=0.5))
    found = report(ratings(judged(*entries)))
    assert [(each.kind, each.units, each.single) for each in found.kinds] == [("step", 8, 0), ("score", 0, 8)]
    assert [each.item for each in found.items] == ["conduct/tests-untouched"]
    by_pair = {each.annotators: each.alpha for each in found.pairs}
    assert by_pair["ada", "bob"] == pytest.approx(1.0)
    assert (by_pair["ada", "cy"] or 0) < -0.8
    assert found.dissent[0].annotator == "cy" and found.dissent[0].differs.value == 1.0
    assert len(found.contested) == 8 and found.contested[0].values["cy"] != found.contested[0].values["ada"]


def test_nobody_agrees_with_themselves_in_another_run() -> None:
    def said_in(*entries: Entry) -> tuple[Rating, ...]:
        return ratings(judged(*entries))

    opposed = [
        label(f"{who}{number}", who, 1, "good" if (who == "ada") == (number == 0) else "bad", episode=f"e{number}")
        for number in (0, 1) for who in ("ada", "bob")
    ]  # fmt: skip
    once = report(said_in(*opposed))
    assert report([*said_in(*opposed), *said_in(*opposed)]) == once and once.kinds[0].alpha == pytest.approx(-0.5)
    alone = report([*said_in(*opposed[::2]), *said_in(*opposed[::2])]).kinds[0]
    assert (alone.alpha, alone.units, alone.single) == (None, 0, 2)
    late = opposed[0].model_copy(update={"id": "late", "at": "2026-01-02T00:00:00Z", "label": "bad"})
    for runs in (([late], opposed), (opposed, [late])):
        found = report([rating for run in runs for rating in said_in(*run)])
        assert [each.unit[0] for each in found.contested] == ["e1"], "the last word, whichever run is named first"


def test_an_older_meaning_of_an_item_is_another_thing() -> None:
    old = ItemRef(guideline="conduct", version=1, item="x", digest="old")
    new = old.model_copy(update={"version": 2, "digest": "new"})
    found: tuple[Rating, ...] = ratings(
        judged(label("a", "ada", 1, "bad", item=old), label("b", "bob", 1, "good", item=new))
    )
    assert contested(found) == ()
    assert report(found).kinds[0].units == 0
