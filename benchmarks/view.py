"""What looking at long episodes costs a browser: the page of 20,000 steps, and 1,000 steps exported as one file.

    python benchmarks/view.py [--steps 1000] [--long 20000] [--json]

An episode is really played in a sandbox, by a script that views, searches, edits, runs and tests its way through the
files of a bundled task; the long one repeats its steps. Chromium then opens both. Measured are the file's size, the
time from the start of the navigation until a key moves from step to step, and the longest task that held the page up
(the browser's own `longtask` entries) while it loads, scrolls, jumps and searches.
The goals: at most 2 MB and 1 s for the file, no task above 200 ms in the long page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page, sync_playwright

from journeyman.cli_task import sandboxes_of
from journeyman.cli_view import HOST, listen
from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from journeyman.viewer.app import viewer
from journeyman.viewer.single import html_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TASK = "journeyman/gridmark-tables"
PLAN = [{"title": title} for title in ("read the code", "write what is missing", "run the tests")]
WATCH = """
window.tasks = [];
new PerformanceObserver((all) => all.getEntries().forEach((each) => window.tasks.push(Math.round(each.duration))))
  .observe({ type: "longtask", buffered: true });
"""
READY = "document.getElementById('steps')?.dataset.ready"
IN_SIGHT = "(y => y > -1 && y < innerHeight)(document.querySelector('.step.current').getBoundingClientRect().y)"
PATIENCE_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--long", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="a folder where the run and the file stay")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        store = EpisodeStore(folder / "run")
        if not store.summaries():
            short = played(options.steps)
            store.add(short)
            steps = tuple(islice(cycle(short.steps), options.long))
            store.add(replace(short, id=new_episode_id(), steps=steps))
        first, second = (each.id for each in store.summaries())
        began = time.monotonic()
        text = html_page(store, first)
        made_s = time.monotonic() - began
        (folder / "episode.html").write_text(text, encoding="utf-8")
        with chromium() as page:
            file = {"bytes": len(text.encode()), "made_s": made_s, **opened(page, (folder / "episode.html").as_uri())}
        with chromium() as page, served(store) as address:
            long = opened(page, f"{address}/runs/run/episodes/{second}") | walked(page, options.long)
    figures = {"load": os.getloadavg()[0], "steps": options.steps, "file": file, "long": long}
    print(json.dumps(figures, indent=None if options.json else 2))


def played(count: int) -> Episode:
    """An episode of so many actions."""
    task = next(task for task in bundled_tasks() if task.name == TASK)
    env = RepoEnv(task, sandboxes_of("auto"), EnvConfig(max_steps=count))
    return rollout(env, ScriptedPolicy(list(islice(actions(task), count - 1))), seed=0)


def actions(task: Task) -> Iterator[Action]:
    """Looks, edits, commands and tests, over and over, each edit another."""
    files = sorted(path for path in task.repository.rglob("*.py") if path.stat().st_size > 1000)
    yield Action("plan", {"subtasks": PLAN})
    for turn, path in enumerate(cycle(files)):
        name = path.relative_to(task.repository).as_posix()
        lines = path.read_text(encoding="utf-8").splitlines()
        place = turn * 7 % len(lines) + 1
        end = min(place + 5, len(lines))
        noted = [f"{text}  # turn {turn}" if text.strip() else text for text in lines[place - 1 : end]]
        yield Action("outline", {"path": name})
        yield Action("view", {"path": name, "line": place})
        yield Action("edit", {"path": name, "line": place, "end": end, "new": "\n".join(noted)})
        yield Action("search", {"pattern": ("def ", "return", "self", "import")[turn % 4]})
        yield Action("run", {"command": f"wc -l $(ls *.py */*.py) && head -{20 + turn % 40} {name}"})
        yield Action("edit", {"path": name, "line": place, "end": end, "new": "\n".join(lines[place - 1 : end])})
        if turn % 8 == 0:
            yield Action("test")


@contextmanager
def chromium() -> Iterator[Page]:
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.add_init_script(WATCH)
        yield page
        browser.close()


@contextmanager
def served(store: EpisodeStore) -> Iterator[str]:
    listener = listen(0)
    app = viewer(lambda: {"run": store.folder}, bundled_tasks, task_of=lambda _: None)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://{HOST}:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def opened(page: Page, address: str) -> dict[str, Any]:
    """Opens a page and waits until a key works; times in s from the start of the navigation."""
    page.goto(address, wait_until="commit")
    until(page, READY)
    page.keyboard.press("j")
    until(page, "document.querySelector('.step.current') !== null")
    spent = page.evaluate("performance.now()") / 1000
    waited = page.evaluate("performance.getEntriesByType('navigation')[0].responseStart") / 1000
    return {"interactive_s": spent, "of_it_server_s": waited, "longest_task_ms": longest(page)}


def walked(page: Page, count: int) -> dict[str, Any]:
    """Scrolls, jumps and searches in a long page."""
    for _ in range(60):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(30)
    scrolled = longest(page)
    for number in (count, 1, count // 2, count // 3, count - 7):
        page.evaluate(f"location.hash = 'step-{number}'")
        until(page, f"document.querySelector('.step.current')?.id === 'step-{number}'")
        until(page, IN_SIGHT)
    for _ in range(30):
        page.keyboard.press("k")
    page.evaluate("scrollTo(0, document.body.scrollHeight / 3)")
    page.wait_for_timeout(500)
    held = page.evaluate("document.querySelectorAll('.step').length")
    jumped = longest(page)
    page.fill("input[type=search]", f"turn {count // 160}")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    until(page, READY)
    return {"scrolling_ms": scrolled, "jumping_ms": jumped, "searching_ms": longest(page), "steps_in_page": held,
            "found": page.inner_text("#found")}  # fmt: skip


def until(page: Page, fact: str) -> None:
    """Waits for a fact; the page's own policy forbids the evaluation that `wait_for_function` needs."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(fact):
        if time.monotonic() > end:
            raise SystemExit(f"after {PATIENCE_S} s it is still not so: {fact}")
        page.wait_for_timeout(10)


def longest(page: Page) -> int:
    """The longest task until now, in ms; what took less than 50 is no long task."""
    page.wait_for_timeout(200)
    return int(page.evaluate("Math.max(0, ...window.tasks)"))


if __name__ == "__main__":
    main()
