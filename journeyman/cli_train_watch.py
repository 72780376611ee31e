"""`journeyman train watch`: look at a run from another terminal, or at one that is over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.live import Live

from journeyman.cli_common import CannotError, JsonOption, print_json
from journeyman.live import follow, step_line, view
from journeyman.terminal import out
from journeyman.training.checkpoint import DONE
from journeyman.training.monitor import STEPS, StepFacts, read_steps


def watch(
    run: Annotated[Path, typer.Argument(metavar="OUT", help="The folder that `train grpo` was given as --out.")],
    once: Annotated[bool, typer.Option("--once", help="Show what there is, and do not wait for more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow a training run: resolve rate, reward, groups with signal, and who waits for whom.

    Ctrl-C ends the watching, not the run. It ends by itself when the run is finished. Where no terminal is, it prints
    a line for each step.
    """
    if not (run / STEPS).exists() and "group_size" not in (settings := _settings(run)):
        what = "a run without steps to watch" if settings else "no training run"
        raise CannotError(f"{run}: {what}; give the folder that was --out of `journeyman train grpo`")
    if as_json:
        finished = (run / DONE).exists()
        print_json({"finished": finished, "steps": [facts.to_dict() for facts in read_steps(run)]})
        return
    try:
        if once:
            out.print(view(read_steps(run), str(run), finished=(run / DONE).exists()))
        else:
            _follow(run)
    except KeyboardInterrupt:
        out.print("no longer watching; the run itself goes on", highlight=False)


def _follow(run: Path) -> None:
    if out.is_terminal:
        state: tuple[list[StepFacts], bool] = ([], False)

        def now() -> RenderableType:
            steps, finished = state
            return view(steps, str(run), finished=finished, since_s=time.time() - _written(run))

        with Live(get_renderable=now, console=out, refresh_per_second=1):
            for found in follow(run):
                state = found
        return
    shown = 0
    for steps, _ in follow(run):
        shown = min(shown, steps[-1].step if steps else 0)  # resumed at an earlier checkpoint
        for facts in steps:
            if facts.step > shown:
                out.print(step_line(facts), soft_wrap=True, highlight=False, markup=False)
                shown = facts.step


def _settings(run: Path) -> dict[str, Any]:
    """What a run was begun with; empty where none was."""
    try:
        return dict(json.loads((run / "settings.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _written(run: Path) -> float:
    """When the last step was recorded, in seconds since the epoch; when the run began before there is one."""
    found = [path for path in (run / STEPS, run / "settings.json") if path.exists()]
    return found[0].stat().st_mtime
