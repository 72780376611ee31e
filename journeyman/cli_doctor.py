"""`journeyman doctor`: is this machine fit, and if not, what mends it."""

from __future__ import annotations

from itertools import groupby

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, JsonOption, print_json
from journeyman.doctor import examine, is_able
from journeyman.findings import Finding, Health
from journeyman.terminal import out, visible

_MARKS = {Health.OK: ("✓", "green"), Health.NOTE: ("•", "yellow"), Health.MISSING: ("✗", "red")}


def doctor(as_json: JsonOption = False) -> None:
    """Say which sandboxes work here and what they hold in, what is missing and how to mend it."""
    found = examine()
    able = is_able(found)
    if as_json:
        print_json({"able": able, "findings": found})
    else:
        for about, group in groupby(found, key=lambda each: each.about):
            out.print(Text(about, "bold"))
            for each in group:
                out.print(_row(each), soft_wrap=True)
        out.print(Text("\nready" if able else "\nnot ready: mend what is marked ✗ above", "bold"))
    if not able:
        raise typer.Exit(FAILED)


def _row(finding: Finding) -> Text:
    mark, style = _MARKS[finding.health]
    row = Text.assemble("  ", (mark, style), f" {visible(finding.name):<12} {visible(finding.detail)}")
    if finding.mend:
        row.append(f"\n    → {visible(finding.mend)}", style)
    return row
