"""A critic's drafts are answered in the pages, and what annotators judge differently is settled there."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Adjudication, Critique, Place, Score, StepLabel
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.feedback.standing import finder, standing
from journeyman.envs.store import EpisodeStore
from journeyman.training.feedback.disputes import disputes, is_disputed
from journeyman.viewer.feedback import Reviewing

from .hostile_texts import HOSTILE
from .test_view import episode, harmless, without_ours
from .test_view_feedback import client, entry, notes, said, why


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


@pytest.fixture
def pages(store: EpisodeStore) -> TestClient:
    return client(store, Reviewing())


def drafted(store: EpisodeStore, told: Episode) -> Critique:
    draft = Critique(
        id="draft", annotator="critic.m", at=now(), episode=told.id, body="Why 2?", place=Place(step=4), draft=True,
        origin="critic:m", severity="minor",
    )  # fmt: skip
    FeedbackLog(store.folder).write(draft)
    return draft


def disagreeing(store: EpisodeStore, told: Episode) -> None:
    FeedbackLog(store.folder).write(
        StepLabel(id="good", annotator="ana", at="2025-01-01T00:00:00Z", episode=told.id, step=4, label="good"),
        StepLabel(id="bad", annotator="ben", at="2025-01-02T00:00:00Z", episode=told.id, step=4, label="bad"),
        Score(id="high", annotator="ana", at="2025-01-01T00:00:00Z", episode=told.id, value=0.7),
        Score(id="low", annotator="ben", at="2025-01-02T00:00:00Z", episode=told.id, value=0.6),
    )


def stands(store: EpisodeStore) -> dict[str, bool]:
    judged = standing(FeedbackLog(store.folder).read(), finder(store), {})
    return {each.entry.id: each.stands for each in judged}


def test_a_draft_waits_on_a_blind_page_too_until_it_is_answered(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    drafted(store, told)
    (note,) = notes(pages, told.id, me="ana", others="no")
    assert note["draft"]["body"] == "Why 2?" and note["draft"]["place"] == {"step": 4}
    assert note["step"] == 4 and "<kbd>y</kbd> accepts" in note["text"] and 'data-id="draft"' in note["text"]
    assert said(pages, entry("answer", of="draft", decision="accepted")).status_code == 200
    assert stands(store)["draft"]
    note, answer = notes(pages, told.id)
    assert note["draft"] is None and answer["step"] == 4 and "has accepted the draft" in answer["text"]
    assert [each["id"] for each in notes(pages, told.id, me="ben", others="no")] == []
    assert said(pages, entry("undo", id="two", of="one")).status_code == 200
    assert notes(pages, told.id)[0]["draft"] is not None, "taken back, it waits again"


def test_two_who_answer_one_draft_at_once_lose_nothing(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    drafted(store, told)
    for name, decision in (("ana", "rejected"), ("ben", "accepted")):
        answer = entry("answer", id=name, annotator=name, of="draft", decision=decision)
        assert said(pages, answer).status_code == 200
    assert [each.id for each in FeedbackLog(store.folder).read().entries] == ["draft", "ana", "ben"]


def test_answers_that_fit_nothing_are_refused(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    drafted(store, told)
    said(pages, entry(id="own", episode=told.id, annotator="ben"))
    assert why(pages, entry("answer", of="none", decision="accepted")) == "there is no draft that is called none"
    assert why(pages, entry("answer", of="own", decision="accepted")) == "there is no draft that is called own"
    edited = entry("answer", of="draft", decision="edited")
    assert "the person's own entry" in why(pages, edited)
    assert why(pages, {**edited, "by": "own"}) == "ana has said nothing that is called own"
    assert why(pages, {**edited, "by": "none"}) == "ana has said nothing that is called none"


def test_what_is_judged_differently_is_shown_and_settled(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    assert "nothing is to be settled" in pages.get("/runs/first/settle").text
    disagreeing(store, told)
    page = pages.get("/runs/first/settle").text
    assert page.count('class="conflict"') == 1, "scores that lie near each other are no conflict"
    assert "step 4 is good" in page and "step 4 is bad" in page and "ben" in page
    settling = entry("adjudication", of=["good", "bad"], holds="bad", reason="It guessed.")
    assert said(pages, settling).status_code == 200
    assert stands(store) == {"good": False, "bad": True, "high": True, "low": True, "one": True}
    assert 'class="conflict"' not in pages.get("/runs/first/settle").text
    again = entry("adjudication", id="two", annotator="cy", of=["good", "bad"], holds=None)
    assert said(pages, again).status_code == 200, "who settled it at the same time is heard as well"
    assert any("settled: none of 2 holds" in each["text"] for each in notes(pages, told.id))


def test_only_what_is_contested_is_settled(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    disagreeing(store, told)
    for of in (["good", "high"], ["good", "gone"]):
        assert "no conflict any more" in why(pages, entry("adjudication", of=of, holds=None))
    assert "`holds` is one of `of`" in why(pages, entry("adjudication", of=["good", "bad"], holds="low"))
    judged = standing(FeedbackLog(store.folder).read(), finder(store), {})
    assert [each.kind for each in disputes(judged)] == ["step"]
    assert is_disputed(["high", "low"], judged), "near as they are, somebody may say which holds"


def test_a_blind_page_of_conflicts_names_nobody(store: EpisodeStore) -> None:
    store.add(told := episode())
    disagreeing(store, told)
    page = client(store, Reviewing("cy")).get("/runs/first/settle").text
    assert "step 4 is bad" in page and "ben" not in page and "oracle" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_words(pages: TestClient, store: EpisodeStore, text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()[:20_000]
    store.add(told := episode())
    disagreeing(store, told)
    FeedbackLog(store.folder).write(
        Critique(id="draft", annotator="critic.m", at=now(), episode=told.id, body=clean or "x", draft=True),
        Adjudication(id="settled", annotator="cy", at=now(), of=("high", "low"), holds=None, reason=clean),
    )
    harmless(without_ours(pages.get("/runs/first/settle").text), text)
    for note in notes(pages, told.id):
        harmless(note["text"], text)
