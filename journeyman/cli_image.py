"""`journeyman image …`: what was built and is kept on this machine, and how to be rid of it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, example, print_json
from journeyman.sandbox.stock import Item, Kind, prune, stock, to_prune
from journeyman.terminal import line, out, plural, said

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="List and prune what was built for sandboxes."
)

_UNITS = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_AGES = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@app.command("list", epilog=example("journeyman image list", "journeyman image list --json"))
def list_images(as_json: JsonOption = False) -> None:
    """List environments, templates, docker images and snapshots: size, age, last use, and how many share them."""
    items = stock()
    if as_json:
        print_json(items)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("kind", no_wrap=True, min_width=len(Kind.ENVIRONMENT))
    table.add_column("name", no_wrap=True, overflow="ellipsis", max_width=32)
    for name, width in (("size", 8), ("made", 10), ("used", 10), ("shared by", 9)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("what", no_wrap=True, overflow="ellipsis", max_width=70)
    for item in items:
        if item.kind is not Kind.SNAPSHOT:
            used = "now" if item.in_use else _ago(item.used)
            table.add_row(item.kind, line(item.name), _size(item.size), _ago(item.made), used,
                          str(item.shared_by or "–"), said(line(item.about)))  # fmt: skip
    if states := [item for item in items if item.kind is Kind.SNAPSHOT]:
        table.add_row("snapshots", plural(len(states), "state"), _size(sum(item.size for item in states)),
                      _ago(min(item.made for item in states)), _ago(states[0].used), "–", "")  # fmt: skip
    out.print(table)
    out.print(Text(f"{_size(sum(item.size for item in items))} in all", "dim"))


@app.command(
    "prune",
    epilog=example("journeyman image prune --keep 5GB", "journeyman image prune --older-than 30d --dry-run"),
)
def prune_images(
    keep: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The least recently used go until this is left, such as 5GB.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="What was not used for so long goes: 45m, 12h, 30d, 8w.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is not in use goes.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take away what was not used for long. It is built again when it is needed.

    What a living sandbox needs stays, and so does what was used within the last two minutes. What a process that died
    left unfinished always goes.
    """
    if keep is None and older_than is None and not everything:
        raise CannotError("say what goes: --keep 5GB, --older-than 30d, or --all")
    items = stock()
    chosen = to_prune(
        items,
        keep_bytes=None if keep is None else _bytes(keep),
        unused_s=None if older_than is None else _seconds(older_than),
        everything=everything,
    )
    gone = chosen if dry_run else prune(chosen)
    stayed = [item for item in items if item not in gone]
    if as_json:
        print_json({"dry_run": dry_run, "gone": gone, "freed": sum(item.size for item in gone), "stayed": stayed})
    else:
        _say(gone, stayed, "would free" if dry_run else "freed")


def _say(gone: Sequence[Item], stayed: Sequence[Item], verb: str) -> None:
    for kind in Kind:
        if group := [item for item in gone if item.kind is kind]:
            what = plural(len(group), kind.value) if kind is not Kind.UNFINISHED else f"{len(group)} unfinished"
            out.print(Text(f"  {_size(sum(item.size for item in group)):>9}  {what}", "dim"))
    used = sum(item.in_use for item in stayed)
    left = f"{_size(sum(item.size for item in stayed))} left" + (f", {used} in use" if used else "")
    out.print(Text(f"{verb} {_size(sum(item.size for item in gone))}; {left}"))


def _size(size: float) -> str:
    """ "12.3 MB"."""
    for name, unit in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size:.0f} B"


def _ago(when: float) -> str:
    """ "3 d ago", in the largest unit of which there is at least one."""
    seconds = max(time.time() - when, 0.0)
    for name, unit in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name} ago"
    return "now"


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    if found is None or found[2].upper() not in _UNITS:
        raise CannotError(f"--keep {text}: write a size such as 5GB or 500MB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mhdw])", text.strip())
    if found is None:
        raise CannotError(f"--older-than {text}: write an age such as 45m, 12h, 30d or 8w")
    return float(found[1]) * _AGES[found[2]]
