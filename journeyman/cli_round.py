"""`journeyman round …`: collect, train, and keep the new model only if it is better; again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import RUNS, BackendOption, CannotError, JsonOption, example, interruptible, print_json
from journeyman.cli_train import gather_tasks, needs_training, reporting
from journeyman.export.round_markdown import last_word, outcome, rate, round_to_markdown, run_to_markdown
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.terminal import out, said, typed
from journeyman.training.round_folder import STAGES, RoundFolder, rounds_in
from journeyman.training.round_plan import METHODS, RoundPlan, make_plan
from journeyman.training.round_report import RunReport, read_run
from journeyman.training.rounds import Workshop, run_rounds

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Train in rounds, each accepted only if it is better."
)

Folder = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the rounds.")]

ModelOption = Annotated[str | None, typer.Option(help="A hub id, a folder, or tiny, smollm2-135m (the default).")]
PresetOption = Annotated[str | None, typer.Option(help="What the model is shown and how it talks: small, medium.")]
PoolOption = Annotated[str | None, typer.Option(help="The pool: a suite, folder or task. Default: starter.")]
HeldoutOption = Annotated[str | None, typer.Option(help="What decides: tasks of other repositories. Default: heldout.")]
MethodOption = Annotated[str | None, typer.Option(help=f"{', '.join(METHODS)} (the default).")]
DemonstrationsOption = Annotated[
    int | None, typer.Option(help="Tasks whose reference is played in the first round. Default: 0.")
]
TasksOption = Annotated[int | None, typer.Option(help="Tasks of the pool in a round. Default: 32.")]
GroupOption = Annotated[int | None, typer.Option(help="Episodes of each of them. Default: 4.")]
MeasuredOption = Annotated[int | None, typer.Option(help="Held-out tasks in a round. Default: 48.")]
AlphaOption = Annotated[
    float | None, typer.Option(help="Chance of accepting what is no better, over all rounds. Default: 0.05.")
]
GuidelinesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guideline", metavar="NAME|FILE", help="Told to the policy; what people say is judged by it. Repeatable."
    ),
]
SimulatedOption = Annotated[
    bool | None, typer.Option("--simulated", help="Learn from what programs said in the place of people, too.")
]
SeedOption = Annotated[int | None, typer.Option(help="Of sampling, training and the choice of held-out tasks.")]


@app.callback()
def round_() -> None:
    """Train in rounds, each accepted only if it is better."""


@app.command(
    epilog=example(
        "journeyman round run --model smollm2-135m --rounds 3",
        "journeyman round run --plan plan.toml --out runs/rounds --review",
        "journeyman round run --model tiny --method sft --demonstrations 8 --set sft.epochs=2",
    )
)
def run(
    plan: Annotated[Path | None, typer.Option(help="Settings as a TOML file; options stand above it.")] = None,
    model: ModelOption = None,
    preset: PresetOption = None,
    tasks: PoolOption = None,
    heldout: HeldoutOption = None,
    method: MethodOption = None,
    demonstrations: DemonstrationsOption = None,
    tasks_per_round: TasksOption = None,
    group_size: GroupOption = None,
    heldout_per_round: MeasuredOption = None,
    alpha: AlphaOption = None,
    guideline: GuidelinesOption = None,
    simulated: SimulatedOption = None,
    seed: SeedOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of a plan, such as grpo.steps=4. Repeatable."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="So many in all; more can be asked for later.")] = 1,
    review: Annotated[bool, typer.Option("--review", help="Stop after collecting, for a person to look.")] = False,
    reviewed: Annotated[bool, typer.Option("--reviewed", help="A person has looked: go on.")] = False,
    out_folder: Annotated[
        Path, typer.Option("--out", help="Folder of the rounds; interrupted ones go on where they were.")
    ] = RUNS / "rounds",
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Collect episodes, train on the best, measure on untouched repositories, and keep the model if it is better.

    What people said of the episodes (`journeyman review`, `journeyman view`) is learned from: corrections and confirmed
    retries by SFT, scores in GRPO's reward, preferences where --method has dpo. The same command goes on where it was
    interrupted. That no round was accepted is an answer, not an error.
    """
    named = {
        "model": model, "preset": preset, "tasks": tasks, "heldout": heldout, "method": method,
        "demonstrations": demonstrations, "tasks_per_round": tasks_per_round, "group_size": group_size,
        "heldout_per_round": heldout_per_round, "alpha": alpha, "seed": seed,
        "guidelines": guideline or None, "simulated": simulated,
    }  # fmt: skip
    chosen = make_plan(plan, named, settings or ())
    waiting = _go_on(chosen, out_folder, open_backend(backend), rounds, review=review, reviewed=reviewed)
    if as_json:
        print_json(_state(out_folder) | {"waiting_for_review": waiting.number if waiting else None})
    else:
        _say_state(out_folder)
        if waiting:
            _say_waiting(RoundFolder(out_folder, waiting.number))


def _go_on(
    plan: RoundPlan, folder: Path, backend: SandboxFactory, rounds: int, *, review: bool, reviewed: bool
) -> RoundFolder | None:
    """Do what is not done yet; the round that waits for a reviewer, if one does."""
    needs_training()
    from journeyman.training.round_crew import LocalCrew

    crew = LocalCrew(plan, backend)
    kept = f"what is done is kept in {folder}, and the same command goes on"

    def decided(_: RoundFolder) -> None:
        _write_if_any(folder)

    with interruptible(kept), reporting() as stage:
        pool = gather_tasks(plan.tasks, plan.tasks_limit, stage("Tasks"))
        measured = gather_tasks(plan.heldout, plan.heldout_limit, stage("Held-out tasks"))
        shop = Workshop(plan, folder.resolve(), pool, measured, crew.backend, crew, stage)
        try:
            return run_rounds(shop, rounds, review=review, reviewed=reviewed, decided=decided)
        finally:
            _write_if_any(folder)  # with the last word


@app.command(epilog=example("journeyman round show runs/rounds", "journeyman round show runs/rounds --json"))
def show(folder: Folder = RUNS / "rounds", as_json: JsonOption = False) -> None:
    """Say where each round is, how it ended and why."""
    if not rounds_in(folder):
        raise CannotError(f"no rounds in {folder}; `journeyman round run --out {folder}` makes some")
    if as_json:
        print_json(_state(folder))
    else:
        _say_state(folder)


@app.command(epilog=example("journeyman round report runs/rounds"))
def report(folder: Folder = RUNS / "rounds") -> None:
    """Write the reports of finished rounds again, as Markdown and as pages, and say where they are."""
    out.print(Text(str(_write(folder))), soft_wrap=True)


def _write(folder: Path) -> Path:
    """Every report, as far as the extras for it are there; returns the one over all."""
    found = read_run(folder)
    for each in found.rounds:
        (each.folder / "report.md").write_text(round_to_markdown(each), encoding="utf-8")
    (folder / "report.md").write_text(run_to_markdown(found), encoding="utf-8")
    try:
        from journeyman.viewer.rounds import write_pages
    except ModuleNotFoundError as error:
        if error.name not in ("jinja2", "pygments", "markupsafe"):
            raise
        return folder / "report.md"  # pages need the extra `view`
    return write_pages(folder, found)


def _write_if_any(folder: Path) -> None:
    if any(each.next_stage is None for each in rounds_in(folder)):
        _write(folder)


def _state(folder: Path) -> dict[str, Any]:
    """For scripts: where each round is, and what was decided."""
    found = []
    for each in rounds_in(folder):
        at = each.next_stage
        facts = {"decision": each.read("decide"), "model": each.read("train")["model"]} if at is None else {}
        found.append({"round": each.number, "next_stage": at, "seconds": each.seconds(), **facts})
    report = folder / "report.md"
    return {"folder": folder, "rounds": found, "report": report if report.is_file() else None}


def _say_state(folder: Path) -> None:
    table = Table("round", "stands at", "champion", "candidate", "gained", "lost", "p", "level", "outcome", box=None)
    finished = _finished(folder)
    decided = {each.number: each for each in finished.rounds} if finished else {}
    for each in rounds_in(folder):
        if (found := decided.get(each.number)) is None:
            done = STAGES.index(each.next_stage or STAGES[0])
            table.add_row(str(each.number), f"{each.next_stage} ({done} of {len(STAGES)} done)")
            continue
        pairs, level = found.decision.pairs, f"{found.decision.level:.3g}"
        rates = map(rate, found.rates or (None, None))
        numbers = [str(pairs.only_second), str(pairs.only_first), f"{pairs.p_value:.3g}", level]
        table.add_row(str(each.number), "done", *rates, *numbers, outcome(found))
    out.print(table)
    if finished is None:
        return
    for report_ in finished.rounds:
        out.print(said(f"\nround {report_.number}: {report_.decision.why}"), soft_wrap=True)
        for advice in report_.decision.advice:
            out.print(said(f"  {advice}", "dim"), soft_wrap=True)
    out.print(said(f"\n{last_word(finished)}"), soft_wrap=True)
    page = folder / "report.html"
    out.print(said(f"report: {page if page.is_file() else folder / 'report.md'}"), soft_wrap=True)


def _finished(folder: Path) -> RunReport | None:
    return read_run(folder) if any(each.next_stage is None for each in rounds_in(folder)) else None


def _say_waiting(round_: RoundFolder) -> None:
    """What a reviewer does now."""
    run = round_.folder / "collect"
    out.print(said(
        f"\nround {round_.number} waits for a review of what was collected\n"
        f"  look:    journeyman view --run {typed(run)}\n"
        f"  judge:   there, or by journeyman review next {typed(run)}; what is said is learned from\n"
        f"  reject:  journeyman episode tag ID +rejected --run {typed(run)}\n"
        f"           (or write ids into {round_.rejected}, one a line)\n"
        f"  go on:   the same command with --reviewed"
    ), soft_wrap=True)  # fmt: skip
