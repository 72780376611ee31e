"""`journeyman episode …`: find recorded episodes, tag them, see whether all of them can be read."""

from __future__ import annotations

import math
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, CannotError, JsonOption, RunOption, example, open_run, print_json
from journeyman.envs.query import Query, QueryError, Sort
from journeyman.envs.summary import Found
from journeyman.terminal import line, out, plural, summary_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Look at recorded episodes.")

SHOWN = 1000
"""Lines of a table where no limit is given; JSON has all."""
_SORTS = ", ".join(Sort)


@app.command(
    "list",
    epilog=example(
        "journeyman episode list",
        "journeyman episode list --task 'till-*' --unresolved --text ValueError --sort -reward --limit 20",
        "journeyman episode list --reward 0.25..0.75 --tag good --tag -bad --json",
    ),
)
def list_episodes(
    run: RunOption = None,
    task: Annotated[str, typer.Option(help="A task's name, or a pattern with * and ?.")] = "",
    policy: Annotated[str, typer.Option(help="A policy's name, or a pattern with * and ?.")] = "",
    reward: Annotated[
        str, typer.Option(metavar="RANGE", help="LOW..HIGH, LOW.., ..HIGH or one number; unscored ones are in none.")
    ] = "",
    stop: Annotated[
        str, typer.Option(help="Why it stopped, such as step_limit; or running, interrupted, damaged.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="Words, or beginnings of words, in instruction, actions, names or outputs' beginnings.")
    ] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag it bears; with a leading -, one it does not.")] = None,
    resolved: Annotated[bool | None, typer.Option("--resolved/--unresolved", help="Solved or not, if scored.")] = None,
    parent: Annotated[str, typer.Option(metavar="ID", help="Forked from this episode.")] = "",
    sort: Annotated[str, typer.Option(help=f"By {_SORTS}; with a leading -, the highest first.")] = "started",
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"So many at most. Default: {SHOWN}, and all of them with --json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the episodes of a run, oldest first, and what of it is damaged."""
    store = open_run(run)
    low, high = _range(reward)
    solved = {None: "", True: "yes", False: "no"}[resolved]
    limit = limit if limit is not None or as_json else SHOWN
    by, descending = _sort(sort)
    try:
        found = store.find(
            Query(task, policy, stop, solved, low, high, text, tuple(tag or ()),
                  store.find_id(parent) if parent else "", by, descending, limit)
        )  # fmt: skip
    except QueryError as error:
        raise CannotError(str(error)) from error
    problems = store.problems(thorough=False)
    if as_json:
        counts = {"total": found.total, "scored": found.scored, "resolved": found.resolved}
        print_json({"run": store.folder, **counts, "episodes": found.summaries, "problems": problems})
        return
    out.print(summary_table(found.summaries))
    _say_counts(found, str(store.folder))
    for problem in problems:
        out.print(Text(f"damaged: {line(problem)}", "red"))


@app.command(
    "tag",
    epilog=example("journeyman episode tag last +good", "journeyman episode tag 0pq7 +to-discuss -good --run demo"),
    context_settings={"ignore_unknown_options": True},  # "-good" is no option
)
def tag_episode(
    episode_id: Annotated[str, typer.Argument(metavar="ID", help='An id, its unique beginning, "last" or "best".')],
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[+TAG|-TAG]...", help="Tags to give (+) and to take away (-).")
    ] = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tag an episode, or show its tags. They are kept beside the records, which never change."""
    given = changes or []
    if wrong := [each for each in given if each[:1] not in ("+", "-")]:
        raise CannotError(f"{wrong[0]!r}: write +{wrong[0]} to tag the episode so, -{wrong[0]} to take the tag away")
    store = open_run(run)
    add, remove = ([each[1:] for each in given if each[0] == sign] for sign in "+-")
    try:
        summary = store.tag(episode_id, add, remove)
    except QueryError as error:
        raise CannotError(str(error)) from error
    if as_json:
        print_json({"id": summary.id, "tags": summary.tags})
    else:
        out.print(f"{summary.id}  {', '.join(summary.tags) or 'no tags'}", markup=False)


@app.command("check", epilog=example("journeyman episode check", "journeyman episode check --run demo --json"))
def check_episodes(run: RunOption = None, as_json: JsonOption = False) -> None:
    """Read every byte of a run's records and long texts, and name what is damaged; exit code 1 when anything is."""
    store = open_run(run)
    problems = store.problems()
    count = store.find(Query(limit=0)).total
    if as_json:
        print_json({"run": store.folder, "episodes": count, "problems": problems})
    else:
        for problem in problems:
            out.print(Text(f"damaged: {line(problem)}", "red"), soft_wrap=True)
        said = plural(len(problems), "problem") if problems else "every byte is as it was written"
        out.print(f"{plural(count, 'episode')} in {line(str(store.folder))}: {said}", soft_wrap=True, markup=False)
    if problems:
        raise typer.Exit(FAILED)


def _say_counts(found: Found, folder: str) -> None:
    shown, some = len(found.summaries), f"{plural(found.total, 'episode')} in {line(folder)}"
    if shown < found.total:
        some = f"{shown} of {some} shown (--limit {found.total} shows all)"
    out.print(Text(f"{some}, {found.resolved} resolved", "dim"))


def _range(text: str) -> tuple[float | None, float | None]:
    """`0.2..0.8`, `0.2..`, `..0.8` or `1` as the two ends of a range."""
    low, dots, high = text.partition("..")
    try:
        ends = [float(end) if end.strip() else None for end in (low, high if dots else low)]
    except ValueError:
        ends = [math.nan]
    if any(end is not None and math.isnan(end) for end in ends):
        raise CannotError(f"--reward {text}: give a range such as 0.25..0.75, 0.5.., ..0.5, or one number")
    return ends[0], ends[1]


def _sort(text: str) -> tuple[Sort, bool]:
    try:
        return Sort(text.removeprefix("-")), text.startswith("-")
    except ValueError:
        raise CannotError(f"--sort {text}: sort by {_SORTS}; with a leading - the highest come first") from None
