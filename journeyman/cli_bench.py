"""`journeyman bench …`: how fast this machine does what rollouts wait for."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.bench.figures import as_json
from journeyman.bench.rows import chosen
from journeyman.bench.run import Plan, Result, measured
from journeyman.bench.table import report
from journeyman.cli_common import CannotError, JsonOption, example, print_json
from journeyman.terminal import err, out

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Measure what rollouts wait for, here.")


@app.callback()
def bench() -> None:
    """Measure what rollouts wait for, here."""


@app.command(
    epilog=example(
        "journeyman bench sandbox",
        "journeyman bench sandbox --only journeyman --rounds 5",
        "journeyman bench sandbox --peers-python ./peers/bin/python --json",
    )
)
def sandbox(
    rounds: Annotated[int, typer.Option(min=1, help="How often each thing is measured; medians are told.")] = 3,
    lanes: Annotated[int, typer.Option(min=1, help="Sandboxes at work at once when episodes are counted.")] = 16,
    only: Annotated[str, typer.Option(help="Rows by parts of their names, with commas between.")] = "",
    backend: Annotated[str, typer.Option(help="Journeyman's own rows: namespace, docker, or auto for both.")] = "auto",
    peers_python: Annotated[
        Path | None, typer.Option(help="Interpreter in which the peers are installed. Default: this one.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, help="How long each round counts episodes, in seconds.")] = 8.0,
    as_json: JsonOption = False,
) -> None:
    """Time this machine's sandboxes beside those of other projects that are installed.

    Each row is one way to have a sandbox: none at all (bare subprocess), Journeyman's two backends, the docker command
    line and SDK, and peers. All work on the same repository (57 files, five tests) with the same interpreter, one after
    the other in every round, so that a busy moment of the machine falls on all alike. Journeyman's own run with all
    limits on, and log every step; pools have been at work as long before episodes are counted.

    **reset**: until a sandbox with the repository's files has answered. **close**: until nothing of it is left.
    **true**: the smallest command. **restore**: back to the pristine files. **pytest**: the five tests, in a fresh
    interpreter; **warm**: in one that had pytest loaded. **ep/min**: whole episodes a minute on many lanes.
    **PSS**: memory of a sandbox that does nothing, with its share of what all use. **survivors, late**: what a command
    leaves alive at its time limit when its children ignore signals, and how late it returns.

    Then each bar that Journeyman sets itself: the figure, and met or MISSED. A bar that compares with a peer that is
    not installed is not judged; the line says what to install. Peers may stand in a virtual environment of their own
    (`--peers-python`), so that their requirements touch nobody's.

    Run it on a quiet machine. All rows take about half an hour, `--only journeyman` ten minutes.
    """
    try:
        rows = chosen(only, backend)
    except ValueError as error:
        raise CannotError(f"--only or --backend: {error}") from error
    plan = Plan(rounds=rounds, lanes=lanes, seconds=seconds)
    if peers_python is not None:
        plan = Plan(rounds=rounds, lanes=lanes, seconds=seconds, python=str(peers_python.absolute()))
    log = Path(tempfile.mkstemp(prefix="journeyman-bench-", suffix=".log")[1])
    with err.status("starting") as status:
        last = ""

        def progress(what: str) -> None:
            nonlocal last
            if err.is_terminal:
                status.update(Text(what))
            elif what != last:
                err.print(Text(what), soft_wrap=True)
            last = what

        result = measured(rows, plan, progress, log)
    if as_json:
        print_json(_plain(result))
    else:
        out.print(report(result), soft_wrap=False)
    if any(row.trouble for row in result.raw.values()) or result.missing:
        err.print(Text(f"what the rows printed: {log}"), soft_wrap=True)
    else:
        log.unlink()


def _plain(result: Result) -> dict[str, object]:
    return {
        "machine": result.machine,
        "plan": asdict(result.plan),
        "suite_s": result.suite_s,
        "rows": as_json(result.raw, result.rows),
        "missing": result.missing,
        "bars": result.verdicts,
    }
