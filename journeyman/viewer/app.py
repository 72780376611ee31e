"""The web application: which address shows what, and what it refuses.

Pages are made on the server and ask nothing of any other machine. What episodes hold is hostile: templates escape all
of it, whatever has no look of its own is spelled out (`visible`), and the browser is told to run no script and load no
file but our own. It answers only to the names of this machine, so that a page elsewhere can't ask it through a
browser (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
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
from journeyman.envs.store import EpisodeDamaged, EpisodeNotFound, EpisodeStore
from journeyman.tasks.task import Task
from journeyman.terminal import line, plural, visible
from journeyman.viewer.compare import compare
from journeyman.viewer.drawing import curve, graph
from journeyman.viewer.episode import PAGE, arguments_of, episode_page, kind_of
from journeyman.viewer.run import Filter, ended, run_page
from journeyman.viewer.task import task_page

HERE = Path(__file__).resolve().parent
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
    runs: Runs, tasks: Callable[[], tuple[Task, ...]], *, task_of: Callable[[Episode], Task | None]
) -> Starlette:
    """The application.

    Args:
        runs: asked again for every page, so that a run that begins is there.
        tasks: those that the task pages show.
        task_of: the task of an episode, where it can still be found.
    """
    answers = _Answers(runs, tasks, task_of)
    return Starlette(
        routes=[
            Route("/", answers.home),
            Route("/runs/{run:path}/episodes/{id}", answers.episode),
            Route("/runs/{run:path}/compare", answers.compare),
            Route("/runs/{run:path}/state", answers.state),
            Route("/runs/{run:path}", answers.run),
            Route("/tasks", answers.tasks),
            Route("/tasks/{name:path}", answers.task),
            Mount("/static", StaticFiles(directory=HERE / "static")),
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


def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("journeyman.viewer"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pages.filters.update(visible=visible, line=line)
    pages.globals.update(
        plural=plural, curve=curve, graph=graph, arguments_of=arguments_of, kind_of=kind_of, ended=ended
    )
    return pages


PAGES = _pages()


def _page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(PAGES.get_template(name).render(**values), status)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _page("error.html", error.status_code, message=error.detail or "there is nothing here")


class _Answers:
    """One method for each kind of address. They block, so each answer has a thread of its own."""

    def __init__(
        self, runs: Runs, tasks: Callable[[], tuple[Task, ...]], task_of: Callable[[Episode], Task | None]
    ) -> None:
        self._runs, self._tasks, self._task_of = runs, tasks, task_of

    def home(self, request: Request) -> Response:
        runs = list(self._runs())
        return RedirectResponse(f"/runs/{quote(runs[-1])}" if runs else "/tasks")

    def run(self, request: Request) -> Response:
        page = run_page(request.path_params["run"], self._store(request), Filter.of(request.query_params))
        return _page("run.html", page=page, runs=list(self._runs()))

    def state(self, request: Request) -> Response:
        """What a page asks again and again to see whether its run went on."""
        summaries = self._store(request).summaries()
        states = "".join(each.state.value[0] for each in summaries[-50:])
        return JSONResponse([len(summaries), sum(each.steps for each in summaries), states])

    def episode(self, request: Request) -> Response:
        episode, asked = _read(self._store(request), request.path_params["id"]), request.query_params
        number = asked.get("from", "")
        first = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1
        page = episode_page(episode, self._task_of(episode), first=first, search=asked.get("q", ""))
        return _page("episode.html", page=page, run=request.path_params["run"], size=PAGE)

    def compare(self, request: Request) -> Response:
        store, names = self._store(request), [request.query_params.get(side, "") for side in ("a", "b")]
        if not all(names):
            raise HTTPException(400, "choose two episodes to compare: ?a=ID&b=ID")
        first, second = (_read(store, name) for name in names)
        return _page("compare.html", page=compare(first, second), run=request.path_params["run"])

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


def _read(store: EpisodeStore, name: str) -> Episode:
    try:
        return store.get(name)
    except (EpisodeNotFound, EpisodeDamaged) as error:
        raise HTTPException(404, str(error)) from error
