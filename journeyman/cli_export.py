"""`journeyman export`: episodes in other people's formats."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from journeyman.cli_common import CannotError, RunOption, open_run
from journeyman.cli_episode import say_problems
from journeyman.envs.episode import Episode
from journeyman.envs.formats.atif import to_atif
from journeyman.envs.formats.chat import to_chat
from journeyman.envs.store import EpisodeStore
from journeyman.export.asciinema import to_asciicast
from journeyman.export.markdown import to_markdown
from journeyman.terminal import plural


class Format(StrEnum):
    ATIF = "atif"
    CHAT = "chat"
    ASCIINEMA = "asciinema"
    MARKDOWN = "markdown"


class _Writer(NamedTuple):
    one: Callable[[Episode], str]
    """The text of one episode that stands alone."""
    many: Callable[[Iterator[Episode]], Iterator[str]] | None
    """Pieces of the text of several; None where one file holds one."""


def _lines(row_of: Callable[[Episode], Any]) -> Callable[[Iterator[Episode]], Iterator[str]]:
    # ASCII alone: no line end of Unicode's can split a row, and no control character reaches a terminal.
    return lambda episodes: (json.dumps(row_of(each), allow_nan=False) + "\n" for each in episodes)


def _pages(episodes: Iterator[Episode]) -> Iterator[str]:
    for place, each in enumerate(episodes):
        yield ("\n---\n\n" if place else "") + to_markdown(each)


_WRITERS = {
    Format.ATIF: _Writer(lambda each: json.dumps(to_atif(each), allow_nan=False, indent=1) + "\n", _lines(to_atif)),
    Format.CHAT: _Writer(lambda each: json.dumps(to_chat(each), allow_nan=False) + "\n", _lines(to_chat)),
    Format.ASCIINEMA: _Writer(to_asciicast, None),
    Format.MARKDOWN: _Writer(to_markdown, _pages),
}


def export(
    episode_id: Annotated[
        str, typer.Argument(metavar="[ID]", help='An id, its unique beginning, "last" or "best".', show_default=False)
    ] = "last",
    to: Annotated[
        Format,
        typer.Option(
            "--format",
            help="atif: a trajectory of ATIF v1.8, from which `journeyman import` gives the equal episode back. "
            "chat: a row of messages and tool calls for SFT. asciinema: a recording of a terminal, in asciicast v2. "
            "markdown: a summary for a pull request.",
        ),
    ] = Format.ATIF,
    html: Annotated[
        bool,
        typer.Option("--html", help="The page of `journeyman view` as one file that opens from the disk."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write. Default: the terminal; --html: ID.html."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every episode of the run, oldest first; atif and chat as JSON Lines.")
    ] = False,
    run: RunOption = None,
) -> None:
    """Write an episode, or a whole run, in a format of others: for training, for viewers, for a pull request."""
    store, writer = open_run(run), _WRITERS[to]
    if html:
        if every:
            raise CannotError("--html writes one episode; leave --all out, or name another --format")
        found = store.find_id(episode_id)
        output = output or Path(f"{found}.html")
        _write(output, iter([_page(store, found)]))
        typer.echo(f"the episode in {output}, {output.stat().st_size / 1000:.0f} kB", err=True)
        return
    count = 0

    def counted() -> Iterator[Episode]:
        nonlocal count
        for count, each in enumerate(store.episodes(), 1):  # noqa: B007  (told when all is written)
            yield each

    if every and writer.many is None:
        raise CannotError(f"--format {to} writes one episode; leave --all out, or name another --format")
    pieces = writer.many(counted()) if every and writer.many else iter([writer.one(store.get(episode_id))])
    if output is None:
        for piece in pieces:
            typer.echo(piece, nl=False)
    else:
        _write(output, pieces)
        typer.echo(f"{plural(count, 'episode') if every else 'the episode'} in {output}", err=True)
    say_problems(store, every)


def _page(store: EpisodeStore, episode_id: str) -> str:
    try:
        html_page = pkgutil.resolve_name("journeyman.viewer.single:html_page")
    except ModuleNotFoundError as error:
        raise CannotError(f"--html needs {error.name}: pip install 'journeyman[view]'") from error
    return str(html_page(store, episode_id))


def _write(path: Path, pieces: Iterator[str]) -> None:
    """All of it or nothing: what stood there stays until the new file is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        part.replace(path)
    except OSError as error:
        raise CannotError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
