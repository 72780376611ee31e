"""`journeyman train dpo`, `kto` and `reward`: what tells better episodes from worse ones becomes weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from journeyman.cli_common import CannotError, JsonOption, example, find_run, finite
from journeyman.cli_train import (
    LoraOption,
    ModelOption,
    OutOption,
    PresetOption,
    SeedOption,
    app,
    needs_training,
    reporting,
    say_trained,
)
from journeyman.cli_train_feedback import FeedbackOption, open_feedback
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import load_tokenizer
from journeyman.terminal import out as screen
from journeyman.training.feedback.calibration import told
from journeyman.training.feedback.compiled import Compiled
from journeyman.training.feedback.features import FeatureSettings, train_features
from journeyman.training.feedback.gate import GateSettings, shortfalls
from journeyman.training.feedback.noted import note_preferences
from journeyman.training.feedback.provenance import Use
from journeyman.training.lineage import played, remember
from journeyman.training.preference_rows import label_rows, pair_rows
from journeyman.training.preference_run import PreferenceRun, split
from journeyman.training.preferences import (
    Label,
    Preference,
    PreferenceSettings,
    labels_of,
    labels_with,
    pairs_of,
    pairs_with,
    reasons,
)
from journeyman.training.presets import preset as preset_named

EpisodesOption = Annotated[
    list[Path] | None, typer.Option(help="Run folders, good and bad episodes alike; may be given several times.")
]
RateOption = Annotated[float, typer.Option(min=0, callback=finite, help="Peak of the schedule.")]
EpochsOption = Annotated[float, typer.Option(min=0, callback=finite, help="Passes over the rows.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Pairs (or labelled episodes) in one optimiser step.")]
MicroOption = Annotated[int, typer.Option(min=1, help="Of those, so many in one forward and backward pass.")]
LengthOption = Annotated[int, typer.Option(min=1, help="Rows with a longer episode are left out, in tokens.")]
HeldOutOption = Annotated[
    float, typer.Option(min=0, max=0.9, help="Share of the tasks that are measured by, not trained on.")
]
BetaOption = Annotated[float, typer.Option(min=0.001, help="How dear it is to leave the model as it was.")]
MarginOption = Annotated[float, typer.Option(min=0.01, help="The least difference of rewards that counts.")]
PerTaskOption = Annotated[
    int, typer.Option(min=1, help="At most so many pairs of a task, or labelled episodes of either kind.")
]
CutOption = Annotated[
    bool, typer.Option("--cut-as-worse", help="Episodes that a limit cut short count as worse ones; else not at all.")
]


@app.command(epilog=example("journeyman train dpo --model runs/sft/model --episodes runs/mine --out runs/dpo"))
def dpo(
    out: OutOption,
    episodes: EpisodesOption = None,
    feedback: FeedbackOption = None,
    model: ModelOption = "smollm2-135m",
    preset: PresetOption = "small",
    learning_rate: RateOption = 5e-6,
    epochs: EpochsOption = 1.0,
    batch_size: BatchOption = 8,
    micro_batch: MicroOption = 2,
    max_length: LengthOption = 1024,
    beta: BetaOption = 0.1,
    held_out: HeldOutOption = 0.2,
    min_margin: MarginOption = 0.25,
    per_task: PerTaskOption = 8,
    cut_as_worse: CutOption = False,
    lora_rank: LoraOption = 0,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Make better episodes of a task likelier than worse ones, by TRL's DPO; only what the policy wrote counts."""
    needs_training()
    from journeyman.training.dpo import DpoSettings, train_dpo

    settings = DpoSettings(
        learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, micro_batch=micro_batch, beta=beta,
        max_length=max_length, lora_rank=lora_rank, held_out=held_out, seed=seed,
    )  # fmt: skip
    said = open_feedback(feedback, episodes)
    found = pairs_of(_read(episodes), PreferenceSettings(min_margin, per_task, cut_as_worse))
    found = pairs_with(said.preferences(), found) if said else found
    rows = pair_rows(found, _chat(model), dialect(preset_named(preset).local.dialect))
    with reporting() as stage:
        folder = train_dpo(model, rows, out, settings, stage("DPO"))
    _note(folder, found.found, rows.within(max_length).rows, settings, said)
    _finish(folder, found.found, as_json=as_json)


@app.command(epilog=example("journeyman train kto --model runs/sft/model --episodes runs/mine --out runs/kto"))
def kto(
    out: OutOption,
    episodes: EpisodesOption = None,
    feedback: FeedbackOption = None,
    model: ModelOption = "smollm2-135m",
    preset: PresetOption = "small",
    learning_rate: RateOption = 5e-6,
    epochs: EpochsOption = 1.0,
    batch_size: BatchOption = 8,
    micro_batch: Annotated[
        int, typer.Option(min=2, help="Of those, so many in one pass; the KL term is estimated among them.")
    ] = 4,
    max_length: LengthOption = 1024,
    beta: BetaOption = 0.1,
    held_out: HeldOutOption = 0.2,
    desirable_from: Annotated[
        float, typer.Option(min=0.01, max=1, help="Episodes that earned as much are good.")
    ] = 1.0,
    min_margin: MarginOption = 0.25,
    per_task: PerTaskOption = 8,
    cut_as_worse: CutOption = False,
    lora_rank: LoraOption = 0,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Make good episodes likelier and bad ones less, without pairs, by TRL's KTO; only what the policy wrote counts."""
    needs_training()
    from journeyman.training.kto import KtoSettings, train_kto

    settings = KtoSettings(
        learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, micro_batch=micro_batch, beta=beta,
        max_length=max_length, lora_rank=lora_rank, held_out=held_out, seed=seed,
    )  # fmt: skip
    said = open_feedback(feedback, episodes)
    found = labels_of(_read(episodes), PreferenceSettings(min_margin, per_task, cut_as_worse, desirable_from))
    found = labels_with(said.labels(), found) if said else found
    rows = label_rows(found, _chat(model), dialect(preset_named(preset).local.dialect))
    with reporting() as stage:
        folder = train_kto(model, rows, out, settings, stage("KTO"))
    _note(folder, found.found, rows.within(max_length).rows, settings, said)
    _finish(folder, found.found, as_json=as_json)


@app.command(epilog=example("journeyman train reward --model runs/sft/model --episodes runs/mine --out runs/reward"))
def reward(
    out: OutOption,
    episodes: EpisodesOption = None,
    feedback: FeedbackOption = None,
    model: ModelOption = "smollm2-135m",
    preset: PresetOption = "small",
    learning_rate: RateOption = 2e-5,
    epochs: EpochsOption = 1.0,
    batch_size: BatchOption = 8,
    micro_batch: MicroOption = 2,
    max_length: LengthOption = 1024,
    held_out: HeldOutOption = 0.2,
    min_margin: MarginOption = 0.25,
    per_task: PerTaskOption = 8,
    cut_as_worse: CutOption = False,
    lora_rank: LoraOption = 0,
    kind: Annotated[
        str, typer.Option(help="tokens: a language model that reads episodes; features: a few counts of the record.")
    ] = "tokens",
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a reward model, which scores whole episodes: a learned opinion, never a verdict."""
    needs_training()
    from journeyman.training.reward_model import RewardSettings, train_reward

    if kind not in ("tokens", "features"):
        raise CannotError(f"no kind {kind!r} of reward model; there are: tokens, features")
    notation = preset_named(preset).local.dialect
    settings = RewardSettings(
        learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, micro_batch=micro_batch,
        max_length=max_length, lora_rank=lora_rank, held_out=held_out, seed=seed, notation=notation,
    )  # fmt: skip
    said = open_feedback(feedback, episodes)
    found = pairs_of(_read(episodes), PreferenceSettings(min_margin, per_task, cut_as_worse))
    found = pairs_with(said.preferences(), found) if said else found
    with reporting() as stage:
        if kind == "features":
            folder = train_features(found, out, FeatureSettings(held_out, seed))
            _note(folder, found.found, found.found, settings, said)
        else:
            rows = pair_rows(found, _chat(model), dialect(notation))
            folder = train_reward(model, rows, out, settings, stage("Reward model"))
            _note(folder, found.found, rows.within(max_length).rows, settings, said)
    _finish(folder, found.found, as_json=as_json, acts=False)


def _read(runs: Sequence[Path] | None) -> list[Episode]:
    return [episode for run in runs or () for episode in EpisodeStore(find_run(run)).episodes()]


def _chat(model: str) -> ChatTemplate:
    return ChatTemplate(load_tokenizer(model))


def _note(
    folder: Path,
    found: Sequence[Preference | Label],
    rows: Sequence[Any],
    settings: PreferenceRun,
    said: Compiled | None,
) -> None:
    """Keep whose judgements were trained on, and by which the model was measured alone.

    Args:
        rows: those of `found` that were used, by name and task.
    """
    trained, apart = split(rows, settings)
    uses: dict[str, Use] = {row.name: "trained" for row in trained} | {row.name: "held out" for row in apart}
    note_preferences(folder.parent, found, uses, said)


def _finish(folder: Path, found: Sequence[Preference | Label], *, as_json: bool, acts: bool = True) -> None:
    """Note what was trained on, and say how it went."""
    of = [each.chosen if isinstance(each, Preference) else each.episode for each in found]
    report = json.loads((folder.parent / "done.json").read_text())
    remember(folder.parent, played(of), report["settings"]["model"])
    if not as_json:
        for part in ("trained", "held_out"):
            said = [f"{name} {value:.3g}" for name, value in (report[part] or {}).items() if value is not None]
            line = f"{part}: {', '.join(said) or 'nothing'}".replace("_", " ")
            screen.print(line, soft_wrap=True, highlight=False, markup=False)
        if "calibration" in report:
            missed = shortfalls(report["calibration"], GateSettings())
            lines = told(report["calibration"]) if report["calibration"] else []
            gate = f"may not enter training: {'; '.join(missed)}" if missed else "may enter training (--reward-model)"
            for line in (*lines, gate):
                screen.print(line, soft_wrap=True, highlight=False, markup=False)
        if report["left_out"]:
            screen.print(f"left out: {reasons(report['left_out'])}", soft_wrap=True, highlight=False, markup=False)
    if as_json or acts:
        say_trained(folder, as_json)
    else:
        screen.print(f"reward model: {folder}", soft_wrap=True, highlight=False, markup=False)
