"""`journeyman feedback import`: code-review comments and annotation tools' exports as feedback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from journeyman.cli_common import (
    FAILED,
    CannotError,
    JsonOption,
    RunOption,
    example,
    open_run,
    print_json,
    say_error,
)
from journeyman.cli_feedback import feedback_app, judged_in
from journeyman.envs.feedback.formats.exports import Source, read_feedback
from journeyman.envs.feedback.formats.reading import ImportFeedbackError, Mapped, Reading
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeNotFound, EpisodeStore
from journeyman.terminal import line, out, plural


@feedback_app.command(
    "import",
    epilog=example(
        "journeyman feedback import code-review comments.json --episode last",
        "journeyman feedback import label-studio export.json --map episodes.json --annotator ada --stars 5",
        "journeyman feedback import csv rankings.csv --json",
    ),
)
def import_feedback(
    source: Annotated[
        Source,
        typer.Argument(metavar="FORMAT", help=f"The format of the file: {', '.join(each.value for each in Source)}."),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was exported.")],
    episode: Annotated[
        str, typer.Option(metavar="ID", help="The episode of which all is said that names none itself.")
    ] = "",
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map", help='JSON: {"what the export calls it": "EPISODE"}, or a list of them for a comparison.'
        ),
    ] = None,
    annotator: Annotated[
        str, typer.Option(envvar="JOURNEYMAN_ANNOTATOR", help="Who said what names nobody.", show_default=False)
    ] = "",
    stars: Annotated[int, typer.Option(min=2, help="The best rating; the worst is 1.")] = 5,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import feedback that was given elsewhere, and say what of it has no place here. Doing it twice adds nothing.

    It ends with 1 where nothing at all of the file has a place.
    """
    store = open_run(run)
    given = store.find_id(episode) if episode else ""
    mapped = _whole(_mapping(mapping), store)
    try:
        found = read_feedback(file, Reading(source.value, given, mapped, annotator, stars))
    except ImportFeedbackError as error:
        raise CannotError(f"{error}; nothing was imported") from error
    log = FeedbackLog(store.folder)
    before = {entry.id for entry in log.read().entries}
    log.write(*found.entries)
    new = {entry.id for entry in found.entries} - before
    nothing = not found.entries
    if as_json:
        unmapped = [{"where": where, "why": why} for where, why in found.unmapped]
        ids = [entry.id for entry in found.entries]
        print_json({"run": store.folder, "entries": ids, "new": len(new), "unmapped": unmapped})
        if nothing:
            raise typer.Exit(FAILED)
        return
    for where, why in found.unmapped:
        out.print(Text(f"{line(str(file))}, {line(where)}: {line(why)}", "yellow"), soft_wrap=True)
    if nothing:
        why = "it is empty"
        if found.unmapped:
            remarks = plural(len(found.unmapped), "remark")
            why = f"none of its {remarks} has a place here; --episode or --map says which episode is meant"
        say_error(f"{line(str(file))}: nothing was imported, for {why}")
        raise typer.Exit(FAILED)
    entries = "1 entry" if len(found.entries) == 1 else f"{len(found.entries)} entries"
    said = f"{entries} of {line(str(file))}, {len(new)} of them new in {line(str(store.folder))}"
    out.print(Text(f"{said}; {plural(len(found.unmapped), 'remark')}", "dim"), soft_wrap=True)
    read = {entry.id for entry in found.entries}
    if silent := sum(each.entry.id in read and not each.stands for each in judged_in(store)[1]):
        out.print(Text(f"kept, but not counting: {silent}; `feedback list --marked` says why", "yellow"))


def _mapping(path: Path | None) -> dict[str, list[str]]:
    """The mapping's file, each value as a list.

    Raises:
        CannotError: it is none.
    """
    if path is None:
        return {}
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotError(f"--map {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CannotError(f"--map {path}: {error}") from error
    found = {str(key): [value] if isinstance(value, str) else value for key, value in _items(data)}
    for key, value in found.items():
        if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
            raise CannotError(f"--map {path}: {key!r} is mapped to an episode's id, or to a list of them")
    return found


def _items(data: Any) -> list[tuple[Any, Any]]:
    if not isinstance(data, dict):
        raise CannotError('--map: a JSON object is wanted: {"what the export calls it": "EPISODE"}')
    return list(data.items())


def _whole(mapped: Mapped, store: EpisodeStore) -> Mapped:
    """Beginnings of ids made whole; one that is not there stays, and what is said of it is marked."""

    def whole(name: str) -> str:
        try:
            return store.find_id(name)
        except EpisodeNotFound:
            return name

    return {key: [whole(name) for name in names] for key, names in mapped.items()}
