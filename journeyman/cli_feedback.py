"""`journeyman feedback …`: the app that its commands register with, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from journeyman.cli_common import CannotError
from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.log import FeedbackLog, Logged
from journeyman.envs.feedback.standing import Judged, finder, standing
from journeyman.envs.guidelines.guideline import Guideline, load_guideline
from journeyman.envs.store import EpisodeStore

feedback_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@feedback_app.callback()
def _feedback() -> None:
    """Keep what people say of episodes, and say what of it counts."""


GuidelineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guideline",
        metavar="FILE|NAME",
        help="A guideline as it is now; may be repeated. Default: of each the newest that the feedback itself holds.",
    ),
]

AnnotatorOption = Annotated[
    str,
    typer.Option(
        "--annotator", envvar="JOURNEYMAN_ANNOTATOR", help="Who says it: a name or an address.", show_default=False
    ),
]
TERMINAL = "terminal"
"""The origin of what is said on the command line."""


def judged_in(store: EpisodeStore, guidelines: Iterable[str] = ()) -> tuple[Logged, tuple[Judged, ...]]:
    """All that was said of a run, and what of it stands.

    Raises:
        GuidelineError: a guideline cannot be read.
    """
    logged = FeedbackLog(store.folder).read()
    return logged, standing(logged, finder(store), guidelines_now(logged, guidelines))


def guidelines_now(logged: Logged, given: Iterable[str] = ()) -> Mapping[str, Guideline]:
    """The guidelines by which feedback is judged stale: those given, and of others the newest that was read.

    Raises:
        GuidelineError: one of those given cannot be read.
    """
    return logged.guidelines() | {each.name: each for each in guidelines_of(given)}


def guidelines_of(given: Iterable[str]) -> list[Guideline]:
    """The guidelines that are named with `--guideline`: a file, or a bundled one.

    Raises:
        GuidelineError: one of them cannot be read.
    """
    return [load_guideline(place) for place in given]


def by_prefix(entries: Iterable[Entry], name: str) -> Entry:
    """An entry by its id, or the unique beginning of its id or of the part after the dash.

    Raises:
        CannotError: there is none, or more than one begins so.
    """
    every = {entry.id: entry for entry in entries}
    found = [id_ for id_ in every if id_.startswith(name) or id_.rpartition("-")[2].startswith(name)]
    if name in every:
        return every[name]
    if len(found) != 1:
        why = f"{len(found)} entries begin" if found else "no entry begins"
        raise CannotError(f"{why} with {name!r}; `journeyman feedback list` shows their ids")
    return every[found[0]]
