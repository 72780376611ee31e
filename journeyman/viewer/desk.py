"""The addresses at which feedback is given and read. What writes is asked by our own pages alone, in JSON.

A page of another site cannot ask it: a browser sends such a body across sites only after a question that is never
answered, and says where the page is from, which must be here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.log import FeedbackError, FeedbackLog
from journeyman.envs.feedback.standing import FindEpisode, Mark
from journeyman.envs.log import LogWriteError
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import line
from journeyman.viewer.feedback import CannotSay, Desk, Note, Reviewing
from journeyman.viewer.pages import render
from journeyman.viewer.rank import MOST, rank_page
from journeyman.viewer.settle import conflicts_of
from journeyman.viewer.shelf import Shelved

MAX_BODY = 512 * 1024
"""Bytes of one entry, at the most: its texts are bounded, and each character may be spelled with six bytes."""
BLIND = "journeyman_blind"
"""The cookie of a browser's session that says whether pages hide what could sway a judgement: "yes" or "no"."""


@dataclass(frozen=True, slots=True)
class Desks:
    """Answers what concerns feedback.

    Args:
        store: the store of the run that a request names.
        shelved: an episode of a store; both raise HTTPException.
    """

    store: Callable[[Request], EpisodeStore]
    shelved: Callable[[EpisodeStore, str], Shelved]
    reviewing: Reviewing

    def routes(self) -> list[Route]:
        return [
            Route("/runs/{run:path}/episodes/{id}/feedback", self.notes),
            Route("/runs/{run:path}/episodes/{id}/action", self.action),
            Route("/runs/{run:path}/feedback", self.say, methods=["POST"]),
            Route("/runs/{run:path}/rank", self.rank),
            Route("/runs/{run:path}/settle", self.settle),
        ]

    async def say(self, request: Request) -> Response:
        try:
            refuse_foreign(request)
            body = await _body(request)
            desk = await run_in_threadpool(self._desk, request)
            entry = await run_in_threadpool(desk.say, body)
        except HTTPException as error:
            return _refused(error.status_code, error.detail)
        except (LogWriteError, OSError) as error:  # may go well another time: the page keeps it
            return _refused(503, str(error))
        except (CannotSay, FeedbackError) as error:
            return _refused(409 if isinstance(error, FeedbackError) else 422, str(error))
        return JSONResponse({"id": entry.id})

    def notes(self, request: Request) -> Response:
        """What was said of an episode, each as the page shows it and where."""
        asked = request.query_params
        episode = self._episode(request)
        me, others = asked.get("me", ""), asked.get("others") != "no"
        try:
            notes = self._desk(request).notes(episode, me, others=others)
        except FeedbackError as error:  # the file is there, and cannot be read
            raise HTTPException(503, str(error)) from error
        return JSONResponse([_told(note) for note in notes])

    def action(self, request: Request) -> Response:
        """A step's action, to be corrected."""
        steps, number = self._episode(request).steps, request.query_params.get("step", "")
        if not (number.isascii() and number.isdigit() and len(number) < 9 and 0 < int(number) <= len(steps)):
            raise HTTPException(404, "there is no such step")
        action = steps[int(number) - 1].action
        return JSONResponse({"tool": action.tool, **action.arguments})

    def rank(self, request: Request) -> Response:
        """Two to four episodes of a task: those that are named, or one with the latest like it."""
        store, asked = self.store(request), request.query_params
        names: Sequence[str] = asked.getlist("id")
        if not names and (like := asked.get("like")):
            first = self.shelved(store, like).episode
            latest = store.find(Query(task=first.task, descending=True, limit=MOST)).summaries
            names = list(dict.fromkeys([first.id, *(each.id for each in latest)]))[:MOST]
        if not 2 <= len(set(names)) <= MOST:
            raise HTTPException(400, f"choose two to {MOST} episodes of one task to rank: ?id=ID&id=ID")
        episodes = [self.shelved(store, name).episode for name in dict.fromkeys(names)]
        if len({episode.task for episode in episodes}) > 1:
            raise HTTPException(400, "only episodes of one task are ranked")
        page = rank_page(episodes)
        return HTMLResponse(render("rank.html", page=page, hidden="told" not in asked, **self.about(request)))

    def settle(self, request: Request) -> Response:
        """What annotators judge differently in a run, for somebody to say what holds."""
        try:
            judged = self._desk(request).judged()
        except FeedbackError as error:
            raise HTTPException(503, str(error)) from error
        conflicts = conflicts_of(judged, self._finder(request))
        return HTMLResponse(render("settle.html", conflicts=conflicts, **self.about(request)))

    def blind(self, request: Request) -> bool:
        """Whether a page hides reward, verdict, policy and what others said."""
        return {"yes": True, "no": False}.get(request.cookies.get(BLIND, ""), self.reviewing.blind)

    def about(self, request: Request) -> dict[str, Any]:
        """What a template needs where feedback is given."""
        run = request.path_params["run"]
        return {
            "run": run, "runs_address": f"/runs/{quote(run)}", "me": self.reviewing.name,
            "given": bool(self.reviewing.annotator), "guidelines": self.reviewing.guidelines,
            "blind": self.blind(request),
        }  # fmt: skip

    def _episode(self, request: Request) -> Episode:
        return self.shelved(self.store(request), request.path_params["id"]).episode

    def _desk(self, request: Request) -> Desk:
        return Desk(FeedbackLog(self.store(request).folder), self._finder(request), self.reviewing.guidelines)

    def _finder(self, request: Request) -> FindEpisode:
        store = self.store(request)

        def episode(name: str) -> Episode | None:
            with suppress(HTTPException):
                found = self.shelved(store, name).episode
                return found if found.id == name else None  # not by the beginning of its id
            return None

        return episode


def refuse_foreign(request: Request) -> None:
    """Raise HTTPException for what none of our pages asked."""
    origin = request.headers.get("origin", "")
    if origin != f"{request.url.scheme}://{request.headers.get('host', '')}":
        raise HTTPException(403, "asked by another site")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "asked by another site")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "say it in JSON")


async def _body(request: Request) -> bytes:
    """Raises HTTPException for a body that is too long, or that ends early."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            if (size := size + len(part)) > MAX_BODY:
                raise HTTPException(413, f"an entry takes at most {MAX_BODY // 1024} KiB")
            parts.append(part)
    except ClientDisconnect:
        raise HTTPException(400, "the entry was cut short") from None
    return b"".join(parts)


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"why": line(why)}, status)


def _told(note: Note) -> dict[str, Any]:
    entry, judged = note.judged.entry, note.judged
    draft = note.draft.model_dump(mode="json", exclude_defaults=True) if note.draft else None
    return {
        "id": entry.id, "annotator": entry.annotator, "stands": judged.stands, "undone": Mark.UNDONE in judged.marks,
        "draft": draft,
        "step": note.step, "part": note.part, "row": note.row, "claim": note.claim, "subtask": note.subtask,
        "text": render("note.html", entry=entry, judged=judged),
    }  # fmt: skip
