"""The pages of `journeyman view` in a real browser: keys, a run that goes on, hostile text, people's needs (axe)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from journeyman.cli_view import HOST, listen
from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import bundled_tasks
from journeyman.viewer.app import viewer
from journeyman.viewer.single import html_page
from tests.processes import eventually

from .hostile_texts import HOSTILE
from .test_view import STEPS, episode, hostile_episode, step, the_task
from .test_view_worth import sampled

pytestmark = pytest.mark.slow
SAID = TokenTurn((1, 2, 3), (10, 11, 12, 13, 14, 15), (-0.01, -0.02, -0.5, -1.5, -3.0, -9.0))
COLOURFUL = (
    step("run", "\x1b[1;31mred\x1b[0m \x1b[32mgreen \x1b[33myellow \x1b[36mcyan \x1b[35mpink \x1b[90mgrey\x1b[0m"),
    replace(step("view", "seen"), action=Action("view", {"path": "a.py"}, tokens=SAID)),
    step(
        "edit",
        "edited",
        diff="--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n@cache\n"
        + "".join(f"{sign}def f(a='{sign}'):  # why\n{sign}    return len(a) + 1\n" for sign in " -+"),
    ),
)
"""Steps with a terminal's colours, with a model's tokens, and with code."""
AXE = "axe-core@4.14.1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@cache
def why_no_browser() -> str:
    """Empty when pages can be looked at in a browser here, else the reason."""
    try:
        import playwright.sync_api  # noqa: F401 (not everybody has it)
    except ImportError:
        return "playwright is not installed"
    return "" if any(map(shutil.which, BROWSERS)) else f"none of {', '.join(BROWSERS)} is installed"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if why := why_no_browser():
        (pytest.fail if os.environ.get("JOURNEYMAN_REQUIRE_BROWSER") else pytest.skip)(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe, out of npm's registry."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as tar:
        script = tar.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@contextmanager
def served(store: EpisodeStore) -> Iterator[str]:
    """The pages over a run, at an address."""
    with at_port(viewer(lambda: {"first": store.folder}, bundled_tasks, task_of=the_task)) as port:
        yield f"http://{HOST}:{port}"


@contextmanager
def at_port(app: Starlette, port: int = 0) -> Iterator[int]:
    """Pages that are served, and where."""
    listener = listen(port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


def opened(browser: Any, **settings: Any) -> tuple[Any, list[str]]:
    """A new page, and what goes wrong in it."""
    page, troubles = browser.new_page(**settings), []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
    return page, troubles


def test_keys_lead_through_a_run_and_an_episode(browser: Any, store: EpisodeStore) -> None:
    first, second = episode(), episode(steps=STEPS * 30)
    for each in (first, second):
        store.add(each)
    with served(store) as address:
        page, troubles = opened(browser)
        page.goto(address)
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{first.id}")
        page.goto(f"{address}/runs/first/episodes/{second.id}")
        ready(page)
        for number in (1, 2, 3, 4):
            page.keyboard.press("j")
            until(page, current(number))
        page.keyboard.press("k")
        until(page, current(3))
        page.keyboard.press("o")
        assert page.evaluate("document.querySelector('.current').open") is False
        page.keyboard.press("n")
        until(page, current(43))
        page.keyboard.press("/")
        page.keyboard.type("no such j place")
        assert page.evaluate("document.activeElement.value") == "no such j place"
        assert troubles == []


def test_a_run_that_goes_on_is_shown_as_it_goes(browser: Any, store: EpisodeStore) -> None:
    store.add(episode())
    with served(store) as address:
        page, troubles = opened(browser)
        with page.expect_response("**/state"):  # it asks how the run stands
            page.goto(f"{address}/runs/first")
        begun = replace(episode(), steps=(), stop=StopReason.INTERRUPTED, reward=None, verdict=None, terms=())
        store.begin(begun)
        page.wait_for_selector(f"text={begun.id}", timeout=30_000)
        assert troubles == []


def batched(texts: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    """So many at a time: each page takes a second to open."""
    for begin in range(0, len(texts), size):
        yield texts[begin : begin + size]


def until(page: Any, fact: str) -> None:
    """Waits for a fact. (The pages' own policy forbids the evaluation that `wait_for_function` needs.)"""
    from playwright.sync_api import Error

    def holds() -> bool:
        with suppress(Error):  # it is on its way to another page
            return bool(page.evaluate(fact))
        return False

    assert eventually(holds, 60), fact


def ready(page: Any) -> None:
    until(page, "document.getElementById('steps')?.dataset.ready === 'yes'")


def current(number: int) -> str:
    """The fact that a step is the current one, and in sight."""
    seen = "step.getBoundingClientRect().top > -2 && step.getBoundingClientRect().top < innerHeight"
    return f"((step) => step?.id === 'step-{number}' && {seen})(document.querySelector('.step.current'))"


ACTED = "document.querySelectorAll('main :is(img, iframe, object, embed, base, meta, [onload], [onerror])').length"


def test_hostile_text_does_nothing_in_a_browser(browser: Any, store: EpisodeStore, tmp_path: Path) -> None:
    texts = ["\n".join(group) for group in batched(HOSTILE, 10)]
    told = [hostile_episode(text) for text in texts]
    for each in told:
        store.add(each)
    file = tmp_path / "episode.html"
    with served(store) as address:
        page, troubles = opened(browser)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/runs/first")
        assert page.evaluate(ACTED) == 0
        for text, each in zip(texts, told, strict=True):
            file.write_text(html_page(store, each.id), encoding="utf-8")
            for place in (f"{address}/runs/first/episodes/{each.id}", file.as_uri()):
                page.goto(place)
                ready(page)
                assert page.evaluate(ACTED) == 0, text[:50]
                assert page.evaluate("document.querySelectorAll('#steps .step').length") == len(each.steps), text[:50]
        assert troubles == []
        assert [url for url in asked if not url.startswith((f"{address}/", file.as_uri(), "data:,"))] == []


def test_a_long_episode_is_walked_through(browser: Any, store: EpisodeStore, tmp_path: Path) -> None:
    """Scrolled, jumped and searched through, and not all of it is ever in the page: on the server and as a file."""
    many = tuple(step("view", f"line {number}\n" * (number % 30), path="a.py") for number in range(1, 3001))
    store.add(long := episode(steps=many))
    (file := tmp_path / "long.html").write_text(html_page(store, long.id), encoding="utf-8")
    with served(store) as address:
        page, troubles = opened(browser)
        for place in (f"{address}/runs/first/episodes/{long.id}", file.as_uri()):
            page.goto(f"{place}#step-2222")
            until(page, current(2222))
            page.keyboard.press("k")
            until(page, current(2221))
            page.locator("nav.timeline a").last.click()
            until(page, "document.querySelector('.step.current')?.id > 'step-2990'")
            page.keyboard.press("g")
            page.keyboard.type("1500")
            page.keyboard.press("Enter")
            until(page, current(1500))
            # A jump scrolls once more when the steps before it have got their own height: so this goes on trying.
            quarter = "scrollTo(0, document.body.scrollHeight / 4)"
            near = "[...document.querySelectorAll('.step')].some((each) => /^step-[67]\\d\\d$/.test(each.id))"
            until(page, f"({quarter}, {near})")
            assert page.evaluate("document.querySelectorAll('.step').length") <= 320
            page.fill("#find input", "LINE 2345")
            page.keyboard.press("Enter")
            until(page, "document.getElementById('found')?.textContent.startsWith('1 step with it')")
            until(page, "[...document.querySelectorAll('.step')].map((each) => each.id).join() === 'step-2345'")
        page.fill("#find input", "")
        page.keyboard.press("Enter")
        until(page, "document.querySelectorAll('.step').length === 40")
        assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 380])
def test_nothing_stands_in_anybodys_way(
    browser: Any, store: EpisodeStore, axe: str, scheme: str, width: int, tmp_path: Path
) -> None:
    first, second = episode(steps=(*STEPS[:-1], *COLOURFUL, STEPS[-1])), episode(resolved=False, steps=STEPS[:-1])
    for each in (first, second):
        store.add(each)
    sampled(store.folder, first, {0: [0.0, 0.5], 1: [1.0, 1.0], 2: [0.0]})
    pair = f"/runs/first/compare?a={first.id}&b={second.id}"
    (file := tmp_path / "one.html").write_text(html_page(store, first.id), encoding="utf-8")
    places = (
        "/runs/first",
        f"/runs/first/episodes/{first.id}",
        pair,
        "/tasks",
        "/tasks/stonelog-store",
        "/nowhere",
        file.as_uri(),
    )
    with served(store) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
        )  # axe is not ours
        page = context.new_page()
        for place in places:
            page.goto(place if place.startswith("file:") else address + place)
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            page.evaluate(axe)
            found = page.evaluate("axe.run()")["violations"]
            told = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
            assert not told, f"{place}: {told}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        context.close()
