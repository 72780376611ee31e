"""Feedback in a real browser: by keys alone, by two at once, through crashes, and with hostile words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from journeyman.cli_view import HOST
from journeyman.envs.feedback.entry import ClaimLabel, Correction, Critique, Entry, Ranking, StepLabel, Undo
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, Item
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import bundled_tasks
from journeyman.viewer.app import viewer
from journeyman.viewer.feedback import Reviewing
from tests.processes import eventually

from .hostile_texts import MARKUP, UNICODE
from .test_view import STEPS, episode, hostile_episode, step, the_task
from .test_view_browser import ACTED, at_port, axe, browser, current, opened, ready, until
from .test_view_feedback import SHOWN, SMALL

__all__ = ["axe", "browser"]  # fixtures
pytestmark = pytest.mark.slow


@contextmanager
def served(store: EpisodeStore, port: int = 0, **reviewing: Any) -> Iterator[int]:
    """The pages over a run, at a port."""
    told = Reviewing(**{"annotator": "ana", "guidelines": {SMALL.name: SMALL}, **reviewing})
    pages = viewer(lambda: {"first": store.folder}, bundled_tasks, task_of=the_task, reviewing=told)
    with at_port(pages, port) as place:
        yield place


@dataclass
class Waiting:
    page: Any
    troubles: list[str]
    held: list[Any] = field(default_factory=list)
    """What the page asked for meanwhile."""
    free: bool = False

    def let_come(self) -> None:
        """The step, once the page waits for it."""
        assert eventually(lambda: bool(self.page.evaluate("coming.size") and self.held), 60)
        self.free = True
        for route in self.held:
            route.continue_()


@contextmanager
def waiting_for_a_step(browser: Any, store: EpisodeStore) -> Iterator[Waiting]:
    """A page that goes to a step of a long episode, which the server does not give before it is let."""
    store.add(told := episode(steps=(*[STEPS[3]] * 200,)))
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-1")
        ready(page)
        until(page, current(1))
        waiting = Waiting(page, troubles)
        page.route("**/steps?**", lambda route: route.continue_() if waiting.free else waiting.held.append(route))
        page.evaluate("void go(150).catch(tell)")
        yield waiting


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


def kept(store: EpisodeStore, count: int) -> tuple[Entry, ...]:
    """What was said, once there is so much of it."""
    said = FeedbackLog(store.folder)
    assert eventually(lambda: len(said.read().entries) >= count, 60)
    entries = said.read().entries
    assert len(entries) == count
    return entries


class Keys:
    """Presses keys, and counts them."""

    def __init__(self, page: Any) -> None:
        self._page, self.count = page, 0

    def __call__(self, *names: str) -> None:
        for name in names:
            self._page.keyboard.press(name)
            self.count += len(name.split("+"))

    def text(self, text: str) -> None:
        self._page.keyboard.type(text)


def test_a_line_is_commented_in_six_keystrokes(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-3")
        ready(page)
        until(page, current(3))
        press = Keys(page)
        press("j", "l", "c")  # from the step before: to it, into its lines at the first that changed, comment
        press.text("Why 2? It jumps, by j.")
        press("Control+Enter")
        assert press.count <= 6
        (said,) = kept(store, 1)
        assert isinstance(said, Critique) and said.body == "Why 2? It jumps, by j."
        assert (said.annotator, said.place.step, said.place.path, said.place.line) == ("ana", 4, "text.py", 1)
        assert (said.place.side, said.place.quote) == ("new", "    return 2")
        until(page, "document.querySelector('#step-4 pre.diff .ln + .notes')?.textContent.includes('Why 2?')")
        assert page.evaluate("document.querySelector('#step-4 pre.diff .notes').previousSibling.textContent") == (
            "+    return 2"
        )
        assert troubles == []


def test_keys_wait_for_a_step_that_has_yet_to_come(browser: Any, store: EpisodeStore) -> None:
    """Whoever types faster than the server answers says it of the same line."""
    with waiting_for_a_step(browser, store) as waiting:
        page = waiting.page
        for key in ("l", "k", "c"):
            page.keyboard.press(key)
        page.keyboard.type("fast")
        waiting.let_come()
        until(page, "document.querySelector('#say [name=body]').value === 'fast'")
        page.keyboard.press("Control+Enter")
        (said,) = kept(store, 1)
        assert isinstance(said, Critique) and (said.body, said.place.step, said.place.side) == ("fast", 151, "old")
        assert waiting.troubles == []


def test_everything_is_said_by_keys(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode(steps=(*STEPS[:-1], SHOWN, STEPS[-1])))
    with served(store) as port:
        page, troubles = opened(browser)
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-8")
        ready(page)
        until(page, current(8))
        press = Keys(page)
        press("3")
        assert isinstance(kept(store, 1)[-1], StepLabel)
        press("l", "J", "c")
        press.text("both")
        press("Tab")
        press.text("blocking")
        press("Tab")
        press.text("tests")
        press("Tab")
        press.text("should")
        press("Tab", "End", "!")
        press("Control+Enter")
        lines = kept(store, 3)[-1]  # and the guideline that was read
        assert isinstance(lines, Critique) and lines.item is not None and str(lines.item) == "conduct@2/small"
        assert (lines.place.line, lines.place.end, lines.severity, lines.category) == (7, 8, "blocking", "tests")
        assert lines.suggestion is not None and lines.suggestion.startswith("def f():\n    return 2")
        press("r", "j", "2")
        press.text("It changed text.py.")
        press("Control+Enter")
        claim = kept(store, 4)[-1]
        assert isinstance(claim, ClaimLabel)
        assert (claim.claim, claim.label, claim.limitation) == (1, "false", "It changed text.py.")
        press("s", "j", "c")
        press.text("not needed")
        press("Control+Enter")
        part = kept(store, 5)[-1]
        assert isinstance(part, Critique) and part.place.subtask == "mend it"
        page.evaluate("location.hash = 'step-4'")
        until(page, current(4))
        press("e")
        until(page, "document.querySelector('#say [name=body]').value.includes('text.py')")
        page.fill("#say [name=body]", '{"tool": "edit"}')
        press("Control+Enter")
        until(page, "document.getElementById('told').textContent.startsWith('not saved: the action cannot be taken')")
        until(page, "document.querySelector('#say [name=body]').value === '{\"tool\": \"edit\"}'")  # it is not lost
        page.fill("#say [name=body]", '{"tool": "test"}')
        press("Control+Enter")
        mended = kept(store, 6)[-1]
        assert isinstance(mended, Correction) and (mended.step, mended.action) == (4, {"tool": "test"})
        until(page, "document.querySelector('#step-4 .of-correction') !== null")
        press("u")
        undone = kept(store, 7)[-1]
        assert isinstance(undone, Undo) and undone.of == mended.id
        until(page, "document.querySelector('#step-4 .of-correction.undone') !== null")
        press("?")
        assert page.evaluate("document.getElementById('help').open")
        press("Escape")
        page.evaluate("dispatchEvent(new Event('focus'))")
        assert [text for text in troubles if "422" not in text] == []


def test_two_at_once_lose_nothing_and_are_blind_until_they_spoke(browser: Any, store: EpisodeStore) -> None:
    store.add(told := episode())
    with served(store) as port:
        here = f"http://{HOST}:{port}/runs/first/episodes/{told.id}"
        pages = [opened(browser)[0] for _ in range(2)]
        for page, name in zip(pages, ("ana", "ben"), strict=True):
            page.goto(here)
            ready(page)
            page.fill("#me", name)
            page.keyboard.press("Enter")
            assert not page.is_visible("text=oracle") and not page.is_visible("text=Reward")
            page.keyboard.press("w")
            page.keyboard.type(f"from {name}")
        ana, ben = pages
        ana.keyboard.press("Control+Enter")
        until(ana, "document.querySelector('#whole .note')?.textContent.includes('from ana')")
        assert ana.is_visible("text=oracle")
        assert not ben.is_visible("text=from ana") and not ben.is_visible("text=oracle")
        ben.evaluate("dispatchEvent(new Event('focus'))")
        ben.keyboard.press("Control+Enter")
        until(ben, "document.querySelectorAll('#whole .note').length === 2")
        assert {each.annotator for each in kept(store, 2)} == {"ana", "ben"}
        ana.evaluate("dispatchEvent(new Event('focus'))")  # she looks again
        until(ana, "document.querySelectorAll('#whole .note').length === 2")
        ana.keyboard.press("b")
        until(ana, "document.querySelectorAll('#whole .note').length === 1")
        ana.reload()
        assert "journeyman_blind=yes" in ana.evaluate("document.cookie")


def test_a_crash_in_mid_comment_loses_nothing(browser: Any, store: EpisodeStore) -> None:
    """First the tab's, then the server's before it answers; and what was sent twice counts once."""
    store.add(told := episode())
    context = browser.new_context()
    with served(store) as port:
        here = f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-4"
        page = context.new_page()
        page.goto(here)
        ready(page)
        until(page, current(4))
        page.keyboard.press("c")
        page.keyboard.type("half a sen")
        until(page, "Object.values(localStorage).some((each) => each.includes('half a sen'))")
        from playwright.sync_api import Error

        with suppress(Error):
            page.goto("chrome://crash")
        page = context.new_page()
        page.goto(here)
        ready(page)
        until(page, "document.getElementById('drafts').textContent.startsWith('a draft: step 4')")
        page.keyboard.press("d")
        assert page.input_value("#say [name=body]") == "half a sen"
        page.keyboard.press("End")
        page.keyboard.type("tence")
        sent: list[str] = []

        def swallow(route: Any) -> None:
            """The server takes it, and dies before it answers."""
            if not sent:
                sent.append(route.fetch().text())
                route.abort()
            else:
                route.continue_()

        page.route("**/runs/first/feedback", swallow)
        page.keyboard.press("Control+Enter")
        until(page, "document.getElementById('told').textContent.startsWith('the server does not answer')")
    page.unroute("**/runs/first/feedback")
    page.keyboard.press("1")
    until(page, "document.getElementById('told').textContent.startsWith('the server does not answer')")
    page.close()  # and nobody waits
    with served(store, port):
        page = context.new_page()
        page.goto(here)
        critique, label = kept(store, 2)
        assert isinstance(critique, Critique) and critique.body == "half a sentence"
        assert isinstance(label, StepLabel) and label.label == "good"
        until(page, "document.querySelectorAll('#step-4 .note').length === 2")
        until(page, "document.getElementById('drafts').hidden && localStorage.length === 0")
    context.close()


def test_episodes_are_ranked_by_keys(browser: Any, store: EpisodeStore) -> None:
    told = [episode(resolved=n > 0) for n in range(3)]
    for each in told:
        store.add(each)
    with served(store) as port:
        page, troubles = opened(browser)
        ids = "&".join(f"id={each.id}" for each in told)
        page.goto(f"http://{HOST}:{port}/runs/first/rank?{ids}")
        until(page, "document.querySelector('.column.current') !== null")
        assert "oracle" not in page.inner_text("main")
        for key in ("Enter", "2", "1"):
            page.keyboard.press(key)
        page.reload()
        until(page, "document.getElementById('told').textContent === 'your draft is here again'")
        for key in ("ArrowRight", "ArrowRight", "1", "c"):
            page.keyboard.press(key)
        page.keyboard.type("Its report is honest.")
        page.keyboard.press("Control+Enter")
        (said,) = kept(store, 1)
        assert isinstance(said, Ranking) and said.ranks == (2, 1, 1) and said.reason == "Its report is honest."
        assert said.episodes == tuple(each.id for each in told)
        until(page, "document.getElementById('told').textContent === 'saved'")
        page.keyboard.press("u")
        assert isinstance(kept(store, 2)[-1], Undo)
        page.keyboard.press("v")
        until(page, "document.querySelector('main').innerText.includes('oracle')")
        assert troubles == []


def test_hostile_words_do_nothing(browser: Any, store: EpisodeStore) -> None:
    clean = "\n".join((*MARKUP, *UNICODE)).encode("utf-8", "replace").decode()
    item = Item(id="x", kind="must", text=clean[:500])
    hostile = Guideline(name="hostile", version=1, title=clean[:200], items=(item,))
    store.add(told := hostile_episode("\n".join(MARKUP)))
    store.add(hostile_episode("\n".join(MARKUP)))
    with served(store, guidelines={"hostile": hostile}) as port:
        page, troubles = opened(browser)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}")
        ready(page)
        page.fill("#me", "<img src=x onerror=alert(1)>")
        page.keyboard.press("Enter")
        action = '{"tool": "run", "command": "<img src=x onerror=alert(1)>"}'
        for pressed, words in (("w", clean), ("sc", clean), ("r2", clean), ("e", action)):
            for key in pressed:
                page.keyboard.press(key)
            until(page, "document.activeElement === document.querySelector('#say [name=body]:read-write')")
            page.fill("#say [name=body]", words)
            page.keyboard.press("Control+Enter")
        until(page, "document.querySelectorAll('.note').length === 4")
        assert page.evaluate(ACTED) == 0
        page.goto(f"http://{HOST}:{port}/runs/first/rank?" + "&".join(f"id={each.id}" for each in store.episodes()))
        until(page, "document.querySelector('.column.current') !== null")
        assert page.evaluate(ACTED) == 0
        assert troubles == [] and [url for url in asked if not url.startswith(f"http://{HOST}:{port}/")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 380])
def test_nothing_stands_in_anybodys_way(browser: Any, store: EpisodeStore, axe: str, scheme: str, width: int) -> None:
    store.add(told := episode(steps=(*STEPS[:-1], step("view", "x", path="a.py"), STEPS[-1])))
    store.add(other := episode(resolved=False))
    size = {"width": width, "height": 900}
    with served(store) as port:
        context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)  # axe is not ours
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}/runs/first/episodes/{told.id}#step-4")
        ready(page)
        until(page, current(4))
        for key in ("1", "l", "c"):
            page.keyboard.press(key)
        page.keyboard.type("A name for this number would say why.")
        page.keyboard.press("Control+Enter")
        until(page, "document.querySelectorAll('#step-4 .note').length === 2")
        for key in ("l", "c"):
            page.keyboard.press(key)
        page.keyboard.type("half a")
        sound(page, axe, width)
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        sound(page, axe, width)
        page.goto(f"http://{HOST}:{port}/runs/first/rank?id={told.id}&id={other.id}")
        until(page, "document.querySelector('.column.current') !== null")
        page.keyboard.press("1")
        sound(page, axe, width)
        context.close()


def sound(page: Any, axe: str, width: int) -> None:
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    told = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
    assert not told, told
    assert page.evaluate("document.documentElement.scrollWidth") <= width
