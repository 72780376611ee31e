"""`journeyman claims`: hold reports against their records, and measure who judges them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from journeyman.cli_common import (
    FAILED,
    BackendOption,
    JsonOption,
    example,
    find_run,
    interruptible,
    print_json,
)
from journeyman.cli_task_make import progress_bar
from journeyman.envs.claims import Finding, Standing, findings_of
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import line, out, plain_table, plural
from journeyman.training.skills.claims.cases import Case, hand_labelled
from journeyman.training.skills.claims.data import export as export_cases
from journeyman.training.skills.claims.data import read, read_predictions, score
from journeyman.training.skills.claims.measure import Figures, figures_by, judged
from journeyman.training.skills.claims.played import COUNT, played

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown",
    help="Hold what reports claim against the record, and measure judges of it.",
)  # fmt: skip

STYLES = {Standing.SUPPORTED: "green", Standing.CONTRADICTED: "red", Standing.UNVERIFIABLE: "dim"}
SplitOption = Annotated[
    Literal["dev", "test", "all"], typer.Option("--split", help="Which claims: test, those to tune on (dev), or all.")
]
HandOption = Annotated[bool, typer.Option("--hand", help="Only the claims labelled by hand: no sandbox is needed.")]
SeedOption = Annotated[int, typer.Option(help="Moves the looks that stand among the steps and decide nothing.")]


@app.callback()
def claims() -> None:
    """Hold what reports claim against the record, and measure judges of it."""


@app.command(epilog=example("journeyman claims check", "journeyman claims check runs/demo --json"))
def check(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="Run folder, or its name below ./runs. Default: the one written to last."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say of each report of a run which claims its record supports, which it contradicts, and by which steps.

    Exits with 1 when a claim is contradicted.
    """
    folder = find_run(run)
    found = {episode.id: findings_of(episode.steps) for episode in EpisodeStore(folder).episodes()}
    if as_json:
        print_json({"run": folder, "episodes": [_findings_json(*each) for each in found.items()]})
    else:
        _say_findings(found)
    if any(each.standing is Standing.CONTRADICTED for findings in found.values() for each in findings):
        raise typer.Exit(FAILED)


@app.command(epilog=example("journeyman claims bench", "journeyman claims bench --hand --split all --json"))
def bench(
    split: SplitOption = "test",
    hand: HandOption = False,
    backend: BackendOption = "auto",
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure the checker on labelled claims: precision and recall, with 95% intervals, by kind and by origin.

    The situations are played in sandboxes first, some minutes; their truth is known from how they are set up.
    """
    cases = [case for case in _cases(hand, backend, seed, shown=not as_json) if split in ("all", case.split)]
    done = judged(cases)
    groups: dict[str, Callable[[Case], str]] = {
        "by kind": lambda c: c.claim.kind,
        "by how they were made": lambda c: c.made,
    }
    whole = figures_by(cases, done.said).get("", Figures({}))
    tables = {name: figures_by(cases, done.said, key) for name, key in groups.items()}
    wrong = [
        {"id": case.id, "kind": case.claim.kind, "subject": case.claim.subject, "label": case.label, "said": said}
        for case, said in zip(cases, done.said, strict=True) if said not in (case.label, "unverifiable")
    ]  # fmt: skip
    ms = sorted(done.ms) or [0.0]
    if as_json:
        print_json({
            "split": split, **whole.to_dict(), "episodes": len(done.ms), "wrong": wrong,
            "ms": {"median": ms[len(ms) // 2], "most": ms[-1]},
            **{name: {key: each.to_dict() for key, each in table.items()} for name, table in tables.items()},
        })  # fmt: skip
        return
    _say_figures(whole, tables)
    for each in wrong:
        said = f"wrong: {each['id']} {each['kind']} {each['subject']}: {each['label']}, not {each['said']}"
        out.print(Text(line(said), "red"), soft_wrap=True)
    out.print(Text(f"{plural(len(ms), 'episode')}, median {ms[len(ms) // 2]:.2f} ms, at most {ms[-1]:.2f} ms", "dim"))


@app.command(epilog=example("journeyman claims export ./claims", "journeyman claims export ./claims --hand"))
def export(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or one that an export made.")],
    hand: HandOption = False,
    backend: BackendOption = "auto",
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Write the labelled claims as a data set with a card, so that others can measure their judges on it.

    `datasets.load_dataset` reads the folder.
    """
    counts = export_cases(_cases(hand, backend, seed, shown=not as_json), folder)
    if as_json:
        print_json({"folder": folder, "claims": counts})
        return
    told = ", ".join(f"{count} {split}" for split, count in counts.items())
    out.print(f"{plural(sum(counts.values()), 'claim')} ({told}) in {line(str(folder))}; README.md is the card")


@app.command("score", epilog=example("journeyman claims score mine.jsonl --data ./claims"))
def score_predictions(
    predictions: Annotated[
        Path,
        typer.Argument(metavar="PREDICTIONS", help='JSONL: {"id", "label", "score"?} for each claim.', dir_okay=False),
    ],
    data: Annotated[Path, typer.Option("--data", help="The data set, as `claims export` writes it.")],
    split: SplitOption = "test",
    as_json: JsonOption = False,
) -> None:
    """Measure a judge's predictions: precision, recall and F1 of each label; AUROC where every line has a score.

    A score says how sure the judge is that the claim is contradicted.
    """
    cases = [case for case in read(data) if split in ("all", case.split)]
    found = score(cases, read_predictions(predictions))
    if as_json:
        print_json({"split": split, **found.to_dict()})
    else:
        _say_figures(found, {})


def _cases(hand: bool, backend: str, seed: int, *, shown: bool) -> list[Case]:
    if hand:
        return hand_labelled()
    with (
        interruptible("nothing was written"), tempfile.TemporaryDirectory(prefix="journeyman-claims-") as folder,
        progress_bar("playing situations", COUNT, shown=shown) as advance,
    ):  # fmt: skip
        return [
            *played(Path(folder), backend=backend, seed=seed, on_done=lambda done: advance(done, COUNT, "")),
            *hand_labelled(),
        ]


def _findings_json(episode: str, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "episode": episode,
        "claims": [
            {"kind": each.claim.kind, "subject": each.claim.subject, "standing": each.standing.value,
             "evidence": each.evidence, "steps": each.steps}
            for each in findings
        ],
    }  # fmt: skip


def _say_findings(found: Mapping[str, Sequence[Finding]]) -> None:
    for episode, findings in found.items():
        if findings:
            out.print(Text(episode, "bold"))
        for each in findings:
            out.print(Text(f"  {line(str(each))}", STYLES[each.standing]), soft_wrap=True)
    told = [each.standing for findings in found.values() for each in findings]
    counts = ", ".join(f"{told.count(standing)} {standing.value}" for standing in Standing)
    silent = sum(not findings for findings in found.values())
    out.print(Text(f"{plural(len(found), 'episode')}, {silent} without a claim; {counts}", "dim"))


def _say_figures(whole: Figures, tables: Mapping[str, Mapping[str, Figures]]) -> None:
    table = plain_table("label", "precision", "recall", "F1")
    rates = whole.to_dict()["labels"]
    for label, each in rates.items():
        f1 = "–" if each["f1"] is None else f"{each['f1']:.3f}"
        table.add_row(label, str(whole.precision(label)), str(whole.recall(label)), f1)
    table.add_row("decided", str(whole.decided_precision), str(whole.decided_recall), "")
    out.print(Text(f"{plural(whole.claims, 'claim')}, {whole.accuracy} as labelled", "bold"))
    out.print(table)
    if whole.auroc is not None:
        out.print(f"AUROC {whole.auroc:.3f} (contradicted against the others)")
    for name, groups in tables.items():
        table = plain_table(name, "claims", "decided: precision", "recall", "contradicted: precision", "recall")
        for key, each in groups.items():
            four = (
                each.decided_precision, each.decided_recall, each.precision("contradicted"),
                each.recall("contradicted"),
            )  # fmt: skip
            table.add_row(key, str(each.claims), *(rate.share for rate in four))
        out.print(table)
