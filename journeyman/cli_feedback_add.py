"""`journeyman feedback add`: say something of episodes, on the command line or as lines of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.text import Text

from journeyman.annotators import WHAT_IT_IS
from journeyman.cli_common import CannotError, JsonOption, RunOption, example, open_run, print_json
from journeyman.cli_feedback import TERMINAL, AnnotatorOption, GuidelineOption, feedback_app, guidelines_now, judged_in
from journeyman.envs.feedback.entry import ENTRY, Entry, summary
from journeyman.envs.feedback.log import FeedbackLog, now, why_not
from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, Item, ItemRef, load_guideline
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeNotFound, EpisodeStore
from journeyman.terminal import line, out, plural


@feedback_app.command(
    "add",
    epilog=example(
        "journeyman feedback add last --annotator ada --comment 'too wide' --step 2 --path parcel.py --line 3",
        "journeyman feedback add last --annotator ada --step 2 --label bad",
        "journeyman feedback add last --annotator ada --claim 0 --label false --limitation 'two tests were not run'",
        "journeyman feedback add 0pq7 0pq9 --annotator ada --ranks 1,2 --reason 'smaller diff'",
        "journeyman feedback add --jsonl said.jsonl --annotator ada",
    ),
)
def add(
    annotator: AnnotatorOption = "",
    episodes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help='Episodes: ids, their unique beginnings, "last" or "best".'),
    ] = None,
    comment: Annotated[str | None, typer.Option(help="What you say, as in a code review.")] = None,
    severity: Annotated[str | None, typer.Option(help="praise, note, minor, major or blocking.")] = None,
    category: Annotated[
        str | None, typer.Option(help="correctness, tests, scope, readability, honesty, process or other.")
    ] = None,
    suggestion: Annotated[str | None, typer.Option(help="What should stand on the lines instead.")] = None,
    step: Annotated[int | None, typer.Option(help="The step that is meant, from 1.")] = None,
    path: Annotated[str | None, typer.Option(help="The file that a comment is on.")] = None,
    at_line: Annotated[int | None, typer.Option("--line", help="Its line, as the file is after the step.")] = None,
    end: Annotated[int | None, typer.Option(help="The last line, of several.")] = None,
    old: Annotated[bool, typer.Option("--old", help="The line as the file was before the step.")] = False,
    quote: Annotated[str | None, typer.Option(help="What stands there, so that a moved line is known.")] = None,
    subtask: Annotated[str | None, typer.Option(help="Title of a part of the plan that a comment is on.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Of a step: good, neutral, bad. Of a claim: true, false, unverifiable.")
    ] = None,
    claim: Annotated[int | None, typer.Option(help="A claim of the report, from 0.")] = None,
    limitation: Annotated[str | None, typer.Option(help="Of a claim that is not true: how it really is.")] = None,
    score: Annotated[float | None, typer.Option(help="How good it is, or how well it keeps to --item, 0 to 1.")] = None,
    ranks: Annotated[str | None, typer.Option(help="A rank for each episode, 1 the best: 1,2 or 1,1,3.")] = None,
    action: Annotated[
        str | None, typer.Option(help="The action that should have been taken at the step, as JSON with `tool`.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for a score, a ranking or a corrected action.")] = None,
    item: Annotated[str, typer.Option(metavar="GUIDELINE/ITEM", help="The item of a guideline it judges by.")] = "",
    guideline: GuidelineOption = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Entries as lines of JSON; - for standard input. What is left out is filled in.")
    ] = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say something of episodes: a comment, a step's or a claim's label, a score, a ranking, a corrected action."""
    store = open_run(run)
    log = FeedbackLog(store.folder)
    if jsonl is not None:
        entries = _of_lines(jsonl, store, annotator)
    else:
        place = {"step": step, "path": path, "line": at_line, "end": end, "quote": quote, "subtask": subtask,
                 "side": "old" if old else None}  # fmt: skip
        fields = {"body": comment, "severity": severity, "category": category, "suggestion": suggestion,
                  "label": label, "claim": claim, "limitation": limitation, "value": score, "reason": reason,
                  "ranks": _ranks(ranks), "action": _json(action)}  # fmt: skip
        said = _said(_given(fields), _given(place))
        said |= _whose(said, [store.find_id(name) for name in episodes or ()])
        judged_by = _item(log, item, guideline or ()) if item else None
        if judged_by is not None:
            said["item"] = ItemRef.of(*judged_by).model_dump()
        entries = [_entry({**said, "annotator": annotator}, "")]
        if judged_by is not None:
            log.keep_guideline(judged_by[0], annotator, TERMINAL)
    log.write(*entries)
    _say(store, entries, guideline or (), as_json)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _said(fields: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    """The kind of entry that the options make, with its fields.

    Raises:
        CannotError: they make none, or several.
    """
    tells = {"body": "critique", "claim": "claim", "value": "score", "ranks": "ranking", "action": "correction"}
    kinds = [kind for name, kind in tells.items() if name in fields] or (["step"] if "label" in fields else [])
    if len(kinds) != 1:
        why = f"these options make {len(kinds)} entries" if kinds else "nothing is said"
        raise CannotError(f"{why}: give one of --comment, --label, --claim, --score, --ranks, --action, or --jsonl")
    if kinds[0] == "critique":
        return {"kind": "critique", **fields, "place": place}
    return {"kind": kinds[0], **fields, **place}


def _whose(said: dict[str, Any], episodes: list[str]) -> dict[str, Any]:
    if said["kind"] == "ranking":
        if len(said["ranks"]) != len(episodes):
            there = f"{plural(len(said['ranks']), 'rank')} for {plural(len(episodes), 'episode')}"
            raise CannotError(f"--ranks: {there}; name two to four episodes, and give each its own")
        return {"episodes": episodes}
    if len(episodes) != 1:
        raise CannotError(f"name the one episode that is meant, not {len(episodes)}; a ranking takes two to four")
    return {"episode": episodes[0]}


def _ranks(text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(rank) for rank in text.split(",")]
    except ValueError:
        raise CannotError(f"--ranks {text}: give a number for each episode, such as 1,2,2") from None


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CannotError(f"--action is not JSON: {error}") from None


def _item(log: FeedbackLog, name: str, guidelines: Sequence[str]) -> tuple[Guideline, Item]:
    """The item as it is now, with its guideline.

    Raises:
        CannotError: there is none.
    """
    of, _, id_ = name.partition("/")
    known = guidelines_now(log.read(), guidelines)
    try:
        guideline = known.get(of) or load_guideline(of)
    except GuidelineError as error:
        raise CannotError(f"--item {name}: {error}") from error
    if (item := guideline.item(id_)) is None:
        there = ", ".join(each.id for each in guideline.items)
        raise CannotError(f"--item {name}: {guideline.name}@{guideline.version} has {there}")
    return guideline, item


def _entry(said: dict[str, Any], where: str) -> Entry:
    if not said.get("annotator"):
        raise CannotError(f"{where}who says it? give --annotator, or set JOURNEYMAN_ANNOTATOR")
    try:
        return ENTRY.validate_python({"id": new_episode_id(), "at": now(), "origin": TERMINAL, **said})
    except ValidationError as error:
        raise CannotError(f"{where}{why_not(error)}" if where else _option_not(error)) from error


def _option_not(error: ValidationError) -> str:
    """What of an entry is wrong, by the option that says it."""
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    names = [part for part in first["loc"][1:] if isinstance(part, str)]
    if not names or names[-1] in ("episodes", "place"):
        return said
    if names[-1] == "annotator" and first["type"] == "string_pattern_mismatch":
        said = f"{WHAT_IT_IS} is wanted, not {str(first['input'])!r}"
    option = "--" + {"body": "comment", "value": "score"}.get(names[-1], names[-1])
    return f"{option} is missing" if first["type"] == "missing" else f"{option}: {said}"


def _of_lines(path: Path, store: EpisodeStore, annotator: str) -> list[Entry]:
    """Entries of a file, or of standard input: all of them, or none.

    Raises:
        CannotError: one of them is none; the message names its line.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise CannotError(f"{path}: {error.strerror}") from error
    entries = []
    for number, text in enumerate(data.split(b"\n"), 1):
        if not text.strip():
            continue
        where = f"{'standard input' if str(path) == '-' else path}, line {number}: "
        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CannotError(f"{where}not JSON: {error}; nothing was added") from None
        if not isinstance(said, dict):
            raise CannotError(f"{where}an entry is an object; nothing was added")
        try:
            entries.append(_entry({"annotator": annotator, **_whole_ids(said, store)}, where))
        except CannotError as error:
            raise CannotError(f"{error}; nothing was added") from error
    return entries


def _whole_ids(said: dict[str, Any], store: EpisodeStore) -> dict[str, Any]:
    """Beginnings of episodes' ids made whole. One that is not there stays: it is kept, marked and reported."""

    def whole(name: Any) -> Any:
        try:
            return store.find_id(name) if isinstance(name, str) else name
        except EpisodeNotFound:
            return name

    found = dict(said)
    if "episode" in said:
        found["episode"] = whole(said["episode"])
    if isinstance(said.get("episodes"), list):
        found["episodes"] = [whole(name) for name in said["episodes"]]
    return found


def _say(store: EpisodeStore, entries: list[Entry], guidelines: Sequence[str], as_json: bool) -> None:
    """What was added, and what keeps it from counting."""
    ids = {entry.id for entry in entries}
    judged = [each for each in judged_in(store, guidelines)[1] if each.entry.id in ids]
    if as_json:
        print_json([{"id": each.entry.id, "stands": each.stands, "why": each.why} for each in judged])
        return
    for each in judged:
        text = Text.assemble((each.entry.id, "cyan"), f"  {line(summary(each.entry))}")
        if not each.stands:
            text.append(f"  {', '.join(each.marks)}: {line(each.why)}", "yellow")
        out.print(text, soft_wrap=True)
