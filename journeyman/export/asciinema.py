"""An episode as an asciicast (version 2): what a terminal would have shown, step by step, at the pace at which it went.

It is drawn by the views of `journeyman replay`, so whatever an episode holds is spelled out before it reaches a player:
the only control sequences in a recording are the colours and line ends that we put there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from rich.console import Console, RenderableType

from journeyman.envs.episode import Episode
from journeyman.envs.formats.reading import seconds_of
from journeyman.terminal import ending_view, line, opening_view, step_view

WIDTH, HEIGHT = 100, 30
"""Of the terminal, in characters."""
IDLE_S = 2.0
"""Longest pause, in seconds: what took longer is shortened to it."""
READING_S = 0.3
"""Shortest time between two steps, in seconds, so that an eye can follow."""
TITLE_CHARS = 100


def to_asciicast(episode: Episode) -> str:
    """The recording, one JSON value a line. Each step is a marker, which players can jump to."""
    header = {
        "version": 2,
        "width": WIDTH,
        "height": HEIGHT,
        "title": line(f"{episode.task}, {episode.policy}"[:TITLE_CHARS]),
        "idle_time_limit": IDLE_S,
        "env": {"TERM": "xterm-256color"},
    }
    if (began := seconds_of(episode.started_at)) is not None:
        header["timestamp"] = int(began)
    return "".join(json.dumps(row) + "\n" for row in (header, *_events(episode)))


def _events(episode: Episode) -> Iterator[tuple[float, str, str]]:
    now, count = 0.0, len(episode.steps)
    yield now, "o", drawn(opening_view(episode))
    for number, step in enumerate(episode.steps, 1):
        now = round(now + min(max(step.duration_s, READING_S), IDLE_S), 3)
        yield now, "m", line(f"step {number}: {step.action.tool}"[:TITLE_CHARS])
        yield now, "o", drawn(step_view(step, number, count))
    yield round(now + READING_S, 3), "o", drawn(ending_view(episode))


def drawn(view: RenderableType) -> str:
    """A view as a terminal receives it."""
    page = io.StringIO()
    Console(file=page, width=WIDTH, force_terminal=True, color_system="standard", highlight=False, legacy_windows=False,
            _environ={}).print(view)  # fmt: skip
    return page.getvalue().replace("\n", "\r\n")
