"""The web application: which address shows what, and what it refuses.

Pages are made on the server and ask nothing of any other machine. What episodes hold is hostile: templates escape all
of it, whatever has no look of its own is spelled out (`visible`), and the browser is told to run no script and load no
file but our own. It answers only to the names of this machine, so that a page elsewhere can't ask it through a
browser (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journeyman.envs.episode import Episode
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeDamaged, EpisodeNotFound, EpisodeStore
from journeyman.envs.summary import Summary
from journeyman.tasks.task import Task
from journeyman.terminal import line
from journeyman.viewer.compare import compare
from journeyman.viewer.desk import Desks
from journeyman.viewer.episode import PAGE, episode_page
from journeyman.viewer.feedback import Reviewing
from journeyman.viewer.pages import STATIC, render
from journeyman.viewer.run import PAGE as LISTED
from journeyman.viewer.run import Filter, place_of, run_page
from journeyman.viewer.shelf import Shelf, Shelved
from journeyman.viewer.task import task_page
from journeyman.viewer.worth import worth

HOSTS = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Runs = Callable[[], Mapping[str, Path]]
"""The run folders by name, the one written to last at the end."""


def viewer(
    runs: Runs,
    tasks: Callable[[], tuple[Task, ...]],
    *,
    task_of: Callable[[Episode], Task | None],
    reviewing: Reviewing | None = None,
) -> Starlette:
    """The application.

    Args:
        runs: asked again for every page, so that a run that begins is there.
        tasks: those that the task pages show.
        task_of: the task of an episode, where it can still be found.
        reviewing: how feedback is taken.
    """
    answers = _Answers(runs, tasks, task_of, reviewing or Reviewing())
    return Starlette(
        routes=[
            Route("/", answers.home),
            *answers.desks.routes(),
            Route("/runs/{run:path}/episodes/{id}", answers.episode),
            Route("/runs/{run:path}/episodes/{id}/steps", answers.steps),
            Route("/runs/{run:path}/compare", answers.compare),
            Route("/runs/{run:path}/state", answers.state),
            Route("/runs/{run:path}", answers.run),
            Route("/tasks", answers.tasks),
            Route("/tasks/{name:path}", answers.task),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS)), Middleware(Guard)],
        exception_handlers={HTTPException: _refuse},
    )


class Guard:
    """Adds the headers, and refuses what another site's page asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = {name: value for name, value in scope["headers"] if name in (b"origin", b"host")}
        origin = asked.get(b"origin", b"").rpartition(b"/")[2]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        if origin and origin != asked.get(b"host", b""):
            await Response("asked by another site", 403)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(render(name, **values), status)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _page("error.html", error.status_code, message=error.detail or "there is nothing here")


class _Answers:
    """One method for each kind of address. They block, so each answer has a thread of its own."""

    def __init__(
        self,
        runs: Runs,
        tasks: Callable[[], tuple[Task, ...]],
        task_of: Callable[[Episode], Task | None],
        reviewing: Reviewing,
    ) -> None:
        self._runs, self._tasks, self._shelf = runs, tasks, Shelf(task_of)
        self.desks = Desks(self._store, self._shelved, reviewing)

    def home(self, request: Request) -> Response:
        runs = list(self._runs())
        return RedirectResponse(f"/runs/{quote(runs[-1])}" if runs else "/tasks")

    def run(self, request: Request) -> Response:
        asked = Filter.of(request.query_params)
        page = run_page(request.path_params["run"], self._store(request), asked)
        rest = {name: value for name, value in asdict(asked).items() if value and name != "page"}
        return _page(
            "run.html", page=page, runs=list(self._runs()), rest=urlencode(rest, errors="replace"), size=LISTED,
            blind=self.desks.blind(request),
        )  # fmt: skip

    def state(self, request: Request) -> Response:
        """What a page asks again and again to see whether its run went on."""
        return JSONResponse(self._store(request).stamp())

    def episode(self, request: Request) -> Response:
        store, asked = self._store(request), request.query_params
        shelved, search = self._shelved(store, request.path_params["id"]), asked.get("q", "")
        episode = shelved.episode
        page = episode_page(
            episode, self._shelf.task(episode), first=place_of(asked.get("from", "")), search=search,
            listed=shelved.listed(search), group=self._group(store, episode), worth=worth(episode, store.folder),
        )  # fmt: skip
        return _page("episode.html", page=page, here=_here(request, episode), size=PAGE, **self.desks.about(request))

    def steps(self, request: Request) -> Response:
        """A part of an episode's steps, which its page asks for when they come near the eye."""
        shelved = self._shelved(self._store(request), request.path_params["id"])
        asked = request.query_params
        start = place_of(asked.get("first", "")) - 1
        steps = shelved.listed(asked.get("q", ""))[start : start + PAGE]
        return _page("steps.html", steps=steps, here=_here(request, shelved.episode))

    def compare(self, request: Request) -> Response:
        store, names = self._store(request), [request.query_params.get(side, "") for side in ("a", "b")]
        if not all(names):
            raise HTTPException(400, "choose two episodes to compare: ?a=ID&b=ID")
        first, second = (self._shelved(store, name).episode for name in names)
        return _page("compare.html", page=compare(first, second), **self.desks.about(request))

    def tasks(self, request: Request) -> Response:
        return _page("tasks.html", tasks=self._tasks())

    def task(self, request: Request) -> Response:
        name = request.path_params["name"]
        for task in self._tasks():
            if name in (task.name, task.name.rpartition("/")[2]):
                return _page("task.html", page=task_page(task))
        raise HTTPException(404, f"no task {line(name)!r}")

    def _store(self, request: Request) -> EpisodeStore:
        name = request.path_params["run"]
        if (folder := self._runs().get(name)) is None:
            raise HTTPException(404, f"no run {line(name)!r}; it may have been removed")
        return EpisodeStore(folder)

    def _group(self, store: EpisodeStore, episode: Episode) -> Sequence[Summary]:
        """The episodes that an episode's reward is compared with."""
        return store.find(Query(task=episode.task, policy=episode.policy)).summaries

    def _shelved(self, store: EpisodeStore, name: str) -> Shelved:
        try:
            return self._shelf.episode(store, name)
        except (EpisodeNotFound, EpisodeDamaged) as error:
            raise HTTPException(404, str(error)) from error


def _here(request: Request, episode: Episode) -> str:
    """The address of an episode's page."""
    return f"/runs/{quote(request.path_params['run'])}/episodes/{quote(episode.id)}"
