"""`journeyman replay`: step through what happened."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import (
    FAILED,
    CannotError,
    JsonOption,
    RunOption,
    open_run,
    print_json,
    say_error,
)
from journeyman.cli_verify import verify_all
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import ending_view, opening_view, out, plural, step_view

KEYS = "enter next · b back · e end · q quit"


def replay(
    episode_id: Annotated[
        str, typer.Argument(metavar="[ID]", help='An id, its unique beginning, "last" or "best".', show_default=False)
    ] = "last",
    run: RunOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Execute the recorded actions again and compare each step.")
    ] = False,
    step: Annotated[int | None, typer.Option("--step", min=1, help="Show this step alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every episode of the run, oldest first.")] = False,
    backend: Annotated[str | None, typer.Option(help="Where --verify executes. Default: as recorded.")] = None,
    task: Annotated[str | None, typer.Option(help="Task folder for --verify, where the record names none.")] = None,
    pager: Annotated[bool, typer.Option("--pager/--no-pager", help="Wait for a key after each step.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Step through an episode: each action, its diff, output and tests, then the verdict and the reward."""
    store = open_run(run)
    episodes = store.episodes() if every else iter([store.get(episode_id)])
    if verify:
        verify_all(episodes, task, backend, as_json)
    elif as_json:
        print_json(list(episodes) if every else next(episodes))
    else:
        for episode in episodes:
            _show(episode, step, pager and sys.stdin.isatty() and sys.stdout.isatty())
        say_problems(store, every)


def _show(episode: Episode, step: int | None, interactive: bool) -> None:
    count = len(episode.steps)
    if step is not None:
        if step > count:
            raise CannotError(f"episode {episode.id} has {plural(count, 'step')}; --step {step} is beyond its end")
        out.print(step_view(episode.steps[step - 1], step, count))
        return
    if interactive:
        _walk(episode)
        return
    out.print(opening_view(episode))
    for number, each in enumerate(episode.steps, 1):
        out.print(step_view(each, number, count))
    out.print(ending_view(episode))


def _walk(episode: Episode) -> None:
    """Page 0 is the opening, then one page a step, the last one the end."""
    page, last = 0, len(episode.steps) + 1
    while True:
        if page == 0:
            out.print(opening_view(episode))
        elif page == last:
            out.print(ending_view(episode))
            return
        else:
            out.print(step_view(episode.steps[page - 1], page, last - 1))
        out.print(Text(f"[{KEYS}]", "dim"), end=" ")
        key = typer.getchar()
        out.print()
        if key in ("q", "\x03", "\x04", "\x1b"):
            return
        page = max(page - 1, 0) if key == "b" else last if key == "e" else page + 1


def say_problems(store: EpisodeStore, every: bool) -> None:
    """After a whole run was gone through: damage ends the command with exit code 1."""
    if every and (problems := store.problems(thorough=False)):
        say_error(f"{plural(len(problems), 'problem')} in this run: `journeyman episode list` names them")
        raise typer.Exit(FAILED)
