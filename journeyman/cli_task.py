"""`journeyman task show`, and what the other commands of `journeyman task` are built on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from journeyman.cli_common import CannotError, JsonOption, example, print_json
from journeyman.file_tree import rows
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.proof import kept
from journeyman.tasks.facts import language_of, proof_of, source_of
from journeyman.tasks.formats.fields import ROW
from journeyman.tasks.harbor import bundled_tasks, load_tasks
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.add import adopt
from journeyman.tasks.sources.laid import laid_tasks
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.suites import SUITES
from journeyman.tasks.task import CheckKind, Milestone, Task
from journeyman.terminal import line, out, plural, said

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="List, show, check, audit and make tasks.")


TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK", help="A bundled task's name, a task folder, a folder of tasks, a pattern or a recipes.jsonl."
    ),
]


def find_tasks(where: str) -> tuple[Task, ...]:
    """The tasks that a name, folder, pattern or recipe file means.

    Raises:
        CannotError: there is none; the message names the nearest.
        TaskFormatError: one of them cannot be read.
        SourceError: the library of a recipe cannot be had.
    """
    if where.endswith(".jsonl") and Path(where).is_file():
        return laid_tasks(recipes_of(Path(where)))
    if Path(where).is_dir() or "*" in where:
        return load_tasks(where)
    bundled = {task.name.rpartition("/")[2]: task for task in bundled_tasks()}
    if task := bundled.get(where.rpartition("/")[2]):
        return (task,)
    near = difflib.get_close_matches(where, bundled, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}? " if near else ""
    raise CannotError(
        f"no task {where!r}: {hint}`journeyman task list` shows the bundled ones; a folder needs a task.toml"
    )


def recipes_of(path: Path) -> tuple[Recipe, ...]:
    """The recipes of a file; archives that lie beside it are taken into the cache."""
    if not path.is_file():
        raise CannotError(f"{path}: no such file or suite; suites are {', '.join(SUITES)}, a mint writes recipes.jsonl")
    adopt(path.parent)
    if not (recipes := read_recipes(path)):
        raise CannotError(f"{path}: no recipes in it")
    return recipes


def find_task(where: str) -> Task:
    """The one task that is meant."""
    tasks = find_tasks(where)
    if len(tasks) > 1:
        folder = tasks[0].repository.parents[1]  # of a recipe file's tasks, it is in the cache
        one = Path(where) / folder.name if Path(where).is_dir() else folder
        raise CannotError(f"{where} holds {len(tasks)} tasks; name one of them, such as {one}")
    return tasks[0]


def sandboxes_of(backend: str) -> SandboxFactory:
    """The backend of a name.

    Raises:
        CannotError: there is none of that name.
        SandboxUnavailable: "auto", and none works here.
    """
    try:
        return open_backend(backend)
    except ValueError as error:
        raise CannotError(f"--backend {backend}: {error}") from error


def describe(task: Task) -> dict[str, object]:
    """A task as `--json` prints it: nothing hidden but the checks' ids, which its folder holds anyway."""
    return {
        **task.model_dump(mode="json", include={"name", "instruction", "milestones", "checks", "editable"}),
        "language": language_of(task),
        "infeasible": task.infeasible.model_dump(mode="json") if task.infeasible is not None else None,
        "source": source_of(task),
        "metadata": shown_metadata(task),
        "budget": task.budget.model_dump(),
        "environment": task.environment,
        "repository": task.repository,
    }


def measured(proof: Mapping[str, Any]) -> str:
    """What a proof says of a sound task's checks and gradings, in one line."""
    noticed = f"{proof['killed']} of {plural(proof['mutants'], 'single fault')} noticed" if proof["mutants"] else ""
    flaky = f"{proof['flake_rate']:.1%} of the checks flaky"
    peak = f"at most {proof['peak_mb']:.0f} MiB" if proof["peak_mb"] else ""
    return "; ".join(part for part in (noticed, flaky, f"{proof['grading_s']:.2f} s a grading", peak) if part)


def proven(task: Task) -> str:
    """The last proof of a task on this machine, in one line; empty where there is none."""
    if (proof := kept(task)) is None:
        return ""
    if not proof["sound"]:
        return f"not sound: {proof['reasons'][0]}"
    reference = proof.get("reference", "reference")
    runs = f"{reference} {proof['reference_resolved']}, nothing {proof['noop_resolved']} of {proof['runs']}"
    return f"{runs}, at {proof['assurance']}; {measured(proof)}"


def shown_metadata(task: Task) -> dict[str, Any]:
    """A task's facts, without the row that it was imported from, which holds the fix."""
    return {key: value for key, value in task.metadata.items() if key != ROW}


@app.command(epilog=example("journeyman task show holdfast-cache-renewal", "journeyman task show ./my-task --json"))
def show(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Show a task: its instruction, repository, milestones as a tree, what was proven of it, checks and limits."""
    chosen = find_task(task)
    files = [name for name, _ in walk(chosen.repository)]
    if as_json:
        print_json({**describe(chosen), "files": files, "proof": kept(chosen) or proof_of(chosen)})
        return
    parts: list[RenderableType] = [
        Text(line(chosen.name), "bold cyan"),
        Padding(said(chosen.instruction), (1, 0, 1, 2), expand=False),
    ]
    if chosen.milestones:
        parts += [milestone_tree(chosen), Text()]
    parts += [file_tree(files), Text(), facts_table(chosen), Text("\nchecks", "dim")]
    out.print(Group(*parts))
    for check in chosen.checks:
        out.print(Text(f"  {_MARKS[check.kind]} {line(check.id)}"), soft_wrap=True)


def file_tree(files: Sequence[str]) -> Tree:
    """The repository's files; a folder of many is shown by its first ones."""
    tree = Tree(Text(f"repository, {plural(len(files), 'file')}", "dim"))
    branch = [tree]
    for row in rows(files):
        del branch[row.depth + 1 :]
        style = "" if row.path else "bold" if row.text.endswith("/") else "dim"
        branch.append(branch[-1].add(Text(line(row.text), style)))
    return tree


def recorded(task: Task) -> str:
    """What the record of its making says, or the command that proves it."""
    if not (proof := proof_of(task)):
        return "no record; journeyman task check proves it"
    runs = f"reference {proof.get('reference', '?')}, doing nothing {proof.get('noop', '?')}"
    others = [f"{key} {value}" for key, value in proof.items() if key not in {"reference", "noop"} and value]
    return ", ".join([runs, *others])


def milestone_tree(task: Task) -> Tree:
    """Each milestone below the last one it builds on; its other predecessors are named."""
    order = list(task.in_order())
    rank = {milestone.name: n for n, milestone in enumerate(order)}
    tree = Tree(Text("milestones", "dim"))
    nodes: dict[str, Tree] = {}
    for milestone in order:
        above = sorted(milestone.depends_on, key=rank.__getitem__)
        parent = nodes[above[-1]] if above else tree
        nodes[milestone.name] = parent.add(_milestone_text(milestone, above[:-1]))
    return tree


def _milestone_text(milestone: Milestone, also: Sequence[str]) -> Text:
    text = Text.assemble((milestone.name, "bold"), ("  " + line(milestone.title) if milestone.title else ""))
    text.append(f"  {plural(len(milestone.checks), 'check')}", "dim")
    if also:
        text.append(f", also after {', '.join(also)}", "dim")
    return text


def facts_table(task: Task) -> Table:
    """The rest of a task, a fact a line."""
    environment, budget, limits = task.environment, task.budget, task.limits
    facts = {
        "proof": proven(task) or recorded(task),
        **({"cannot be done": f"there is no {task.infeasible.missing}"} if task.infeasible is not None else {}),
        "checks": f"{len(task.fail_to_pass)} must come to pass, {len(task.pass_to_pass)} must stay passing",
        "editable": ", ".join(task.editable),
        "tests seen": ", ".join(task.test_paths),
        **({"toolchain": environment.toolchain} if environment.toolchain else {"python": environment.python}),
        "packages": ", ".join((*environment.requirements, *environment.system_packages)),
        "budget": f"{plural(budget.max_steps, 'step')}, {budget.command_timeout_s:g} s a command, "
        f"{budget.episode_timeout_s:g} s in all",
        "limits": f"{limits.memory_mb} MiB memory, {limits.disk_mb} MiB disk, {limits.processes} processes, no network",
        "repository": str(task.repository),
        **{f"metadata.{key}": str(value) for key, value in shown_metadata(task).items()},
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(line(name), said(value))
    return table


_MARKS = {CheckKind.FAIL_TO_PASS: "✗→✓", CheckKind.PASS_TO_PASS: "✓→✓"}
