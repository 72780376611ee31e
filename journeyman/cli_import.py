"""`journeyman import`: other agents' trajectories as episodes, to be replayed and viewed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import RUNS, CannotError, JsonOption, print_json
from journeyman.envs.episode import Episode
from journeyman.envs.formats.assemble import IMPORTED, NOT_MAPPED
from journeyman.envs.formats.reading import TrajectoryError
from journeyman.envs.formats.trajectories import Source, read_trajectories
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import line, out, plural

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Trajectories; JSON Lines may hold several, a log of Inspect many."),
    ],
    source: Annotated[
        Source | None, typer.Option("--from", help="The format. Default: told by what each file holds.")
    ] = None,
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Run folder to add the episodes to.")
    ] = RUNS / "imported",
    as_json: JsonOption = False,
) -> None:
    """Read trajectories of other agents into a run, and say what of them has no place there."""
    found = [(path, each) for path in files for each in _read(path, source)]
    with EpisodeStore(out_folder) as store:
        there = {each.id for each in store.summaries()}
        new = [(path, each) for path, each in found if each.id not in there]
        for _, each in new:
            store.add(each)
    if as_json:
        rows = [{"file": path, "episode": each.id, "new": each.id not in there, **_facts(each)} for path, each in found]
        print_json({"run": out_folder, "episodes": rows})
        return
    for path, each in found:
        out.print(_told(path, each, each.id in there), soft_wrap=True)
    out.print(Text(f"{plural(len(new), 'episode')} added to {line(str(out_folder))}", "dim"), soft_wrap=True)


def _read(path: Path, source: Source | None) -> list[Episode]:
    try:
        found = read_trajectories(path, source)
    except TrajectoryError as error:
        raise CannotError(f"{error}; nothing was imported") from error
    if wrong := [each.id for each in found if not _ID.fullmatch(each.id)]:
        raise CannotError(f"{path}: {wrong[0][:40]!r} is no episode id; nothing was imported")
    return found


def _facts(episode: Episode) -> dict[str, str]:
    return {
        "format": episode.versions.get(IMPORTED, "atif, as journeyman wrote it"),
        "not_mapped": episode.versions.get(NOT_MAPPED, ""),
    }


def _told(path: Path, episode: Episode, known: bool) -> Text:
    facts = _facts(episode)
    text = Text.assemble((episode.id, "bold cyan"), f"  {line(str(path))}  {line(facts['format'])}")
    text.append(f"  {line(episode.task)}, {plural(len(episode.steps), 'step')}")
    if known:
        text.append("  was there already", "yellow")
    if facts["not_mapped"]:
        text.append(f"\n  not mapped: {line(facts['not_mapped'])}", "dim")
    return text
