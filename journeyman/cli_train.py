"""`journeyman train …` and `journeyman demo`: episodes become weights, and what that gained."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from journeyman.cli_common import (
    RUNS,
    CannotError,
    JsonOption,
    example,
    print_json,
)
from journeyman.cli_task import find_tasks
from journeyman.cli_train_plan import plan
from journeyman.cli_train_watch import watch
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.home import home
from journeyman.tasks.sources.suites import SUITES, build_suite
from journeyman.tasks.task import Task
from journeyman.terminal import err, out, typed
from journeyman.training.progress import Progress as Reporter

if TYPE_CHECKING:
    from journeyman.training.demo import DemoReport

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Turn episodes into weights: SFT, then GRPO.")

ModelOption = Annotated[str, typer.Option(help="A hub id, a folder, or a built-in name (tiny, smollm2-135m).")]
TasksOption = Annotated[
    str, typer.Option(help="A suite (starter, heldout), a bundled task's name, a task folder or a folder of tasks.")
]
OutOption = Annotated[Path, typer.Option(help="Folder of the run. An interrupted run there goes on where it was.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Take only so many of the tasks.")]
PresetOption = Annotated[str, typer.Option(help="What the model is shown and how it talks: small or medium.")]
BackendOption = Annotated[str, typer.Option(help="namespace, docker, or auto.")]
LoraOption = Annotated[int, typer.Option(min=0, help="Rank of LoRA adapters; 0 trains all weights.")]
SeedOption = Annotated[int, typer.Option(help="Of sampling and of the order of the rows.")]
TrackOption = Annotated[str, typer.Option(help="Where curves go besides: none, tensorboard, wandb or trackio.")]

app.command(epilog=example("journeyman train plan cpu-demo", "journeyman train plan node-32b --set grpo.steps=50"))(
    plan
)
app.command(epilog=example("journeyman train watch runs/grpo"))(watch)


def demo(
    quick: Annotated[
        bool, typer.Option("--quick", help="Some minutes: shows that it runs, not what it learns.")
    ] = False,
    run: Annotated[Path, typer.Option("--out", help="Folder of the run; an interrupted one goes on.")] = RUNS / "demo",
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train an agent and show what it learned: held-out resolve rate before and after, an episode to replay."""
    needs_training()
    from journeyman.training.demo import DemoPlan, run_demo

    plan = DemoPlan.quick() if quick else DemoPlan()
    folder = run.with_name(run.name + "-quick") if quick else run
    with reporting() as stage:
        report = run_demo(plan, folder, backend=open_backend(backend), stage=stage)
    if as_json:
        print_json(json.loads((folder / "report.json").read_text()))
    else:
        _say_demo(report, plan.caveat)


@contextmanager
def reporting() -> Iterator[Any]:
    """Gives `stage(title) -> Progress`; each stage has a bar on stderr while it runs, and stays when it is done."""
    columns = (
        TextColumn("{task.description:<26}", markup=False), BarColumn(24), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=err) as bars:

        def stage(title: str) -> Reporter:
            bar = bars.add_task(title, total=None, note="")

            def report(done: int, total: int, note: str = "") -> None:
                bars.update(bar, completed=done, total=total, note=note)

            return report

        yield stage


def gather_tasks(where: str, limit: int | None, progress: Reporter) -> tuple[Task, ...]:
    """The tasks of a suite, folder, pattern or name."""
    if where in SUITES:
        return build_suite(where, home("suites", where), count=limit, progress=progress)
    found = find_tasks(where)[:limit]
    progress(len(found), len(found))
    return found


def needs_training() -> None:
    """Quiet the libraries, and say what is missing before they do.

    Raises:
        CannotError: the extra is not installed.
    """
    missing = [name for name in ("torch", "transformers", "trl", "peft") if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotError(f"training needs {', '.join(missing)}: pip install 'journeyman[train]'")
    warnings.filterwarnings(
        "ignore", message=".*is_gradient_checkpointing.*"
    )  # peft's and TRL's affair, not the user's
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads of torch leave the processors to the sandboxes


def say_trained(folder: Path, as_json: bool) -> None:
    report = json.loads((folder.parent / "done.json").read_text())
    if as_json:
        print_json({"model": str(folder), **report})
        return
    said = f"model: {folder}\nmeasure it: journeyman eval --policy {typed(f'local:{folder}')}"
    out.print(said, soft_wrap=True, highlight=False, markup=False)


def _say_demo(report: DemoReport, caveat: str) -> None:
    table = Table("", "held-out tasks resolved", "95% interval", box=None)
    for name, evaluation in report.evaluations.items():
        rate = evaluation.resolve_rate
        low, high = rate.interval
        table.add_row(name, rate.share, f"{low:.1%} to {high:.1%}")
    out.print(table)
    for later, earlier in (("sft", "base"), ("grpo", "sft")):
        pair = report.evaluations[later].against(report.evaluations[earlier])
        out.print(f"{later} against {earlier}: {pair}", highlight=False)
    if caveat:
        out.print(caveat, style="yellow", soft_wrap=True)
    for said in (
        f"learning curve: {report.curve}   ({report.minutes:.0f} minutes)",
        f"replay the best episode: journeyman replay {report.best_episode} --run {typed(report.best_run)}",
    ):
        out.print(said, soft_wrap=True, highlight=False, markup=False)
