"""`journeyman feedback refine`: try again what was criticised, and keep what the tests confirm."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from journeyman.cli_common import (
    BackendOption,
    CannotError,
    JsonOption,
    example,
    find_run,
    interruptible,
    print_json,
)
from journeyman.cli_feedback import GuidelineOption, feedback_app, judged_in
from journeyman.cli_run import policy_of
from journeyman.cli_task import sandboxes_of
from journeyman.cli_train import reporting
from journeyman.cli_train_lessons import say_lessons, task_finder
from journeyman.envs.store import EpisodeStore
from journeyman.policies.registry import POLICIES
from journeyman.training.corrections import Collected
from journeyman.training.feedback.refine import CRITIQUES, refine


@feedback_app.command(
    "refine",
    epilog=example(
        "journeyman feedback refine runs/own --policy local:runs/sft/model",
        "journeyman feedback refine runs/own --policy local:runs/sft/model --tries 4 --from-start",
    ),
)
def refine_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder with feedback, or its name below ./runs.")],
    policy: Annotated[str, typer.Option(help=f"Who tries again: {', '.join(POLICIES)}.")],
    out_run: Annotated[
        Path | None, typer.Option("--out", help="Run folder for the refinements. Default: RUN-refined.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Try from the beginning; else from before the criticised step.")
    ] = False,
    tries: Annotated[int, typer.Option(min=1, max=64, help="Tries of each, with other seeds.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Episodes in flight.")] = 4,
    guideline: GuidelineOption = None,
    task: Annotated[str | None, typer.Option(help="Task folder, where the records name none.")] = None,
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Let a policy try again with the critiques before it, and keep what earns more than before, by the same tests.

    What is kept is an episode without the critiques: `train sft` on it teaches to do so unasked. Each names the
    critiques that it comes from. Run again, it goes on; what rests on critiques that were taken back is taken out.
    """
    folder = find_run(run)
    to = out_run or folder.with_name(f"{folder.name}-refined")
    if to.resolve() == folder.resolve():
        raise CannotError("--out: give another folder than the run's; a refinement stands apart from what it refines")
    store = EpisodeStore(folder)
    episodes = list(store.episodes())
    _, judged = judged_in(store, guideline or ())
    with interruptible(f"what was played is kept in {to}; the same command goes on"), reporting() as stage:
        made = refine(
            episodes, judged, task_finder(task), partial(policy_of, policy), backend=sandboxes_of(backend), out=to,
            from_start=from_start, tries=tries, concurrency=concurrency, progress=stage("Refinements"),
        )  # fmt: skip
    _say(made, to, as_json)


def _say(made: Collected, to: Path, as_json: bool) -> None:
    if as_json:
        rows = [{"id": each.id, "critiques": each.versions[CRITIQUES].split(",")} for each in made.episodes]
        print_json({"run": to, "episodes": rows, "left_out": made.left_out})
        return
    say_lessons(made, "refinement", to)
