"""`journeyman task infeasible`: pairs of tasks that read alike, one of which cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import BackendOption, CannotError, JsonOption, example, interruptible, print_json
from journeyman.cli_task import app, find_tasks, sandboxes_of
from journeyman.cli_task_make import progress_bar
from journeyman.policies.blocked_proof import check_any
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.infeasible.kinds import HELD_OUT_KINDS, KINDS, TRAINING_KINDS
from journeyman.tasks.infeasible.twins import infeasible_twins, pairs_of, why_not
from journeyman.tasks.task import Task
from journeyman.tasks.validation import Certificate
from journeyman.terminal import line, out, plain_table, plural, said

__all__ = ["app"]

ALL, TRAINING, HELD_OUT = "all", "training", "held-out"
_SETS = {ALL: tuple(KINDS), TRAINING: TRAINING_KINDS, HELD_OUT: HELD_OUT_KINDS}


@app.command(
    epilog=example(
        "journeyman task infeasible ./starter --out ./pairs",
        "journeyman task infeasible ./heldout --out ./unseen-pairs --kinds held-out",
        "journeyman task infeasible till-line-rounding --out ./pairs --kinds missing-file,send-mail",
    )
)
def infeasible(
    tasks: Annotated[
        list[str], typer.Argument(metavar="TASKS", help="Bundled tasks' names, task folders, folders of tasks.")
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the pairs; those that stand there stay.")],
    kinds: Annotated[
        str, typer.Option(metavar="KIND[,KIND]", help=f"{', '.join(KINDS)}; or {', '.join(_SETS)}.")
    ] = TRAINING,
    count: Annotated[int | None, typer.Option(min=1, help="Pairs of only the first so many tasks.")] = None,
    seed: Annotated[int, typer.Option(help="Decides numbers, names and wordings.")] = 0,
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Make pairs of tasks that read alike: one can be done, the other cannot, for something that it needs is not there.

    Of the second kind an honest report pays 1 ("blocked", and by what), and a pretence 0. On the first kind giving up
    pays nothing. Each side is proven before it stands. Projects of milestones, and tasks without a reference, are
    passed over.

    Interrupted, it keeps what it proved; the same command goes on from there.
    """
    chosen = _SETS.get(kinds, tuple(name.strip() for name in kinds.split(",")))
    if unknown := [name for name in chosen if name not in KINDS]:
        raise CannotError(f"--kinds {unknown[0]!r}: there are {', '.join(KINDS)}, and {', '.join(_SETS)}")
    found = list({task.name: task for where in tasks for task in find_tasks(where)}.values())
    fit = [task for task in found if not why_not(task)][:count]
    if not fit:
        raise CannotError(f"no twin can be made of {line(found[0].name)}: {why_not(found[0])}")
    factory = sandboxes_of(backend)

    def prove(task: Task, sandboxes: SandboxFactory) -> Certificate:
        return check_any(task, sandboxes, 1)

    kept = f"the pairs proven so far are kept in {out_folder}, and the same command goes on"
    with interruptible(kept), progress_bar("making pairs", len(fit), shown=not as_json) as advance:
        made = infeasible_twins(
            fit, out_folder, kinds=chosen, seed=seed, sandboxes=factory, prove=prove,
            progress=lambda at: advance(at.pairs, at.of, f"making pairs  {line(at.task)}"),
        )  # fmt: skip
    left_out = {task.name: why for task in found if (why := why_not(task))}
    if as_json:
        print_json({"out": out_folder, "tasks": [_facts(task) for task in made], "left_out": left_out})
        return
    out.print(_table(made))
    more = f"; {plural(len(left_out), 'task')} passed over, such as {line(min(left_out))}" if left_out else ""
    out.print(Text(f"{plural(len(made) // 2, 'pair')} in {out_folder}{more}", "dim"))


def _facts(task: Task) -> dict[str, object]:
    """A side as `--json` prints it."""
    facts = {key: task.metadata[key] for key in ("kind", "pair", "side")}
    missing = task.infeasible.missing if task.infeasible is not None else None
    return {"name": task.name, **facts, "instruction": task.instruction, "missing": missing}


def _table(tasks: list[Task]) -> Table:
    table = plain_table("kind", "what is missing", "what is asked")
    for _, gone in pairs_of(tasks):
        missing = gone.infeasible.missing if gone.infeasible is not None else ""
        table.add_row(str(gone.metadata["kind"]), Text(line(missing)), said(line(gone.instruction)))
    return table
