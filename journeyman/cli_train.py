"""`journeyman train …`, `journeyman eval` and `journeyman demo`: episodes become weights, and what that gained."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from journeyman.cli_common import (
    RUNS,
    CannotError,
    EngineOption,
    EpisodeCpusOption,
    JsonOption,
    RayAddressOption,
    example,
    find_run,
    print_json,
)
from journeyman.cli_run import engine_of, policy_of, say_engine
from journeyman.cli_task import find_tasks
from journeyman.envs.store import EpisodeStore
from journeyman.policies.policy import Policy
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.home import home
from journeyman.tasks.sources.suites import SUITES, build_suite
from journeyman.tasks.task import Task
from journeyman.terminal import err, out, visible
from journeyman.training.evaluate import Evaluation, evaluate
from journeyman.training.lineage import played, remember, require_unseen
from journeyman.training.presets import preset as preset_named
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


@app.command(epilog=example("journeyman train sft --model smollm2-135m --episodes runs/oracle --out runs/sft"))
def sft(
    episodes: Annotated[list[Path], typer.Option(help="Run folders; their resolved episodes are imitated.")],
    out: OutOption,
    model: ModelOption = "smollm2-135m",
    preset: PresetOption = "small",
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak of the schedule.")] = 2e-4,
    epochs: Annotated[float, typer.Option(min=0, help="Passes over the episodes.")] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Episodes in one optimiser step.")] = 4,
    max_length: Annotated[int, typer.Option(min=1, help="Longer episodes are left out, in tokens.")] = 1024,
    lora_rank: LoraOption = 0,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on resolved episodes; only what the policy wrote enters the loss."""
    needs_training()
    from journeyman.training.sft import SftSettings, rows_of, train_sft

    settings = SftSettings(learning_rate, epochs, batch_size, max_length, lora_rank, seed)
    found = [episode for run in episodes for episode in EpisodeStore(find_run(run)).episodes() if episode.resolved]
    rows = rows_of(found, model, preset_named(preset).local.dialect)
    with reporting() as stage:
        folder = train_sft(model, rows, out, settings, stage("Supervised fine-tuning"))
    remember(out, played(found))
    say_trained(folder, as_json)


@app.command(epilog=example("journeyman train grpo --model runs/sft/model --tasks starter --limit 64 --out runs/grpo"))
def grpo(
    out: OutOption,
    model: ModelOption = "smollm2-135m",
    tasks: TasksOption = "starter",
    limit: LimitOption = None,
    preset: PresetOption = "small",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 8,
    tasks_per_step: Annotated[int, typer.Option(min=1, help="Groups in one optimiser step.")] = 4,
    group_size: Annotated[int, typer.Option(min=2, help="Episodes of one task that are compared.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=0, help="Constant.")] = 5e-6,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of the sampling.")] = 1.0,
    micro_batch: Annotated[int, typer.Option(min=1, help="Episodes in one forward and backward pass.")] = 4,
    lora_rank: LoraOption = 0,
    backend: BackendOption = "auto",
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a model on its own episodes, rewarded by the grader, by TRL's GRPO."""
    needs_training()
    from journeyman.training.grpo import GrpoSettings, train_grpo

    chosen = preset_named(preset)
    settings = GrpoSettings(
        steps=steps, tasks_per_step=tasks_per_step, group_size=group_size, learning_rate=learning_rate,
        temperature=temperature, micro_batch=micro_batch, lora_rank=lora_rank, seed=seed,
    )  # fmt: skip
    with reporting() as stage:
        folder = train_grpo(
            model, gather_tasks(tasks, limit, stage("Tasks")), out, backend=open_backend(backend), settings=settings,
            local=chosen.local, config=chosen.env, progress=stage("GRPO"),
        )  # fmt: skip
    say_trained(folder, as_json)


def evaluate_command(
    policy: Annotated[str, typer.Option(help="oracle, noop, random, mistaken, endpoint:URL#MODEL, local:MODEL.")],
    tasks: TasksOption = "heldout",
    limit: LimitOption = None,
    preset: PresetOption = "small",
    seeds: Annotated[int, typer.Option(min=1, help="Episodes of each task, seeds 0 to N-1.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="Of a local model's sampling; 0 is greedy.")] = 0.0,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes in flight.")] = 16,
    out: Annotated[Path | None, typer.Option(help="Run folder for the episodes. Default: runs/eval/POLICY.")] = None,
    against: Annotated[Path | None, typer.Option(help="result.json of another evaluation, compared in pairs.")] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Measure a model by tasks that are kin of what it was trained on.")
    ] = False,
    backend: BackendOption = "auto",
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
    episode_cpus: EpisodeCpusOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Measure a policy: resolve rate with its 95% interval, milestones, stop reasons, a row for each task."""
    if policy.startswith("local:"):
        needs_training()
    chosen = preset_named(preset)
    options = asdict(replace(chosen.local, temperature=temperature)) if policy.startswith("local:") else {}
    folder = out or RUNS / "eval" / _folder_name(policy)
    other = _read_evaluation(against) if against else None

    def make(task: Task) -> Policy:
        return policy_of(policy, task, **options)

    with (
        engine_of(engine, policy, ray_address, episode_cpus) as machines,
        reporting() as stage,
        EpisodeStore(folder) as store,
    ):
        found = gather_tasks(tasks, limit, stage("Tasks"))
        if policy.startswith("local:") and len(found) > 1 and not allow_overlap:  # a single task is a try, no measure
            require_unseen(policy.removeprefix("local:"), found, "--allow-overlap measures all the same")
        make(found[0])  # a wrong name is said before the bars begin
        result = evaluate(
            policy, make, found, backend=open_backend(backend), store=store, config=chosen.env,
            seeds=range(seeds), concurrency=concurrency, progress=stage(f"Evaluate {policy}"), engine=machines,
        )  # fmt: skip
        facts = machines.facts()
    (folder / "result.json").write_text(json.dumps(result.to_dict(), indent=1))
    if as_json:
        pair = result.against(other) if other else None
        paired = {"paired": asdict(pair) | {"p_value": pair.p_value}} if pair else {}
        print_json(result.to_dict() | paired | ({"engine": facts} if facts else {}))
    else:
        _say_evaluation(result, other, folder)
        say_engine(facts)


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
        TextColumn("{task.description:<26}"), BarColumn(24), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
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


def _folder_name(policy: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in policy).strip("-.")


def _read_evaluation(path: Path) -> Evaluation:
    try:
        return Evaluation.from_dict(json.loads((path / "result.json" if path.is_dir() else path).read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotError(f"--against {path}: not the result.json of `journeyman eval` ({error})") from error


def say_trained(folder: Path, as_json: bool) -> None:
    report = json.loads((folder.parent / "done.json").read_text())
    if as_json:
        print_json({"model": str(folder), **report})
        return
    out.print(f"model: {folder}\nmeasure it: journeyman eval --policy local:{folder}", soft_wrap=True, highlight=False)


def _say_evaluation(result: Evaluation, other: Evaluation | None, folder: Path) -> None:
    table = Table("task", "resolved", "reward", "milestones", "stop", "steps", "episode", box=None)
    for row in result.results:
        closed = f"{row.milestones_closed}/{row.milestones}" if row.milestones else ""
        reward = "unscored" if row.reward is None else f"{row.reward:.2f}"
        table.add_row(
            visible(row.task), "yes" if row.resolved else "no", reward, closed, row.stop, str(row.steps), row.episode
        )
    out.print(table)
    out.print(f"\nresolve rate: {result.resolve_rate}", highlight=False)
    if result.milestones.trials:
        out.print(f"milestones closed: {result.milestones}", highlight=False)
    out.print("stop reasons: " + ", ".join(f"{name} {count}" for name, count in result.stops.items()), highlight=False)
    if other:
        out.print(f"against {visible(other.policy)}: {result.against(other)}", highlight=False)
    out.print(f"episodes: {folder} (journeyman replay best --run {folder})", soft_wrap=True, highlight=False)


def _say_demo(report: DemoReport, caveat: str) -> None:
    table = Table("", "held-out tasks resolved", "95% interval", box=None)
    for name, evaluation in report.evaluations.items():
        rate = evaluation.resolve_rate
        low, high = rate.interval
        table.add_row(name, f"{rate.successes}/{rate.trials} = {rate.value:.1%}", f"{low:.1%} to {high:.1%}")
    out.print(table)
    for later, earlier in (("sft", "base"), ("grpo", "sft")):
        pair = report.evaluations[later].against(report.evaluations[earlier])
        out.print(f"{later} against {earlier}: {pair}", highlight=False)
    if caveat:
        out.print(caveat, style="yellow", soft_wrap=True)
    out.print(f"learning curve: {report.curve}   ({report.minutes:.0f} minutes)", soft_wrap=True, highlight=False)
    out.print(
        f"replay the best episode: journeyman replay {report.best_episode} --run {report.best_run}", soft_wrap=True
    )
