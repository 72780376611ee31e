"""`journeyman feedback compile`: what people said becomes the rows that training eats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import JsonOption, example, find_run, print_json
from journeyman.cli_feedback import GuidelineOption, feedback_app, guidelines_of
from journeyman.cli_train import reporting
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.terminal import line, out
from journeyman.training.feedback.compile import compile_feedback

WHAT = {
    "pairs.jsonl": "better and worse episodes, for train dpo and reward",
    "labels.jsonl": "good and bad episodes, for train kto",
    "steps.jsonl": "what steps were worth, for train grpo",
    "scores.jsonl": "how good episodes are, for train grpo",
    "corrected.jsonl": "what should have been done, for train sft",
    "claims.jsonl": "whether what reports claim is true",
}


@feedback_app.command(
    "compile",
    epilog=example(
        "journeyman feedback compile runs/mine --out runs/feedback",
        "journeyman feedback compile runs/mine runs/theirs --guideline conduct.toml --out runs/feedback",
    ),
)
def compile_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or their names below ./runs.")],
    to: Annotated[Path, typer.Option("--out", help="Folder of the rows; what was compiled there before is replaced.")],
    guideline: GuidelineOption = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Take what programs said in the place of people, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make of what people said the rows that training eats; every row names its sources.

    Of what annotators say differently an adjudication decides, else the majority; a tie is left out. What is in no row
    is listed with the reason in OUT/left_out.jsonl.
    """
    folders = list(dict.fromkeys(find_run(run) for run in runs))
    for folder in folders:
        FeedbackLog(folder).read()  # what cannot be read is said before a bar is drawn
    with reporting() as stage:
        made = compile_feedback(
            folders, to, guidelines_of(guideline or ()), simulated=simulated, progress=stage("Feedback")
        )
    if as_json:
        print_json({"out": to, **made.model_dump(mode="json")})
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    for name, about in WHAT.items():
        file = made.files[name]
        said = f"{about} ({file.simulated} simulated)" if file.simulated else about
        table.add_row(str(file.rows), name, said)
    out.print(table, highlight=False)
    _say_left_out(made.left_out)
    for id_ in made.undecided:
        out.print(Text(f"good and bad at once, so neither: {id_}"), soft_wrap=True)
    heard = sum(run.entries for run in made.runs)
    out.print(f"compiled from {heard} lines of feedback: {to}", soft_wrap=True, highlight=False, markup=False)
    if not any(made.files[name].rows for name in WHAT):
        hint = "no rows: `journeyman review RUN` or `journeyman feedback add` says something of episodes"
        out.print(Text(hint, "yellow"), soft_wrap=True)


def _say_left_out(why: Mapping[str, int]) -> None:
    if why:
        said = ", ".join(f"{reason}: {count}" for reason, count in why.items())
        out.print(Text(line(f"left out: {said}")), soft_wrap=True)
