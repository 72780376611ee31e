"""`journeyman train sft`: which episodes are learned from, then supervised fine-tuning on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, example, find_run, finite
from journeyman.cli_train import (
    LoraOption,
    ModelOption,
    OutOption,
    PresetOption,
    SeedOption,
    TrackOption,
    app,
    needs_training,
    reporting,
    say_trained,
)
from journeyman.cli_train_feedback import FeedbackOption, open_feedback
from journeyman.envs.store import EpisodeStore
from journeyman.terminal import err, line, plural
from journeyman.training.feedback.noted import note_imitated
from journeyman.training.lineage import played
from journeyman.training.presets import preset as preset_named
from journeyman.training.selection import PER_TASK, Distinct, Selection, Why, select

EpisodesOption = Annotated[list[Path], typer.Option(help="Run folders; may be given several times.")]


@app.command(
    epilog=example(
        "journeyman train sft --model smollm2-135m --episodes runs/oracle --out runs/sft",
        "journeyman train sft --episodes runs/own --episodes runs/corrections --per-task 8 --packing --out runs/sft",
    )
)
def sft(
    out: OutOption,
    episodes: Annotated[list[Path] | None, typer.Option(help="Run folders; may be given several times.")] = None,
    feedback: FeedbackOption = None,
    model: ModelOption = "smollm2-135m",
    preset: PresetOption = "small",
    per_task: Annotated[
        int, typer.Option(min=0, help="The best episodes of each task, and as many recoveries; 0 takes all.")
    ] = PER_TASK,
    distinct: Annotated[
        Distinct, typer.Option(help="When two are the same: they did the same, or left the same files.")
    ] = Distinct.ACTIONS,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Imported trajectories too, which no grader here saw.")
    ] = False,
    diagnose: Annotated[
        bool, typer.Option("--diagnose/--no-diagnose", help="Say what was wrong before mending it, where it fits.")
    ] = False,
    learning_rate: Annotated[float, typer.Option(min=0, callback=finite, help="Peak of the schedule.")] = 2e-4,
    epochs: Annotated[float, typer.Option(min=0, callback=finite, help="Passes over the episodes.")] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Episodes (or packed rows) in one optimiser step.")] = 4,
    max_length: Annotated[int, typer.Option(min=1, help="Longer episodes are left out, in tokens.")] = 1024,
    packing: Annotated[bool, typer.Option("--packing", help="Several episodes in a row, kept apart.")] = False,
    lora_rank: LoraOption = 0,
    seed: SeedOption = 0,
    track: TrackOption = "none",
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on the best verified episodes; only what the policy wrote enters the loss.

    Of each task the best are taken: by reward, then the shorter ones, then those with fewer refused calls; and as many
    that went wrong first and recovered. What was left out, and why, is printed and kept in OUT/done.json.
    """
    needs_training()
    from journeyman.training.sft import SftSettings, is_learned, rows_of, train_sft

    settings = SftSettings(learning_rate, epochs, batch_size, max_length, lora_rank, seed=seed, packing=packing)
    said = open_feedback(feedback, episodes)
    corrected = said.imitated() if said else []
    found = (episode for run in episodes or () for episode in EpisodeStore(find_run(run)).episodes())
    chosen = select(found, per_task=per_task or None, distinct=distinct, unverified=unverified)
    if not chosen.episodes and not corrected:
        raise CannotError(_why_nothing(chosen))
    local = preset_named(preset).local
    shown = [*chosen.episodes, *(each.episode for each in corrected)]
    limit = local.max_turn_tokens
    rows = rows_of(chosen.episodes, model, local.dialect, diagnose=diagnose, max_turn_tokens=limit, corrected=corrected)
    with reporting() as stage:
        folder = train_sft(
            model, rows, out, settings, stage("Supervised fine-tuning"), chosen.left_out, track=track,
            of=played(shown),
        )  # fmt: skip
    learned = [is_learned(row, settings) for row in rows]
    note_imitated(folder.parent, chosen.episodes, corrected, learned, said)
    if not as_json:
        report = json.loads((folder.parent / "done.json").read_text())
        total = report["episodes"] + sum(report["left_out_why"].values())
        err.print(f"learned from {report['episodes']} of {plural(total, 'episode')}", highlight=False)
        say_left_out(report["left_out_why"])
    say_trained(folder, as_json)


def _why_nothing(chosen: Selection) -> str:
    if not chosen.considered:
        return "there are no episodes to learn from: --episodes names runs without any that can be read"
    why = ", ".join(f"{count} {reason}" for reason, count in chosen.left_out.items())
    mend = "; --unverified takes imported ones" if str(Why.UNVERIFIED) in chosen.left_out else ""
    return f"none of {plural(chosen.considered, 'episode')} is to be learned from: {why}{mend}"


def say_left_out(why: Mapping[str, int]) -> None:
    """How many episodes were left out for which reason, on stderr."""
    if not why:
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    for reason, count in why.items():
        table.add_row(str(count), Text(line(reason)))
    err.print("left out:")
    err.print(table, highlight=False)
