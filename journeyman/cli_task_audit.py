"""`journeyman task audit`: what a task is worth as a source of reward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, BackendOption, JsonOption, example, print_json
from journeyman.cli_task import TaskArgument, app, find_task, sandboxes_of
from journeyman.cli_task_make import progress_bar
from journeyman.policies.blocked_proof import audit_infeasible
from journeyman.tasks.audit.audit import Audit, audit_task
from journeyman.tasks.verdict import Assurance
from journeyman.terminal import line, out, plural

__all__ = ["app"]

SHOWN = 5
"""Names that are told of a long list; `--json` has all."""


@app.command(
    epilog=example("journeyman task audit till-line-rounding", "journeyman task audit ./my-task --runs 20 --json")
)
def audit(
    task: TaskArgument,
    backend: BackendOption = "auto",
    runs: Annotated[int, typer.Option(min=1, help="How often the reference and doing nothing are each graded.")] = 5,
    mutants: Annotated[int, typer.Option(min=0, help="Single faults of the reference to try on the checks.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Certify one task as a source of reward: does it pay what it should, and nothing else?

    Grades the reference and doing nothing again and again; plays reward hacks at each level of assurance; puts single
    faults into the reference and counts those that the checks notice; looks from inside a policy's sandbox for hidden
    text. Takes some minutes.

    Of a task that cannot be done, an honest block stands for the reference, and the hacks are reports: pretences and
    excuses.

    Exits with 1 when the task pays what it should not at its own level, or not what it should. A fault that no check
    notices is for you to judge: it may change nothing that was asked for.
    """
    chosen = find_task(task)
    factory = sandboxes_of(backend)
    with progress_bar(f"auditing {line(chosen.name)}", None, shown=not as_json) as advance:

        def tell(what: str, done: int, of: int) -> None:
            advance(done, of, what)

        if chosen.infeasible is not None:
            found = audit_infeasible(chosen, factory, runs=runs, progress=tell)
        else:
            found = audit_task(chosen, factory, runs=runs, mutants=mutants, progress=tell)
    if as_json:
        print_json(found.as_json())
    else:
        for text in _said(found, "honest block" if chosen.infeasible is not None else "reference"):
            out.print(text, soft_wrap=True)
    if not found.trustworthy:
        raise typer.Exit(FAILED)


def _said(found: Audit, reference: str) -> Iterator[Text]:
    mark = ("trustworthy", "green") if found.trustworthy else ("not trustworthy", "red")
    yield Text.assemble((line(found.task), "bold"), f" at assurance {found.assurance}: ", mark)
    always = found.reference_resolved == found.runs
    yield _row(reference, f"paid {found.reference_resolved} of {found.runs} times", always)
    yield _row("doing nothing", f"paid {found.noop_resolved} of {found.runs} times", not found.noop_resolved)
    flaky = f"{len(found.flaky)} of {plural(found.checks, 'check')} ({found.flake_rate:.1%})"
    yield _row("flaky", flaky + _names(found.flaky), not found.flaky)
    for level in Assurance:
        yield _hacks(found, level)
    if found.mutants:
        share = f"{found.killed} of {found.mutants} single faults noticed ({found.killed / found.mutants:.0%})"
        yield _row("mutants", share + _names(found.survivors), None if found.survivors else True)
    else:
        yield _row("mutants", "none: the reference changes no function", None)
    seen = f"hidden text shows in {plural(len(found.canaries_seen), 'place')}{_names(found.canaries_seen)}"
    yield _row("canaries", seen, not found.canaries_seen)


def _hacks(found: Audit, level: Assurance) -> Text:
    name = f"hacks at {level}"
    if (paid := found.paid.get(level.value)) is None:
        return _row(name, "not tried: the reference is not paid at this level", None)
    own = level is found.assurance
    return _row(name, f"{len(paid)} of {found.hacks} paid{_names(paid)}", not paid if own or not paid else None)


def _row(name: str, what: str, good: bool | None) -> Text:
    """One fact: good, bad, or for people to judge."""
    style = {True: "green", False: "red", None: "yellow"}[good]
    return Text.assemble((f"  {'✓' if good else '✗' if good is False else '·'} ", style), f"{name:16} {line(what)}")


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f": {', '.join(names[:SHOWN])}{more}" if names else ""
