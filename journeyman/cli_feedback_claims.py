"""`journeyman feedback claims`: the record labels what reports claim, and says how it really was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import JsonOption, example, find_run, interruptible, print_json
from journeyman.cli_feedback import feedback_app
from journeyman.cli_train import reporting
from journeyman.cli_verify import say_gone, task_if_there
from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task
from journeyman.terminal import line, out, plural
from journeyman.training.skills.record_labels import NAME, VERSION, Labelled, label_run


@feedback_app.command(
    "claims",
    epilog=example(
        "journeyman feedback claims runs/mine",
        "journeyman feedback claims runs/mine runs/theirs --dry-run --json",
        "journeyman feedback claims mine --at-limits",
    ),
)
def claims(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or their names below ./runs.")],
    at_limits: Annotated[
        bool,
        typer.Option(
            "--at-limits", help="Also of unsolved episodes that a limit ended: the report that was due at the end."
        ),
    ] = False,
    task: Annotated[str | None, typer.Option(help="The task's folder, where the episodes do not know it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let the record say which claims of reports are true, which are false, and how it really was.

    What it says goes into each run's feedback as the words of a rule, `rule.record`, not of a person; a person who
    judges the same claim outweighs it. `feedback compile` makes of it honest reports to imitate and pairs to prefer.
    Run again, it adds only what is new.
    """
    folders = list(dict.fromkeys(find_run(run) for run in runs))
    made: dict[Path, Labelled] = {}

    gone: list[str] = []

    def task_of(episode: Episode) -> Task | None:
        found = task_if_there(episode, task)
        if found is None and episode.task not in gone:
            gone.append(episode.task)
        return found

    with interruptible("what was written stays; the same command goes on"), reporting() as stage:
        for folder in folders:
            made[folder] = label_run(
                folder, task_of, at_limits=at_limits, dry_run=dry_run, progress=stage(folder.name[:26])
            )
    say_gone(gone)
    if as_json:
        found = [{"run": folder, **each.to_dict()} for folder, each in made.items()]
        print_json({"annotator": NAME, "version": VERSION, "dry_run": dry_run, "runs": found})
        return
    for folder, each in made.items():
        _say(folder, each, dry_run)


def _say(folder: Path, made: Labelled, dry_run: bool) -> None:
    labels = ", ".join(f"{count} {label}" for label, count in sorted(made.labels.items())) or "none"
    out.print(Text(line(f"{folder}: {plural(made.reports, 'report')} of {plural(made.episodes, 'episode')}")))
    out.print(Text(f"claims: {labels}"))
    if made.corrections:
        out.print(Text(f"{plural(made.corrections, 'episode')} that a limit ended could have reported"))
    verb = "would be added" if dry_run else "added"
    known = f", {made.kept} known before" if made.kept else ""
    out.print(Text(f"{verb}: {plural(made.added, 'line')} of {NAME}{known}"))
    if made.taken_back:
        out.print(Text(f"{made.taken_back} not said again: taken back before", "yellow"))
    if made.damaged:
        out.print(Text(f"{plural(made.damaged, 'episode')} cannot be read", "yellow"))
