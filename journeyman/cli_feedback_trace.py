"""`journeyman feedback trace`: from a trained row, or a unit of reward, back to a test, a rule or a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, example, print_json
from journeyman.cli_feedback import feedback_app
from journeyman.terminal import line, out
from journeyman.training.feedback.compile import ids_of
from journeyman.training.feedback.rows import LeftOut
from journeyman.training.feedback.trace import (
    From,
    Paid,
    Trace,
    Traced,
    Trained,
    comments_named,
    paid,
    rows_named,
    trained,
)


@feedback_app.command(
    "trace",
    epilog=example(
        "journeyman feedback trace runs/feedback",
        "journeyman feedback trace runs/feedback pair-0f3a91c2b4d5",
        "journeyman feedback trace runs/feedback --entry 20260101T120000-1a2b",
        "journeyman feedback trace --run runs/dpo",
    ),
)
def trace_command(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of `journeyman feedback compile`.")
    ] = None,
    row: Annotated[str | None, typer.Argument(metavar="[ROW]", help="One of its rows; all by default.")] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="ID", help="What became of this entry of a run's feedback.")
    ] = None,
    episode: Annotated[
        str | None, typer.Option(metavar="ID", help="The rows, or the rewards, of this episode.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="A training run: what it was trained on, or paid for.")] = None,
    step: Annotated[int | None, typer.Option(min=1, help="Of a run on its own episodes, only this step.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say where rows and rewards come from: a test, a rule or a person with a guideline's version."""
    if run is not None:
        _trace_run(run, Trace(folder) if folder else None, episode, step, as_json=as_json)
        return
    if folder is None:
        raise CannotError("trace what? Give a folder of `journeyman feedback compile`, or --run with a training run")
    trace = Trace(folder)
    rows, left_out = _asked(trace, row, entry, episode)
    if as_json:
        print_json({"rows": [_plain(each) for each in rows], "left_out": [each.model_dump() for each in left_out]})
        return
    for each in rows:
        _say(f"{each.row.id} ({each.file}): {_about(each)}; {each.row.said}")
        _say_sources(each.sources)
    if not rows and not left_out:
        _say(f"no rows in {folder}: what counts of the feedback says nothing that training takes")
    for lost in left_out:
        why = f" ({lost.why})" if lost.why else ""
        _say(f"entry {lost.entry} of {lost.run} is in no row: {lost.reason}{why}")


def _asked(trace: Trace, row: str | None, entry: str | None, episode: str | None) -> tuple[list[Traced], list[LeftOut]]:
    rows, left_out = trace.rows, list[LeftOut]()
    if entry is not None:
        entry = _whole(
            entry,
            {each.entry for each in trace.left_out} | {said.source.entry for each in rows for said in each.sources},
        )
        rows, left_out = trace.of_entry(entry)
        if not rows and not left_out:
            raise CannotError(f"nothing in {trace.folder} comes of an entry {entry}: it was said later, or taken back")
    if row is not None and not (rows := [each for each in rows if each.row.id == row]):
        raise CannotError(f"no row {row} in {trace.folder}; `journeyman feedback trace {trace.folder}` lists them")
    if episode is not None:
        episode = _whole(episode, {id_ for each in trace.rows for id_ in ids_of(each.row)})
    if episode is not None and not (rows := [each for each in rows if episode in ids_of(each.row)]):
        raise CannotError(f"nothing in {trace.folder} is about an episode {episode}")
    return rows, left_out


def _whole(name: str, ids: Iterable[str]) -> str:
    """An id by its unique beginning, or that of the part after the dash, as elsewhere; else what was given.

    Raises:
        CannotError: several begin so.
    """
    found = sorted({id_ for id_ in ids if id_.startswith(name) or id_.rpartition("-")[2].startswith(name)})
    if len(found) > 1 and name not in found:
        raise CannotError(f"{len(found)} ids begin with {name!r}: {', '.join(found[:4])}")
    return found[0] if len(found) == 1 else name


def _trace_run(run: Path, trace: Trace | None, episode: str | None, step: int | None, *, as_json: bool) -> None:
    every, told = trained(run), paid(run)
    rows = [each for each in every if episode is None or episode in each.row.episodes]
    terms = [each for each in told if episode in (None, each.episode) and step in (None, each.step)]
    if not rows and not terms and (every or told):
        raise CannotError(f"nothing of {run} is of that episode or step; without --episode and --step all is shown")
    if not rows and not terms:
        raise CannotError(f"{run} does not tell what it was trained on; it is no training run, or of an older version")
    comments = comments_named(run, (term.source for term in terms))
    if as_json:
        plain = [_plain_trained(each) for each in rows]
        print_json({"rows": plain, "rewards": terms, "comments": _plain_sources(comments)})
        return
    for each in rows if not terms or episode is None else []:
        _say_trained(each)
    if episode is None and step is None:
        _say_steps(terms)
    else:
        for term in terms:
            source = term.source.removeprefix(f"{term.origin}: ")
            _say(f"step {term.step}, {term.episode}: {term.term} {term.amount:+.4f}, {term.origin}: {source}")
        _say_sources(comments)
    noted = [each.row for each in every]
    for found in rows_named((term.source for term in terms), trace, noted) if trace else []:
        _say(f"{found.row.id}: {found.row.said}")
        _say_sources(found.sources)


def _say_steps(terms: Sequence[Paid]) -> None:
    """What was paid for what in each step, over its episodes."""
    by_step: dict[int, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for term in terms:
        name = "steps" if term.term.startswith("step ") else term.term
        by_step[term.step][name, term.origin].append(term.amount)
    for step, found in by_step.items():
        told = (f"{name} {sum(amounts):+.3f} by {origin}" for (name, origin), amounts in found.items())
        _say(f"step {step}: {', '.join(told)}")


def _say_trained(each: Trained) -> None:
    name = f"{each.row.row}: " if each.row.row else ""
    items = f", by {', '.join(each.row.items)}" if each.row.items else ""
    of = " and ".join(each.row.episodes)
    _say(f"{each.row.use}: {name}{of} ({each.row.task}); {each.row.origin}: {each.row.said}{items}")
    if each.why_gone:
        _say(f"    {each.why_gone}")
    _say_sources(each.sources)


def _say_sources(sources: Sequence[From]) -> None:
    for said in sources:
        source = said.source
        item = f", by {source.item} ({source.digest})" if source.item else ""
        words = f": {said.words}" if said.words else ""
        _say(f"    {source.origin} {source.annotator}, entry {source.entry} of {source.run}, {source.at}{item}{words}")


def _about(each: Traced) -> str:
    return " over ".join(ids_of(each.row)) + f" ({each.row.task})"


def _say(text: str) -> None:
    out.print(Text(line(text)), soft_wrap=True)


def _plain(each: Traced) -> dict[str, object]:
    return {"file": each.file, **each.row.model_dump(mode="json"), "sources": _plain_sources(each.sources)}


def _plain_trained(each: Trained) -> dict[str, object]:
    return {**each.row.model_dump(mode="json"), "gone": each.why_gone, "sources": _plain_sources(each.sources)}


def _plain_sources(sources: Sequence[From]) -> list[dict[str, object]]:
    return [{**said.source.model_dump(mode="json"), "words": said.words} for said in sources]
