"""`journeyman feedback list`: what was said, and why what does not count does not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, RunOption, example, open_run, print_json
from journeyman.cli_feedback import GuidelineOption, feedback_app, judged_in
from journeyman.envs.feedback.entry import ENTRY, KINDS, episodes_of, summary
from journeyman.envs.feedback.log import Unreadable
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.standing import Judged
from journeyman.terminal import line, out, typed


@feedback_app.command(
    "list",
    epilog=example(
        "journeyman feedback list",
        "journeyman feedback list --annotator ada --kind critique",
        "journeyman feedback list --marked --json",
    ),
)
def list_feedback(
    run: RunOption = None,
    annotator: Annotated[str, typer.Option(help="Only what this annotator said.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only entries of this kind: {', '.join(KINDS)}.")] = "",
    marked: Annotated[
        bool, typer.Option("--marked", help="Only what does not count, and lines that are none.")
    ] = False,
    guideline: GuidelineOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was said of a run's episodes, in the order in which it was said, with what keeps it from counting."""
    if kind and kind not in KINDS:
        raise CannotError(f"--kind {kind}: there are {', '.join(KINDS)}")
    store = open_run(run)
    logged, every = judged_in(store, guideline or ())
    shown = [
        each for each in every
        if annotator in ("", each.entry.annotator) and kind in ("", each.entry.kind) and not (marked and each.stands)
    ]  # fmt: skip
    unreadable = () if annotator or kind else logged.unreadable
    if as_json:
        lines = [{"line": each.number, "why": each.why, "text": each.text} for each in unreadable]
        print_json({"run": store.folder, "entries": [_row(each) for each in shown], "unreadable": lines})
        return
    if shown:
        out.print(_table(shown))
    say_unreadable(unreadable)
    stand = sum(each.stands for each in shown)
    said = f"{len(shown)} of {len(every)} entries in {line(str(store.folder))}, {stand} of these stand"
    out.print(Text(said, "dim"), soft_wrap=True)
    if not every:
        out.print(Text(f"`journeyman review {line(typed(store.folder))}` or `feedback add` says something", "yellow"))


@feedback_app.command(
    "status",
    epilog=example(
        "journeyman feedback status", "journeyman feedback status --run demo --guideline conduct.toml --json"
    ),
)
def status(run: RunOption = None, guideline: GuidelineOption = None, as_json: JsonOption = False) -> None:
    """Count what was said, by annotator and kind: how much of it stands, and why the rest does not."""
    store = open_run(run)
    logged, every = judged_in(store, guideline or ())
    groups: dict[tuple[str, bool, str], list[Judged]] = defaultdict(list)
    for each in every:
        groups[each.entry.annotator, each.entry.simulated, each.entry.kind].append(each)
    rows = [
        {"annotator": name, "simulated": simulated, "kind": kind, "entries": len(group),
         "stand": sum(each.stands for each in group), "marks": _counted(group)}
        for (name, simulated, kind), group in sorted(groups.items())
    ]  # fmt: skip
    if as_json:
        lines = [{"line": each.number, "why": each.why} for each in logged.unreadable]
        print_json({"run": store.folder, "entries": len(every), "stand": sum(each.stands for each in every),
                    "marks": _counted(every), "groups": rows, "unreadable": lines})  # fmt: skip
        return
    table = Table(box=None, pad_edge=False)
    for name in ("annotator", "kind", "entries", "stand", "the others"):
        table.add_column(name, justify="right" if name in ("entries", "stand") else "left", overflow="fold")
    for (name, simulated, kind), group in sorted(groups.items()):
        why = ", ".join(f"{count} {mark}" for mark, count in _counted(group).items())
        who = line(name) + (" (simulated)" if simulated else "")
        table.add_row(Text(who), kind, str(len(group)), str(sum(each.stands for each in group)), why)
    out.print(table)
    say_unreadable(logged.unreadable)
    stand = sum(each.stands for each in every)
    said = f"{len(every)} entries in {line(str(store.folder))}, {stand} stand"
    out.print(Text(f"{said}; {len(logged.unreadable)} unreadable lines", "dim"), soft_wrap=True)


def _counted(group: Sequence[Judged]) -> dict[str, int]:
    """How many entries bear each mark; one may bear several."""
    found = Counter(mark for each in group for mark in each.marks)
    return {str(mark): found[mark] for mark in Mark if found[mark]}


def say_unreadable(lines: tuple[Unreadable, ...]) -> None:
    for each in lines:
        out.print(Text(f"line {each.number} is no entry: {line(each.why)}", "red"), soft_wrap=True)


def _row(judged: Judged) -> dict[str, Any]:
    place = judged.place.model_dump(mode="json") if judged.place is not None else None
    said = ENTRY.dump_python(judged.entry, mode="json")
    return {**said, "stands": judged.stands, "marks": list(judged.marks), "why": judged.why, "moved_to": place}


def _table(shown: list[Judged]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "annotator", "kind", "episodes", "says", "marks"):
        table.add_column(name, overflow="fold")
    for each in shown:
        entry = each.entry
        about = ", ".join(id_.rpartition("-")[2] for id_ in episodes_of(entry))
        marks = Text(f"{', '.join(each.marks)}: {line(each.why)}" if each.marks else "", "yellow")
        who = line(entry.annotator) + (" (simulated)" if entry.simulated else "")
        table.add_row(Text(entry.id, "cyan"), Text(who), entry.kind, Text(about), Text(line(summary(entry))), marks)
    return table
