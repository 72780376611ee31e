"""The pages of `journeyman view` in a real browser: keys, a run that goes on, hostile text, people's needs (axe)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from journeyman.cli_view import HOST, listen
from journeyman.envs.episode import StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import bundled_tasks
from journeyman.viewer.app import viewer

from .test_view import HOSTILE, STEPS, episode, hostile_episode, the_task

pytestmark = pytest.mark.slow
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
    listener = listen(0)
    app = viewer(lambda: {"first": store.folder}, bundled_tasks, task_of=the_task)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
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
        for _ in range(4):
            page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate("document.querySelector('.current').id") == "step-3"
        page.keyboard.press("o")
        assert page.evaluate("document.querySelector('.current').open") is False
        page.keyboard.press("n")
        page.wait_for_url("**from=101**")
        page.keyboard.press("/")
        page.keyboard.type("no such j place")
        assert page.evaluate("document.activeElement.value") == "no such j place"
        assert troubles == []


def test_a_run_that_goes_on_is_shown_as_it_goes(browser: Any, store: EpisodeStore) -> None:
    store.add(episode())
    with served(store) as address:
        page, troubles = opened(browser)
        page.goto(f"{address}/runs/first")
        page.wait_for_timeout(2500)  # it has asked once how the run stands
        begun = replace(episode(), steps=(), stop=StopReason.INTERRUPTED, reward=None, verdict=None, terms=())
        store.begin(begun)
        page.wait_for_selector(f"text={begun.id}", timeout=30_000)
        assert troubles == []


def test_hostile_text_does_nothing_in_a_browser(browser: Any, store: EpisodeStore) -> None:
    told = [hostile_episode(text) for text in HOSTILE]
    for each in told:
        store.add(each)
    with served(store) as address:
        page, troubles = opened(browser)
        page.goto(f"{address}/runs/first")
        for each in told:
            page.goto(f"{address}/runs/first/episodes/{each.id}")
            assert page.evaluate("document.querySelectorAll('img, iframe, object, [onload], [onerror]').length") == 0
        assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 380])
def test_nothing_stands_in_anybodys_way(browser: Any, store: EpisodeStore, axe: str, scheme: str, width: int) -> None:
    first, second = episode(), episode(resolved=False, steps=STEPS[:-1])
    for each in (first, second):
        store.add(each)
    pair = f"/runs/first/compare?a={first.id}&b={second.id}"
    places = (
        "/runs/first",
        f"/runs/first/episodes/{first.id}",
        pair,
        "/tasks",
        "/tasks/stonelog-store",
        "/nowhere",
    )
    with served(store) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
        )  # axe is not ours
        page = context.new_page()
        for place in places:
            page.goto(address + place)
            page.evaluate(axe)
            found = page.evaluate("axe.run()")["violations"]
            told = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
            assert not told, f"{place}: {told}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        context.close()
