"""Drafts, scores and conflicts in a real browser: by keys alone, through crashes, and with hostile words."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from journeyman.cli_view import HOST
from journeyman.envs.feedback.entry import Adjudication, Answer, Critique, Place, Score, StepLabel, Undo
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.guidelines.guideline import Guideline, Item
from journeyman.envs.store import EpisodeStore

from .hostile_texts import MARKUP, UNICODE
from .test_view import episode
from .test_view_browser import ACTED, axe, browser, opened, ready, until
from .test_view_feedback_browser import Keys, kept, served, sound

__all__ = ["axe", "browser"]  # fixtures
pytestmark = pytest.mark.slow
TWO = Guideline(
    name="conduct", version=1, title="Conduct",
    items=(Item(id="small", kind="should", text="Keep changes small."), Item(id="told", kind="must", text="Say all.")),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


def draft(of: str, name: str, step: int | None, body: str = "Why 2?", **more: Any) -> Critique:
    return Critique(
        id=name, annotator="critic.m", at=now(), episode=of, body=body, place=Place(step=step), draft=True,
        origin="critic:m", severity="major", **more,
    )  # fmt: skip


def picture(page: Any, name: str) -> None:
    """Where somebody wants to look at the pages, who names a folder."""
    if folder := os.environ.get("JOURNEYMAN_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


TOO_MUCH = "document.getElementById('told').textContent === 'a score is a whole number from 0 to 100'"


def scored_80_and_500(page: Any) -> Keys:
    """Scores the whole, then the first item with more than there is."""
    press = Keys(page)
    press("S")
    for score in ("80", "500"):
        press.text(score)
        press("Enter")
    return press


def test_drafts_are_answered_by_keys(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    FeedbackLog(store.folder).write(
        draft(told.id, "first", 3), draft(told.id, "second", 4, "It jumps."), draft(told.id, "third", None, "Fine?")
    )
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        until(page, "document.querySelectorAll('.note').length === 3")
        press = Keys(page)
        press("a")
        until(page, "document.querySelector('.note.chosen')?.dataset.id === 'first'")
        picture(page, "draft")
        press("y")
        accepted = kept(store, 4)[-1]
        assert isinstance(accepted, Answer)
        assert (accepted.of, accepted.decision, accepted.annotator, press.count) == ("first", "accepted", "ana", 2)
        until(page, "document.querySelector('.note.chosen')?.dataset.id === 'second'")  # and on to the next
        press("m")
        until(page, "document.querySelector('#say [name=body]').value === 'It jumps.'")
        assert page.input_value("#say [name=severity]") == "major"
        press("End")
        press.text(" Say why.")
        picture(page, "editing")
        press("Control+Enter")
        own, edited = kept(store, 6)[-2:]
        assert isinstance(own, Critique) and (own.body, own.place.step) == ("It jumps. Say why.", 4)
        assert isinstance(edited, Answer)
        assert (edited.of, edited.decision, edited.by) == ("second", "edited", own.id)
        press("a", "x")
        rejected = kept(store, 7)[-1]
        assert isinstance(rejected, Answer) and (rejected.of, rejected.decision) == ("third", "rejected")
        until(page, "document.getElementById('told').textContent === 'saved'")
        press("a")
        until(page, "document.getElementById('told').textContent.startsWith('no draft of a critic waits')")
        press("u")
        undone = kept(store, 8)[-1]
        assert isinstance(undone, Undo) and undone.of == rejected.id
        assert troubles == []


def test_a_crash_while_a_draft_is_edited_loses_nothing(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    FeedbackLog(store.folder).write(draft(told.id, "first", 4))
    context = browser.new_context()
    with served(store) as port:
        here = f"http://{HOST}:{port}/runs/first/episodes/{told.id}"
        page = context.new_page()
        page.goto(here)
        ready(page)
        until(page, "document.querySelectorAll('.note').length === 1")
        page.keyboard.press("a")
        page.keyboard.press("m")
        page.keyboard.press("End")
        page.keyboard.type(" Half a")
        until(page, "Object.values(localStorage).some((each) => each.includes('Half a'))")
        from playwright.sync_api import Error

        with suppress(Error):
            page.goto("chrome://crash")
        page = context.new_page()
        page.goto(here)
        ready(page)
        until(page, "document.getElementById('drafts').textContent.startsWith('a draft: step 4')")
        page.keyboard.press("d")
        assert page.input_value("#say [name=body]") == "Why 2? Half a"
        page.keyboard.press("Control+Enter")
        own, edited = kept(store, 3)[-2:]
        assert isinstance(edited, Answer) and (edited.of, edited.by) == ("first", own.id)
        until(page, "localStorage.length === 0")
    context.close()


def test_the_whole_and_each_item_are_scored_one_after_the_other(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    with served(store, guidelines={TWO.name: TWO}) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        press = scored_80_and_500(page)
        until(page, TOO_MUCH)
        page.fill("#say [name=value]", "25")
        picture(page, "score")
        press("Enter", "ArrowUp", "ArrowDown")
        press.text("100")
        press("Enter")
        until(page, "document.querySelectorAll('#whole .note').length === 3")
        scores = [each for each in kept(store, 4) if isinstance(each, Score)]  # and the guideline that was read
        assert [(each.value, each.item and each.item.item) for each in scores] == [
            (0.8, None), (0.25, "small"), (1.0, "told"),
        ]  # fmt: skip
        assert page.is_hidden("#say")
        press("w")  # and the form of words is whole again
        press.text("Good.")
        press("Control+Enter")
        assert isinstance(kept(store, 5)[-1], Critique)
        assert troubles == []


def test_an_answer_that_comes_late_does_not_hide_why_the_next_score_is_refused(
    browser: Any, store: EpisodeStore
) -> None:
    store.add(told := episode())
    with served(store, guidelines={TWO.name: TWO}) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        held: list[Any] = []
        page.route("**/runs/first/feedback", lambda route: held.append(route))
        press = scored_80_and_500(page)
        until(page, TOO_MUCH)
        held.pop().continue_()
        until(page, "document.querySelectorAll('#whole .note').length === 1")
        assert page.evaluate(TOO_MUCH)
        page.unroute("**/runs/first/feedback")
        page.fill("#say [name=value]", "25")
        press("Enter")
        until(page, "document.getElementById('told').textContent === 'saved'")
        assert troubles == []


def test_conflicts_are_settled_by_keys_and_drafts_of_it_are_kept(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    FeedbackLog(store.folder).write(*(
        StepLabel(id=f"{name}{step}", annotator=name, at=at, episode=told.id, step=step, label=label)
        for step in (3, 4)
        for name, at, label in (("ben", "2025-01-01T00:00:00Z", "good"), ("cy", "2025-01-02T00:00:00Z", "bad"))
    ))  # fmt: skip
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        page.keyboard.press("D")
        until(page, "document.querySelector('.conflict.current') !== null")
        press = Keys(page)
        press("Enter", "2", "c")
        press.text("It guessed.")
        page.reload()
        until(page, "document.getElementById('told').textContent === 'your drafts are here again'")
        assert page.input_value("[name=reason]") == "It guessed."
        assert page.inner_text(".conflict.current .state") == "2 holds"
        picture(page, "settle")
        press("Enter")
        first = kept(store, 5)[-1]
        assert isinstance(first, Adjudication)
        assert (first.of, first.holds, first.reason) == (("ben3", "cy3"), "cy3", "It guessed.")
        press("0", "Enter")  # it has gone on to the next
        second = kept(store, 6)[-1]
        assert isinstance(second, Adjudication) and (second.of, second.holds) == (("ben4", "cy4"), None)
        press("u")
        undone = kept(store, 7)[-1]
        assert isinstance(undone, Undo) and undone.of == second.id
        press("ArrowRight", "ArrowRight")
        until(page, "document.querySelector('.conflict.current .chosen')?.dataset.n === '2'")
        page.reload()
        until(page, "document.querySelectorAll('.conflict').length === 1")
        assert troubles == []


def test_hostile_drafts_and_conflicts_do_nothing(browser: Any, store: EpisodeStore) -> None:
    clean = "\n".join((*MARKUP, *UNICODE)).encode("utf-8", "replace").decode()
    store.add(told := episode())
    FeedbackLog(store.folder).write(
        draft(told.id, "a-draft", 4, clean, suggestion=clean),
        *(Score(id=name, annotator=name, at=now(), episode=told.id, value=value)
          for name, value in (("b", 0.1), ("c", 0.9))),
    )  # fmt: skip
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        until(page, "document.querySelectorAll('.note').length === 1")
        for key in ("a", "m"):
            page.keyboard.press(key)
        until(page, "document.activeElement === document.querySelector('#say [name=body]')")
        page.keyboard.press("Control+Enter")
        assert len(kept(store, 5)) == 5
        page.goto(f"http://{HOST}:{port}/runs/first/settle")
        until(page, "document.querySelector('.conflict.current') !== null")
        page.keyboard.press("c")
        page.keyboard.insert_text(clean)
        page.keyboard.press("Escape")
        for key in ("1", "Enter"):
            page.keyboard.press(key)
        assert isinstance(kept(store, 6)[-1], Adjudication)
        assert page.evaluate(ACTED) == 0 and troubles == []


@pytest.mark.parametrize("width", [1200, 380])
def test_nothing_of_it_stands_in_anybodys_way(browser: Any, store: EpisodeStore, axe: str, width: int) -> None:
    store.add(told := episode())
    FeedbackLog(store.folder).write(
        draft(told.id, "first", 4),
        *(StepLabel(id=n, annotator=n, at=now(), episode=told.id, step=4, label=label)
          for n, label in (("ben", "good"), ("cy", "bad"))),
    )  # fmt: skip
    with served(store, guidelines={TWO.name: TWO}) as port:
        context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)  # axe is not ours
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        until(page, "document.querySelectorAll('.note').length === 1")
        page.keyboard.press("a")
        until(page, "document.querySelector('.note.chosen') !== null")
        sound(page, axe, width)
        page.keyboard.press("Escape")
        page.keyboard.press("S")
        sound(page, axe, width)
        page.goto(f"http://{HOST}:{port}/runs/first/settle")
        until(page, "document.querySelector('.conflict.current') !== null")
        page.keyboard.press("1")
        sound(page, axe, width)
        context.close()
