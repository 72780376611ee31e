"""`journeyman export`: an episode as a file that can be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import CannotError, RunOption, open_run
from journeyman.terminal import err, line
from journeyman.viewer.single import html_page


def export(
    episode_id: Annotated[
        str, typer.Argument(metavar="[ID]", help='An id, its unique beginning, "last" or "best".', show_default=False)
    ] = "last",
    run: RunOption = None,
    html: Annotated[bool, typer.Option("--html", help="The page of `journeyman view` as one file.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file. Default: ID.html.")] = None,
) -> None:
    """Write an episode to one file that asks nothing of anybody and opens from the disk."""
    if not html:
        raise CannotError("say what to write: --html")
    store = open_run(run)
    episode = store.get(episode_id)
    path = output or Path(f"{episode.id}.html")
    try:
        path.write_text(html_page(store, episode.id), encoding="utf-8")
    except OSError as error:
        raise CannotError(f"cannot write {path}: {error.strerror}") from error
    err.print(Text(f"{line(str(path))}, {path.stat().st_size / 1000:.0f} kB"))
