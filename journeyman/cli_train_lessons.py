"""`journeyman train corrections` and `train hindsight`: what failed becomes something to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from journeyman.cli_common import BackendOption, CannotError, JsonOption, example, find_run, interruptible, print_json
from journeyman.cli_task import sandboxes_of
from journeyman.cli_train import app, reporting
from journeyman.cli_train_sft import EpisodesOption, say_left_out
from journeyman.cli_verify import task_of
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.task import Task, TaskError
from journeyman.terminal import line, out, plural, typed
from journeyman.training.corrections import Collected, Fix, collect_corrections
from journeyman.training.hindsight import relabel

RunOutOption = Annotated[
    Path, typer.Option("--out", help="Run folder for the new episodes. What it holds already is not played again.")
]
ConcurrencyOption = Annotated[int, typer.Option(min=1, help="Episodes in flight.")]
TaskOption = Annotated[str | None, typer.Option(help="Task folder, where the records name none.")]


@app.command(epilog=example("journeyman train corrections --episodes runs/own --out runs/corrections"))
def corrections(
    episodes: EpisodesOption,
    out_run: RunOutOption,
    fix: Annotated[
        Fix, typer.Option(help="Whose solution is played: the task's, or the best episode's of the same task.")
    ] = Fix.REFERENCE,
    per_episode: Annotated[int, typer.Option(min=1, help="Failures of one episode that are mended.")] = 1,
    concurrency: ConcurrencyOption = 4,
    task: TaskOption = None,
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Go on from where a policy went wrong, with somebody who mends it: lessons in self-correction.

    Of each failed episode, the steps up to the failing test run, or to the first refused call where no test failed on
    changes or --per-episode leaves room, are done again and the mend is played and graded.
    `train sft` on the new run learns the mend alone; with --diagnose, also what was wrong.
    """
    found = _episodes(episodes)
    with _collecting(out_run) as store, reporting() as stage:
        made = collect_corrections(
            found, task_finder(task), backend=sandboxes_of(backend), store=store, fix=fix, per_episode=per_episode,
            concurrency=concurrency,
            progress=stage("Corrections"),
        )  # fmt: skip
    _say(made, "correction", out_run, as_json)


@app.command(epilog=example("journeyman train hindsight --episodes runs/own --out runs/hindsight"))
def hindsight(
    episodes: EpisodesOption,
    out_run: RunOutOption,
    concurrency: ConcurrencyOption = 4,
    task: TaskOption = None,
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Make a demonstration of each milestone that an unfinished project closed: the milestone is its own task.

    The actions up to the step that closed it are done again under the milestone's instruction, and graded.
    """
    found = _episodes(episodes)
    with _collecting(out_run) as store, reporting() as stage:
        made = relabel(
            found, task_finder(task), backend=sandboxes_of(backend), store=store, concurrency=concurrency,
            progress=stage("Milestones reached"),
        )  # fmt: skip
    _say(made, "demonstration", out_run, as_json)


def _episodes(runs: list[Path]) -> list[Episode]:
    found = [episode for run in runs for episode in EpisodeStore(find_run(run)).episodes()]
    if not found:
        raise CannotError("there are no episodes to learn from: --episodes names runs without any that can be read")
    return found


@contextmanager
def _collecting(folder: Path) -> Iterator[EpisodeStore]:
    with interruptible(f"what was played is kept in {folder}; the same command goes on"), EpisodeStore(folder) as store:
        yield store


def task_finder(named: str | None) -> Callable[[Episode], Task]:
    """Finds the task of an episode, where many are looked at: one that is gone is left out."""

    def find(episode: Episode) -> Task:
        try:
            return task_of(episode, named)
        except CannotError as error:  # one of many: it is left out
            raise TaskError(f"no task {line(episode.task)} is there any more: --task names its folder") from error

    return find


def _say(made: Collected, what: str, folder: Path, as_json: bool) -> None:
    if as_json:
        ids = [episode.id for episode in made.episodes]
        print_json({"run": folder, "episodes": ids, "left_out": made.left_out})
        return
    say_lessons(made, what, folder)


def say_lessons(made: Collected, what: str, folder: Path) -> None:
    """How many there are, where, and how to learn from them."""
    said = f"{plural(len(made.episodes), what)} in {line(str(folder))}"
    if made.episodes:
        said += f"\nlearn from it: journeyman train sft --episodes {line(typed(folder))} --out runs/sft"
    out.print(said, soft_wrap=True, highlight=False, markup=False)
    say_left_out(made.left_out)
