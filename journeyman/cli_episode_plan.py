"""`journeyman episode plan`: what became of a plan's subtasks."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import JsonOption, RunOption, example, open_run, print_json
from journeyman.cli_episode_list import app
from journeyman.envs.claims import Standing
from journeyman.envs.episode import Episode
from journeyman.envs.plans import Closing, Part, PlanStory, story_of
from journeyman.terminal import line, out, plural

COLUMNS = 10
"""Plans that the table shows, at the most: the last ones."""
ROWS = 100
"""Subtasks that the table shows, at the most; JSON has all that are followed."""
_MARKS = {"done": ("●", "green"), "open": ("○", "yellow"), "dropped": ("✕", "dim"), None: ("", "dim")}
_STYLES = {Standing.SUPPORTED: "green", Standing.CONTRADICTED: "red", Standing.UNVERIFIABLE: "yellow"}


@app.command(
    "plan",
    epilog=example(
        "journeyman episode plan",
        "journeyman episode plan best --run demo",
        "journeyman episode plan last --json",
    ),
)
def plan_command(
    episode_id: Annotated[
        str, typer.Argument(metavar="[ID]", help='An id, its unique beginning, "last" or "best".', show_default=False)
    ] = "last",
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a plan's story: when each subtask was opened, closed, dropped, the work on it, its evidence and what the
    record says to that."""
    episode = open_run(run).get(episode_id)
    story = story_of(episode.steps)
    if as_json:
        print_json({"episode": episode.id, "task": episode.task, **story.to_dict()})
        return
    out.print(Text(f"{line(episode.task)} · episode {line(episode.id)}", "bold"))
    if not story:
        out.print(Text(f"no plan in its {plural(len(episode.steps), 'step')}", "dim"))
        return
    out.print(_table(story))
    out.print(Text(_ending(story, episode), "dim"))


def _table(story: PlanStory) -> Table:
    """A subtask a row, a plan a column."""
    shown = range(max(0, len(story.revisions) - COLUMNS), len(story.revisions))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("subtask", overflow="fold", min_width=16)
    for number in shown:
        table.add_column(str(story.revisions[number].at), justify="center", min_width=1)
    table.add_column("work", no_wrap=True)
    table.add_column("evidence, and what the record says", overflow="fold", min_width=20)
    for number, part in enumerate(story.parts[:ROWS]):
        states = story.states(number)
        marks = [Text(*_MARKS[states[column]]) for column in shown]
        table.add_row(_title(part), *marks, _work(part), _evidence(part))
    return table


def _title(part: Part) -> Text:
    told = Text(line(part.title))
    if part.revisions:
        told.append(f"\n  first: {line(part.titles[0])}", "dim")
    return told


def _work(part: Part) -> Text:
    spans = [closing.work for closing in part.closings if closing.work is not None]
    return Text(", ".join(str(first) if first == last else f"{first}–{last}" for first, last in spans[-3:]), "dim")


def _evidence(part: Part) -> Text:
    told = Text()
    if part.confidence is not None:
        told.append(f"sure to {part.confidence:.0%}\n", "dim")
    if part.status != "done" and part.evidence is not None:
        told.append(f"to be shown by {line(part.evidence)}\n", "dim")
    for closing in part.closings[-3:]:
        if closing.evidence is not None:
            told.append_text(_closing(closing)).append("\n")
    told.rstrip()
    return told


def _closing(closing: Closing) -> Text:
    told = Text(line(closing.evidence or ""))
    if closing.standing is not None:
        told.append(f" {closing.standing.value}", _STYLES[closing.standing])
        told.append(f": {line(closing.because)}", "dim")
    return told


def _ending(story: PlanStory, episode: Episode) -> str:
    """How it ended, in a line or two."""
    count = {status: sum(part.status == status for part in story.parts) for status in ("done", "open", "dropped")}
    told = (
        f"{plural(len(story.revisions), 'plan')} in {plural(len(episode.steps), 'step')}, the column says which step; "
        f"in the end {count['done']} done, {count['open']} open, {count['dropped']} dropped"
    )
    hidden = max(0, len(story.parts) - ROWS) + story.not_followed
    return told + (f"; {plural(hidden, 'more subtask')} not shown" if hidden else "")
