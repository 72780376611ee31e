"""What becomes of comments is rewarded, within its bound, and provoking them earns nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason
from journeyman.envs.feedback.entry import Critique, Entry, Resolution, Undo
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.envs.observation import Observation
from journeyman.training.hybrid import HybridSettings, hybrid
from journeyman.training.resolutions import SHARES, Reviewed, review_values, reviewed

AT = "2026-01-01T00:00:00Z"
SEVERITIES = st.sampled_from(["praise", *SHARES])
COMMENTS = st.lists(st.tuples(SEVERITIES, st.booleans()), max_size=6)


def episode(id_: str, reward: float = 0.0) -> Episode:
    terms = (RewardTerm("outcome", 1.0, reward, "checks"),)
    versions = {"reviewer": "ada"}
    return Episode(
        id_, "t", "p", 0, Observation(""), (), StopReason.REPORTED, reward, terms, None, versions=versions
    )  # fmt: skip


def entries(of: str, comments: list[tuple[str, bool]]) -> list[Entry]:
    said: list[Entry] = []
    for number, (severity, resolved) in enumerate(comments):
        id_ = f"{of}-{number}"
        about = {"annotator": "ada", "at": AT, "origin": "episode"}
        said.append(Critique.model_validate({"id": id_, "episode": of, "body": id_, "severity": severity, **about}))
        said.append(Resolution.model_validate({"id": f"{id_}-end", "of": id_, "resolved": resolved, **about}))
    return said


def judged(said: list[Entry]) -> tuple[Judged, ...]:
    return standing(Logged(tuple(said), ()), lambda id_: episode(id_), {})


def value(comments: list[tuple[str, bool]]) -> float:
    return review_values([episode("e")], judged(entries("e", comments)))["e"]["reviews"]


@given(COMMENTS, st.tuples(SEVERITIES, st.booleans()))
def test_provoking_comments_earns_nothing(comments: list[tuple[str, bool]], further: tuple[str, bool]) -> None:
    assert 0 <= value(comments) <= value([]) == 1
    assert value([*comments, further]) <= value(comments), "one more never helps, resolved or not"
    assert value([(severity, True) for severity, _ in comments]) == 1, "all resolved is as none at all"


@given(COMMENTS.filter(bool), st.data())
def test_resolving_one_never_costs(comments: list[tuple[str, bool]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(comments) - 1))
    assert value([*comments[:at], (comments[at][0], True), *comments[at + 1 :]]) >= value(comments)


@given(COMMENTS, COMMENTS, st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))
def test_in_a_group_it_stays_within_its_bound(
    one: list[tuple[str, bool]], other: list[tuple[str, bool]], first: float, second: float
) -> None:
    group = [episode("a", first), episode("b", second)]
    values = review_values(group, judged([*entries("a", one), *entries("b", other)]))
    settings = HybridSettings(cost=0, honesty=0)
    shaped = hybrid(group, None, settings, learned=values)
    plain = hybrid(group, None, settings)
    bound = settings.learned if first or second else settings.learned_alone
    for with_reviews, without in zip(shaped, plain, strict=True):
        assert with_reviews.total is not None and without.total is not None
        assert 0 <= with_reviews.total - without.total <= bound + 1e-9
    if first > second:
        assert shaped[0].total is not None and shaped[1].total is not None and shaped[0].total > shaped[1].total


def test_what_counts_is_shown_standing_and_said_last() -> None:
    said = entries("e", [("major", False), ("minor", False), ("blocking", False)])
    said += [
        Resolution(id="later", annotator="bob", at=AT, of="e-0", resolved=True),
        Undo(id="undo", annotator="ada", at=AT, of="e-2"),
        Critique(id="unshown", annotator="ada", at=AT, origin="episode", episode="e", body="when it was over"),
        Critique(id="page", annotator="ada", at=AT, episode="e", body="on the page"),
        Resolution(id="stray", annotator="ada", at=AT, of="page", resolved=False),
    ]
    assert reviewed(judged(said)) == {"e": Reviewed(("e-0",), ("e-1",), 0.75)}


def test_the_last_word_is_told_by_its_time_and_a_reviewers_comes_before_a_rules() -> None:
    def end(id_: str, by: str, at: int, **more: object) -> Entry:
        said = {"id": id_, "annotator": by, "at": f"2026-01-01T00:00:0{at}Z", "of": "e-0", "resolved": True, **more}
        return Resolution.model_validate(said)

    comment = entries("e", [("major", False)])
    assert reviewed(judged([end("r", "rule", 2), *comment]))["e"].open == ("e-0",)
    assert reviewed(judged([*comment, end("s", "sim.r", 2, simulated=True)]))["e"].open == ("e-0",)
    assert reviewed(judged([end("late", "bob", 2), *comment]))["e"].resolved == ("e-0",)


def test_who_had_no_reviewer_has_no_value() -> None:
    alone = replace(episode("e"), versions={})
    assert review_values([alone, episode("f")], ()) == {"f": {"reviews": 1.0}}
    assert [term.name for term in hybrid([alone], None, learned={})[0].terms if "learned" in term.name] == []


def test_the_term_is_named_and_says_where_it_comes_from() -> None:
    group = [episode("a", 1.0), episode("b", 1.0)]
    values = review_values(group, judged(entries("b", [("major", False)])))
    (term,) = [term for term in hybrid(group, None, learned=values)[1].terms if term.name == "learned:reviews"]
    assert term.value == 0.5 and term.amount == pytest.approx(0.025)


def test_what_was_never_reviewed_has_no_value() -> None:
    """Else not to report would be a way around the comments that a report meets."""
    cut = replace(episode("e"), stop=StopReason.STEP_LIMIT)
    assert review_values([cut], ()) == {}
    assert review_values([cut], judged(entries("e", [("major", False)]))) == {"e": {"reviews": 0.5}}
    sent_back = replace(cut, steps=(Step(Action("report", {"summary": "done"}), Observation("")),))
    assert review_values([sent_back], ()) == {"e": {"reviews": 1.0}}
