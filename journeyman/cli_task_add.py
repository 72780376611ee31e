"""`journeyman task add`: any repository of Python, JavaScript, Go or Rust made to run, and proven tasks made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, BackendOption, JsonOption, example, interruptible, print_json
from journeyman.cli_task import app, sandboxes_of
from journeyman.cli_task_audit import SHOWN
from journeyman.cli_task_make import progress_bar, say_minted
from journeyman.tasks.detect.setup import Finding
from journeyman.tasks.sources.add import AddReport, add
from journeyman.terminal import line, out, plural

MOST_WIDE = 110
"""Characters of a finding's line."""


@app.command(
    "add",
    epilog=example(
        "journeyman task add ./my-project --count 20",
        "journeyman task add file:///srv/git/project.git --out ./my-tasks",
        "journeyman task add inflection==0.5.1 --count 0",
        "journeyman task add minimist@1.2.8",
    ),
)
def add_tasks(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder, a git URL, an archive (.tar.gz, .tgz, .crate), NAME==VERSION, or NAME@VERSION of npm.",
        ),
    ],
    count: Annotated[int, typer.Option(min=0, help="Tasks to make; 0 only sees whether its tests run.")] = 10,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the tasks. Default: tasks/NAME below the current one.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Settings. Default: journeyman.toml in the repository."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which faults are tried, and in which order.")] = 0,
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Proofs that run at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make any repository run, and make proven tasks of it: single faults that its own tests find.

    It may be in Python, JavaScript, Go or Rust; for the last three, their toolchain must be installed.

    Nothing has to be written by hand. What its files say (pyproject.toml, setup.cfg, setup.py, tox.ini, noxfile.py,
    requirement files; package.json; go.mod; Cargo.toml) is read, not run; its requirements are installed; its tests run
    three times in a sandbox, and those that are flaky, slow or fail there are left out. Each finding is shown as the
    line of `journeyman.toml` that says the same: put it there, changed, where the finding is wrong.

    Settings: name, version, toolchain, python, requirements, add_requirements, pythonpath, sources, tests, skip,
    plugins, variables, suite_limit_s.

    Interrupted, it keeps what it proved; the same command goes on from there. Exits with 1 when there are fewer tasks
    than asked for.
    """

    def said(stage: str, report: AddReport) -> None:
        if not as_json:
            {"detected": _say_detected, "measured": _say_measured}[stage](report)

    kept = "the tasks proven so far are kept, and the same command goes on"
    with interruptible(kept), progress_bar(f"adding {line(source)}", count or None, shown=not as_json) as advance:
        report = add(
            source, count=count, sandboxes=sandboxes_of(backend), out=out_folder, config=config, seed=seed,
            jobs=jobs, said=said, progress=lambda minted: advance(len(minted.kept)),
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    elif report.minted:
        say_minted(report.minted)
    if report.minted and len(report.minted.kept) < count:
        raise typer.Exit(FAILED)


def _say_detected(report: AddReport) -> None:
    out.print(Text(f"{line(report.source)}: {report.kind}; its own test command: {line(report.command)}", "bold"))
    for finding in report.findings:
        mark = ("assumed ", "yellow") if finding.assumed else ("found   ", "green")
        text = Text.assemble(mark, _short(finding))
        text.append(f"  # {line(finding.where)}", "dim")
        out.print(text, soft_wrap=True)
    for note in report.notes:
        out.print(Text(f"note    {line(note)}", "yellow"), soft_wrap=True)


def _short(finding: Finding) -> str:
    """A finding's line; a long list's begins and its number."""
    whole = line(finding.line)
    if len(whole) <= MOST_WIDE:
        return whole
    more = f" ({len(finding.value)} in all)" if isinstance(finding.value, list | tuple | dict) else ""
    return f"{whole[:MOST_WIDE]}…{more}"


def _say_measured(report: AddReport) -> None:
    out.print(Text(f"{plural(report.tests, 'test')} passed three times; the slowest run took {report.suite_s:.1f} s"))
    for reason, tests in sorted(report.quarantined.items()):
        names = ", ".join(line(test) for test in tests[:SHOWN]) + (" …" if len(tests) > SHOWN else "")
        out.print(Text(f"  {len(tests):>5} left out, {reason}: {names}", "yellow"), soft_wrap=True)
        if said := report.complaints.get(reason):
            out.print(Text(f"        most of them say: {line(said)[:MOST_WIDE]}", "dim"), soft_wrap=True)
    for path, why in report.broken.items():
        last = [text for text in why.splitlines() if text.strip()][-1:] or ["no reason given"]
        out.print(Text(f"  failed  {line(path)} cannot be collected: {line(last[0])}", "red"), soft_wrap=True)
        out.print(Text(f'          mend it with add_requirements = ["…"], or write skip = ["{line(path)}"]', "dim"))
    if not report.ended:
        out.print(
            Text("  failed  the suite did not come to its end: write suite_limit_s = 900, or skip what hangs", "red")
        )
