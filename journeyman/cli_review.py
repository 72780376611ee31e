"""`journeyman review`: judge episodes in the terminal, and see how far those who judge agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from journeyman.annotators import login_name
from journeyman.cli_common import CannotError, JsonOption, example, find_run, open_run, person, print_json
from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from journeyman.review_keys import Keys
from journeyman.review_session import Session
from journeyman.reviewer import Reviewer, find_mark
from journeyman.terminal import line, out, plural
from journeyman.training.feedback.agreement import Agreement, Rating, Report, Value, ratings
from journeyman.training.feedback.agreement import report as report_on
from journeyman.training.feedback.queue import Proposal, QueueSettings, Scored, pool, queue, read_scores
from journeyman.training.values import step_values

_STEP_WORDS = {0.0: "bad", 1.0: "neutral", 2.0: "good"}
_PAIR_WORDS = {1.0: "the first", 0.0: "a tie", -1.0: "the second"}


class JudgeByDefault(TyperGroup):
    """`journeyman review RUN` is `journeyman review judge RUN`, and so is `journeyman review --run RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["judge", *args]
        return super().parse_args(ctx, _run_first(args))


def _run_first(args: list[str]) -> list[str]:
    """`--run RUN`, which other commands take, as the argument that it is here."""
    if "--run" not in args[1:-1]:
        return args
    at = args.index("--run")
    return [args[0], args[at + 1], *args[1:at], *args[at + 2 :]]


app = typer.Typer(
    cls=JudgeByDefault,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Judge episodes in the terminal, by the keyboard alone: comments, labels, rankings, corrections.",
)

RunArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="Run folder, or its name below ./runs. Default: the one written to last."),
]
WhoOption = Annotated[
    str,
    typer.Option(
        "--annotator", "--as", metavar="NAME", envvar="JOURNEYMAN_ANNOTATOR", show_default=False,
        help="Who judges. Default: who is logged in.",
    ),
]  # fmt: skip
GuidelineOption = Annotated[
    list[str] | None,
    typer.Option("--guideline", help="What is judged by: a bundled guideline's name, or a TOML file; may be repeated."),
]
ScoresOption = Annotated[
    Path | None,
    typer.Option(help='A reward model\'s scores: JSON, {"EPISODE": {"mean": 0.3, "sd": 0.1}}.'),
]
SeedOption = Annotated[int, typer.Option(help="One seed gives one queue.")]
AgainOption = Annotated[
    float, typer.Option(min=0, max=1, help="Share of what is asked that one other annotator has judged before.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Show policies, rewards and what others have said.")]


@app.command(
    epilog=example(
        "journeyman review judge default", "journeyman review judge runs/default --guideline conduct --as ada"
    )
)
def judge(
    run: RunArgument = None,
    episode: Annotated[
        str | None,
        typer.Argument(
            metavar="[EPISODE]", help="An id or its beginning. Default: where you left, else what teaches most."
        ),
    ] = None,
    who: WhoOption = "",
    guideline: GuidelineOption = None,
    open_: OpenOption = False,
    scores: ScoresOption = None,
    seed: SeedOption = 0,
    again: AgainOption = 0.15,
) -> None:
    """Go through episodes by single keys, and say what was good and bad; `?` lists the keys.

    Policies, rewards and what others have said are not shown unless asked for. All is kept at once: `q`, Ctrl-C or a
    crash loses nothing, and the next call goes on where you left.
    """
    reviewer = reviewer_of(run, who, guideline, blind=not open_)
    propose = proposer(reviewer, scores, QueueSettings(again, seed))
    where = (reviewer.store.get(episode).id, 0) if episode else find_mark(reviewer)
    found = reviewer.find(where[0]) if where else None
    if found is None:
        proposals = propose()
        found = reviewer.find(proposals[0].episodes[0]) if proposals else reviewer.store.get("last")
        where = None
        if proposals:
            best = proposals[0]
            place = f" {best.step}" if best.step else f" {best.claim}" if best.claim is not None else ""
            out.print(Text(f"{best.kind}{place}: {best.why}", "cyan"))
    if found is None:
        raise CannotError(f"no episode in {reviewer.store.folder} can be read")
    with Keys() as keys:
        Session(reviewer, keys, found, where[1] if where else 0, propose).run()
    said = [e for e in reviewer.log.read().entries if e.annotator == reviewer.annotator]
    out.print(Text(f"{plural(len(said), 'line')} of yours in {line(str(reviewer.log.path))}", "dim"))


@app.command("next", epilog=example("journeyman review next default", "journeyman review next --scores rm.json --json"))
def next_(
    run: RunArgument = None,
    who: WhoOption = "",
    scores: ScoresOption = None,
    limit: Annotated[int, typer.Option(min=1, help="So many.")] = 20,
    seed: SeedOption = 0,
    again: AgainOption = 0.15,
    as_json: JsonOption = False,
) -> None:
    """List what to judge next, what teaches most first, and say why.

    Asked for is what annotators judge differently, what a reward model cannot tell apart, claims that the record leaves
    open, steps that decide an episode, and what nobody has judged.
    """
    reviewer = reviewer_of(run, who, None)
    proposals = proposer(reviewer, scores, QueueSettings(again, seed), limit)()
    if as_json:
        print_json({"run": reviewer.store.folder, "annotator": reviewer.annotator, "next": proposals})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("judge", "of", "why"):
        table.add_column(name, overflow="fold")
    for each in proposals:
        where = ", ".join(map(line, each.episodes))
        where += f" step {each.step}" if each.step else f" claim {each.claim}" if each.claim is not None else ""
        table.add_row(Text(each.kind), Text(where), Text(each.why + (f", by {each.item}" if each.item else "")))
    out.print(table if proposals else Text("nothing is left that you have not judged", "green"))


@app.command(epilog=example("journeyman review agreement default", "journeyman review agreement runs/a runs/b --json"))
def agreement(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...", help="Run folders, or their names below ./runs. Default: the one written to last."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    rules: Annotated[
        bool, typer.Option("--rules", help="Count rules that decide by the record beside the annotators.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how far annotators agree: Krippendorff's alpha with its 95% interval, and who differs most where."""
    found: list[Rating] = []
    for folder in dict.fromkeys(find_run(run) for run in runs or (None,)):
        found += ratings(Reviewer(EpisodeStore(folder), "nobody").judged(), rules=rules)
    report = report_on(found, seed)
    if as_json:
        print_json(report)
    elif not report.kinds:
        out.print(Text("nothing is judged by a label, a score or a ranking yet: `journeyman review RUN`", "yellow"))
    else:
        _show_report(report)


def _show_report(report: Report) -> None:
    for title, rows in (("kind", report.kinds), ("item", report.items), ("pair", report.pairs)):
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in (title, "alpha", "95% interval", "the same", "judged by two", "by one"):
            table.add_column(name, justify="left" if name == title else "right", overflow="fold")
        for each in rows:
            table.add_row(Text(_what(title, each)), *_numbers(each))
        out.print(table, "")
    for dissent in report.dissent:
        if dissent.differs.successes:
            by = f" by {line(dissent.item)}" if dissent.item else ""
            out.print(Text(f"{line(dissent.annotator)} differs in {dissent.kind}s{by}: {dissent.differs}"))
    for each_one in report.contested:
        unit = " ".join(line(str(part)) for part in each_one.unit[:-1])
        said = ", ".join(f"{line(who)} {_words(each_one.kind, value)}" for who, value in each_one.values.items())
        out.print(Text(f"{each_one.kind} {unit}: {said}", "yellow"))
    if report.simulated:
        out.print(Text(f"simulated, not people: {', '.join(map(line, report.simulated))}", "magenta"))


def _what(title: str, each: Agreement) -> str:
    if title == "pair":
        return f"{each.kind} · {' and '.join(map(line, each.annotators))}"
    return f"{each.kind} · {line(each.item)}" if each.item else each.kind


def _numbers(each: Agreement) -> tuple[str, str, str, str, str]:
    alpha = "–" if each.alpha is None else f"{each.alpha:.3f}"
    bounds = "–" if each.low is None or each.high is None else f"{each.low:.2f} to {each.high:.2f}"
    return alpha, bounds, "–" if each.same is None else f"{each.same:.0%}", str(each.units), str(each.single)


def _words(kind: str, value: Value) -> str:
    """A value as people say it."""
    words = {"step": _STEP_WORDS, "ranking": _PAIR_WORDS}.get(kind, {})
    if isinstance(value, str):
        return value
    return words.get(value, f"{value:.0%}")


def reviewer_of(run: Path | None, who: str, guidelines: Sequence[str] | None, *, blind: bool = True) -> Reviewer:
    """Who reviews what.

    Raises:
        CannotError: there is no such run or guideline, or the name is none.
    """
    name = person("--annotator", who) if who else login_name()
    try:
        read: list[Guideline] = [load_guideline(each) for each in guidelines or ()]
    except GuidelineError as error:
        raise CannotError(str(error)) from error
    return Reviewer(open_run(run), name, tuple(read), blind)


def proposer(
    reviewer: Reviewer, scores: Path | None, settings: QueueSettings, limit: int = 20
) -> Callable[[], tuple[Proposal, ...]]:
    """What says what to judge next, as things stand when it is called."""
    known: dict[str, Scored] | None = None if scores is None else read_scores(scores)
    store: EpisodeStore = reviewer.store

    def propose() -> tuple[Proposal, ...]:
        judged = reviewer.judged()
        ended = (each for each in store.summaries() if each.state is State.FINISHED)
        chosen = pool(ended, judged, reviewer.annotator, settings.seed)  # the others are not read
        episodes = [found for each in chosen if (found := reviewer.find(each.id)) is not None]
        return queue(
            episodes, judged, reviewer.annotator, scores=known, settings=settings, limit=limit,
            values=lambda id_: step_values(store.folder, id_),
        )  # fmt: skip

    return propose
