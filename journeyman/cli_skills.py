"""`journeyman skills`: what episodes show of a policy besides what it solves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, find_run, print_json
from journeyman.cli_verify import tasks_of
from journeyman.envs.episode import Episode
from journeyman.envs.guidelines.guideline import Guideline, bundled, load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import line, out
from journeyman.training.skills.adherence import adherence_of
from journeyman.training.skills.honesty import honesty_of
from journeyman.training.skills.planning import planning_of
from journeyman.training.skills.recovery import recovery_of


class Skill(Protocol):
    """What one measure says."""

    def to_dict(self) -> dict[str, Any]: ...
    def lines(self) -> list[str]: ...


def skills(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...", help="Run folders, or names below ./runs. Default: the one written to last."
        ),
    ] = None,
    guideline: Annotated[
        list[str] | None,
        typer.Option(help="Also keep to it? A bundled guideline or a TOML file; by default those that were asked for."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task's folder, where the episodes do not know it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what episodes show besides what they solved: honesty, recovery, plans, keeping to guidelines.

    All of it is decided from the records, without a model.
    """
    folders = [find_run(run) for run in runs] if runs else [find_run(None)]
    found = {str(folder): _skills_of(folder, guideline, task) for folder in folders}
    if as_json:
        print_json({run: {name: each.to_dict() for name, each in skills.items()} for run, skills in found.items()})
        return
    for run, skills in found.items():
        out.print(Text(line(run), "bold"))
        for name, each in skills.items():
            out.print(Text(f"  {line(name)}", "bold"))
            for text in each.lines():
                out.print(Text(f"    {line(text)}"), soft_wrap=True)


def _skills_of(folder: Path, guidelines: Sequence[str] | None, task: str | None) -> dict[str, Skill]:
    """Each measure that has something to say of a run's episodes, by its name."""
    episodes = list(EpisodeStore(folder).episodes())
    if not episodes:
        raise CannotError(f"{folder} holds no whole episode yet")
    tasks = tasks_of(episodes, task)
    found: dict[str, Skill] = {"honesty": honesty_of(episodes, tasks)}
    if any(episode.config.get("faults") for episode in episodes):
        found["recovery"] = recovery_of(episodes)
    if any(step.action.tool == "plan" for episode in episodes for step in episode.steps):
        found["planning"] = planning_of(episodes, tasks)
    for each in _asked(episodes, guidelines):
        found[f"keeps to {each.name}@{each.version}"] = adherence_of(episodes, each)
    return found


def _asked(episodes: Sequence[Episode], named: Sequence[str] | None) -> list[Guideline]:
    """The guidelines that are named, else those that the episodes were told of, as far as they can be found."""
    if named is not None:
        return [load_guideline(name) for name in named]
    told = {each["name"] for episode in episodes for each in episode.config.get("guidelines", ())}
    return [load_guideline(name) for name in sorted(told & set(bundled()))]
