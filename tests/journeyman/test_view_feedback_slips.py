"""Feedback in a real browser where somebody is quick, has two tabs open, or presses a key at the wrong place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from journeyman.cli_view import HOST
from journeyman.envs.feedback.entry import Critique, StepLabel, Undo
from journeyman.envs.store import EpisodeStore
from tests.processes import eventually

from .test_view import episode
from .test_view_browser import browser, current, opened, ready, until
from .test_view_feedback_browser import kept, served, waiting_for_a_step

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


def test_two_tabs_with_one_draft_lose_neither_text(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    context = browser.new_context()
    with served(store) as port:
        first, second = (context.new_page() for _ in range(2))
        for page in (first, second):
            page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
            ready(page)
        first.keyboard.press("w")
        first.keyboard.type("one")
        until(second, "drafts().length === 1")
        second.keyboard.press("w")
        second.keyboard.type(" and more")
        before = second.evaluate("form.id")
        first.keyboard.press("Control+Enter")
        (one,) = kept(store, 1)
        assert one.id == before
        until(second, f"form.id !== '{before}'")  # the draft of both is used up: this is another one
        second.keyboard.press("Escape")
        second.keyboard.press("d")
        second.evaluate(f"form.id = '{before}'")  # as if it had yet to hear of that
        second.keyboard.press("Control+Enter")
        until(second, "document.getElementById('told').textContent.startsWith('not saved')")
        until(second, "document.querySelector('#say [name=body]').value.endsWith(' and more')")
        second.keyboard.press("Control+Enter")
        bodies = [each.body for each in kept(store, 2) if isinstance(each, Critique)]
        assert bodies[0] == "one" and bodies[1].endswith(" and more") and "one" in bodies[1]
    context.close()


def test_what_was_just_said_is_what_is_taken_back(browser: Any, store: EpisodeStore) -> None:
    """Also where the server has yet to tell of it."""
    store.add(told := episode())
    with served(store) as port:
        page, _ = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-4")
        ready(page)
        until(page, current(4))
        page.keyboard.press("1")
        until(page, "document.querySelectorAll('#step-4 .note').length === 1")
        held, free = list[Any](), list[bool]()
        page.route("**/runs/first/feedback", lambda route: route.continue_() if free else held.append(route))
        page.keyboard.press("3")
        page.keyboard.press("u")
        assert eventually(lambda: bool(page.evaluate("sending") and held), 60)
        free.append(True)
        held[0].continue_()
        until(page, "!sending && store.keys(OUT).length === 0")
        good, bad, undo = kept(store, 3)
        assert isinstance(good, StepLabel) and isinstance(bad, StepLabel) and bad.label == "bad"
        assert isinstance(undo, Undo) and undo.of == bad.id


def test_escape_waits_no_longer_for_a_step_that_does_not_come(browser: Any, store: EpisodeStore) -> None:
    with waiting_for_a_step(browser, store) as waiting:
        page = waiting.page
        for key in ("l", "c", "Escape", "w"):
            page.keyboard.press(key)
        page.keyboard.type("all of it")
        assert page.evaluate("form.place.step === undefined && fields.body.value === 'all of it'")
        waiting.let_come()
        until(page, "jumping === 0 && document.getElementById('step-151') !== null")
        assert page.evaluate("cursor === null")


def test_keys_that_are_read_about_say_nothing(browser: Any, store: EpisodeStore) -> None:
    told = [episode() for _ in range(2)]
    for each in told:
        store.add(each)
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told[0].id}")
        ready(page)
        for key in ("?", "3", "c"):
            page.keyboard.press(key)
        assert page.evaluate("help.open && !form && store.keys(OUT).length === 0")
        page.keyboard.press("?")
        assert not page.evaluate("help.open")
        page.goto(f"http://{HOST}:{port}/runs/first/rank?id={told[0].id}&id={told[1].id}")
        until(page, "document.querySelector('.column.current') !== null")
        for key in ("?", "1", "Enter"):  # Enter presses what has the focus: Close
            page.keyboard.press(key)
        assert page.evaluate("!help.open && ranks.every((each) => each === 0)")
        page.focus("nav a.brand")
        page.keyboard.press("Enter")
        until(page, "location.pathname === '/runs/first'")
        assert troubles == []
