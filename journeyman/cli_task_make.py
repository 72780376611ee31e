"""`journeyman task check|mint|build|split`: prove tasks, and make new ones out of real libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from journeyman.cli_common import (
    FAILED,
    BackendOption,
    CannotError,
    JsonOption,
    example,
    interruptible,
    print_json,
    say_error,
)
from journeyman.cli_task import app, find_tasks, measured, recipes_of, sandboxes_of
from journeyman.policies.blocked_proof import check_any
from journeyman.tasks.audit.proof import Proof, keep, prove_more
from journeyman.tasks.sources.mint import MUTATION, SOURCES, MintReport, mint
from journeyman.tasks.sources.project_make import PROJECTS, build_projects, read_projects
from journeyman.tasks.sources.split_file import SplitReport, split_file
from journeyman.tasks.sources.suites import SUITES, build_all, suite_recipes
from journeyman.tasks.sources.template import left_of_template
from journeyman.tasks.task import Task
from journeyman.tasks.validation import Certificate, stronger, weaker
from journeyman.terminal import err, line, out, plural


@app.command(epilog=example("journeyman task check till-line-rounding", "journeyman task check ./my-tasks --runs 5"))
def check(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK", help="A bundled task's name, a task folder, a folder of tasks or a pattern."),
    ],
    backend: BackendOption = "auto",
    runs: Annotated[int, typer.Option(min=1, help="How often the reference and doing nothing are each graded.")] = 3,
    mutants: Annotated[int, typer.Option(min=0, help="Single faults of the reference to try on the checks.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Prove tasks: the reference solution pays 1, doing nothing pays 0, all runs agree, nothing hidden shows.

    A task that says nothing is graded at assurance `split`: in two sandboxes, one for the tests and one for the code,
    where no solution reaches the process that decides. If it is not sound there, it is tried at `twins` and `fresh`,
    and the line that its task.toml needs is told. A task that asks for less is tried at the stronger levels too. Of a
    task that `task new` began, it says which files are still the example's.

    A task that cannot be done has no reference: an honest block pays 1; doing nothing, pretences and excuses pay 0; and
    what is said to be missing is missing in a sandbox.

    Of a sound task it also says how many single faults in the reference its checks notice, which checks are flaky, and
    what a grading costs. `task show` tells it again, as long as nothing of the task changes.

    Exits with 1 when one of them is not sound.
    """
    factory = sandboxes_of(backend)
    found: list[tuple[Proof, tuple[Certificate, ...], tuple[str, ...]]] = []
    for each in find_tasks(task):
        certificate = check_any(each, factory, runs)
        others = (stronger if certificate.sound else weaker)(each, factory, runs)
        proof = prove_more(certificate, each, factory, mutants)
        keep(proof, each)
        found.append((proof, others, left_of_template(each)))
        if not as_json:
            _say_proof(*found[-1])
    if as_json:
        print_json([_certified(*each) for each in found])
    if not all(proof.certificate.sound for proof, _, _ in found):
        raise typer.Exit(FAILED)


@app.command(
    "mint",
    epilog=example(
        "journeyman task mint inflection==0.5.1 --count 50",
        "journeyman task mint toolz==1.0.0 --out ./my-tasks --seed 7",
        "journeyman task mint inflection==0.5.1 --source removal --count 10",
    ),
)
def mint_tasks(
    requirement: Annotated[str, typer.Argument(metavar="NAME==VERSION", help="A library of the package index.")],
    count: Annotated[int, typer.Option(min=1, help="Tasks to make.")] = 10,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the tasks. Default: tasks/NAME-VERSION below the current one."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="mutation: single faults. removal: functions and classes that lost their bodies.")
    ] = MUTATION,
    seed: Annotated[int, typer.Option(help="Which faults are tried, and in which order.")] = 0,
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Proofs that run at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make proven tasks out of a library's own code and tests: single faults, or missing bodies, that its tests find.

    Interrupted, it keeps what it proved; the same command goes on from there.
    """
    name, pinned, version = requirement.partition("==")
    if not (name and pinned and version):
        raise CannotError(f"{requirement}: name a library with its exact version, such as inflection==0.5.1")
    if source not in SOURCES:
        raise CannotError(f"--source {source}: there are {' and '.join(SOURCES)}")
    folder = out_folder or Path("tasks") / f"{name}-{version}"
    kept = f"the tasks proven so far are kept in {folder}, and the same command goes on"
    with interruptible(kept), progress_bar(f"minting {line(requirement)}", count, shown=not as_json) as advance:
        report = mint(
            requirement, count=count, out=folder, sandboxes=sandboxes_of(backend), seed=seed, jobs=jobs,
            progress=lambda report: advance(len(report.kept)), source=source,
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    else:
        say_minted(report)
    if len(report.kept) < count:
        raise typer.Exit(FAILED)


@app.command(
    epilog=example(
        "journeyman task build starter --out ./starter", "journeyman task build ./my-tasks/recipes.jsonl --out ./again"
    )
)
def build(
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE", help=f"{' or '.join(SUITES)}, or a recipe file: a mint's recipes.jsonl, or {PROJECTS}."
        ),
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the tasks; those that stand there stay.")],
    count: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the task folders of a suite, or of a recipe file; the libraries are fetched."""
    made: tuple[Task, ...]
    if suite not in SUITES and Path(suite).name == PROJECTS and Path(suite).is_file():
        projects = read_projects(Path(suite))[:count]
        with progress_bar(f"building {line(suite)}", len(projects), shown=not as_json) as advance:
            made = build_projects(projects, out_folder, advance)
    else:
        recipes = (suite_recipes(suite) if suite in SUITES else recipes_of(Path(suite)))[:count]
        with progress_bar(f"building {line(suite)}", len(recipes), shown=not as_json) as advance:
            made = build_all(recipes, out_folder, lambda done, _: advance(done))
    if as_json:
        print_json({"out": out_folder, "tasks": [task.name for task in made]})
    else:
        out.print(Text(f"{plural(len(made), 'task')} in {out_folder}", "dim"))


@app.command(epilog=example("journeyman task split ./my-tasks/recipes.jsonl --jobs 2"))
def split(
    recipes: Annotated[Path, typer.Argument(metavar="RECIPES", help="A recipe file; it is replaced at the end.")],
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Proofs that run at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Prove a file's recipes in two sandboxes, out of reach of what decides, as new mints do by themselves.

    Names, instructions and order stay. What does not hold there is tried at assurance `twins`, else stays as it was.

    Interrupted, it keeps what it decided; the same command goes on from there.
    """
    number = len(recipes_of(recipes))
    kept = f"{recipes} is as it was, and the same command goes on"
    with interruptible(kept), progress_bar(f"splitting {line(str(recipes))}", number, shown=not as_json) as advance:
        report = split_file(
            recipes, sandboxes_of(backend), jobs=jobs, progress=lambda report: advance(report.done)
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    else:
        _say_split_file(report)


@contextmanager
def progress_bar(title: str, total: int | None, *, shown: bool) -> Iterator[Callable[..., None]]:
    """A bar on stderr; what it gives takes how many are done; also of how many and of what, where that changes."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not shown) as bar:
        row = bar.add_task(title, total=total)

        def advance(done: int, total: int | None = None, what: str | None = None) -> None:
            bar.update(row, completed=done, total=total, description=what)

        yield advance


def _certified(proof: Proof, others: Sequence[Certificate], left: Sequence[str]) -> dict[str, Any]:
    tried = "stronger" if proof.certificate.sound else "weaker"
    return {**proof.as_json(), tried: [other.as_json() for other in others], "template": list(left)}


def _say_proof(proof: Proof, others: Sequence[Certificate], left: Sequence[str]) -> None:
    _say_certificate(proof.certificate)
    if proof.certificate.sound:
        out.print(Text(f"           {line(measured(proof.as_json()))}", "dim"), soft_wrap=True)
    for other in others:
        _say_level(other, proof.certificate)
    if left:
        text = f"{plural(len(left), 'file')} still as the template has it, such as {line(left[0])}"
        out.print(Text(f"           {text}", "yellow"), soft_wrap=True)


def _say_certificate(certificate: Certificate) -> None:
    mark = ("sound    ", "green") if certificate.sound else ("not sound", "red")
    text = Text.assemble(mark, f"  {line(certificate.task)}")
    text.append(f"  {certificate.reference} {certificate.reference_resolved}, ", "dim")
    text.append(f"nothing {certificate.noop_resolved} of {certificate.runs}", "dim")
    text.append(f"; a {certificate.assurance} grading takes {certificate.grading_s:.2f} s", "dim")
    out.print(text, soft_wrap=True)
    for reason in certificate.reasons:
        out.print(Text(f"           {line(reason)}", "red"))


def _say_level(tried: Certificate, own: Certificate) -> None:
    """What a task does at another level than its own, and the line to write if that one holds."""
    if tried.sound:
        hint = f'write assurance = "{tried.assurance}" into its task.toml'
        if own.sound:
            out.print(Text(f"           sound at {tried.assurance} too: {hint}", "green"))
        else:
            why = f"sound at {tried.assurance}, not at {own.assurance}, for the reasons above"
            out.print(Text(f"           {why}: {hint}", "green"), soft_wrap=True)
        return
    more = f" (and {plural(len(tried.reasons) - 1, 'reason')} more)" if len(tried.reasons) > 1 else ""
    out.print(Text(f"           not at {tried.assurance}: {line(tried.reasons[0])}{more}", "dim"), soft_wrap=True)


def say_minted(report: MintReport) -> None:
    earlier = f", {report.resumed} of them earlier" if report.resumed else ""
    out.print(Text(f"{plural(len(report.kept), 'task')} in {report.out}{earlier}", "bold"))
    out.print(Text(f"{plural(report.tried, 'fault')} tried in {report.seconds:.0f} s, "
                   f"{report.tasks_per_minute:.1f} tasks a minute", "dim"))  # fmt: skip
    for reason, number in report.rejected.most_common():
        out.print(Text(f"  {number:>5} rejected: {line(reason)}", "dim"))
    if report.made:
        _say_shares(report.split, report.twins, report.made, report.unsplit)
    if len(report.kept) < report.wanted:
        say_error(f"only {len(report.kept)} of {report.wanted}: the library's faults and tests give no more")


def _say_split_file(report: SplitReport) -> None:
    for name in sorted(report.split.keys() | report.unsplit.keys()):
        number = report.split[name] + report.unsplit.get(name, Counter()).total()
        out.print(Text(f"  {report.split[name]:>5} of {number:>3} of {line(name)}", "dim"))
    _say_shares(report.split.total(), report.twins, report.recipes, report.reasons)


def _say_shares(split: int, twins: int, number: int, reasons: Counter[str]) -> None:
    beside = f"; {twins} with a known-bad twin beside them" if twins else ""
    out.print(Text(f"{split} of {number} are graded in two sandboxes, out of reach of what decides{beside}"))
    for reason, count in reasons.most_common():
        out.print(Text(f"  {count:>5} are not: {line(reason)}", "dim"))
