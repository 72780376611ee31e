"""How a round learns from what people said besides imitating: by preferences, in rewards, and by a reward model.

OUT/dpo/       direct preference optimisation on people's pairs
OUT/reward/    a reward model of them; it has a part in GRPO only above its gate, and none any more after an alarm
OUT/grpo/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from journeyman.envs.config import EnvConfig
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.models import load_tokenizer
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import write_json
from journeyman.training.dpo import DpoSettings, train_dpo
from journeyman.training.feedback.compiled import Voices
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.feedback.features import FeatureSettings, train_features
from journeyman.training.feedback.gate import GateError, require_gate
from journeyman.training.feedback.learned import RewardUse
from journeyman.training.feedback.noted import note_preferences, note_voices
from journeyman.training.feedback.provenance import Use
from journeyman.training.feedback.rows import ScoreOf, StepOf
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.lineage import played, remember
from journeyman.training.preference_rows import pair_rows
from journeyman.training.preference_run import PreferenceRun, split
from journeyman.training.preferences import NoPreferencesError, Pairs, Preference
from journeyman.training.progress import Progress
from journeyman.training.reward_model import RewardSettings, train_reward
from journeyman.training.round_feedback import Said

ALARM = "alarm.json"
Announce = Callable[[str], Progress]


def prefer(
    model: str, said: Said | None, out: Path, settings: DpoSettings, local: LocalSettings, stage: Announce
) -> tuple[Path | None, str]:
    """Make what people prefer likelier, by DPO: the new model and a sentence about it, or None and why not."""
    found = said.preferences() if said else []
    if said is None or not found:
        return None, "DPO: nobody preferred one episode of a task to another, so there is nothing to learn by it."
    try:
        rows = pair_rows(Pairs(tuple(found), {}), ChatTemplate(load_tokenizer(model)), dialect(local.dialect))
        folder = train_dpo(model, rows, out, settings, stage("DPO"))
        kept = rows.within(settings.max_length).rows
    except NoPreferencesError as error:
        return None, f"DPO: {error}."
    trained = _note(folder, found, kept, settings, said, model)
    return folder, f"DPO: {trained} of {len(found)} pairs were trained on."


def grpo_on(
    model: str,
    tasks: Sequence[Task],
    out: Path,
    said: Said | None,
    told: list[str],
    stage: Announce,
    *,
    backend: SandboxFactory,
    settings: GrpoSettings,
    local: LocalSettings,
    config: EnvConfig,
    reward: RewardSettings | FeatureSettings | None,
) -> Path:
    """GRPO, with what people scored in its reward, and a reward model of what they prefer if `reward` asks for one.

    Args:
        told: what became of either is added to it.
    """
    heard = _voices(said, settings, told)
    use = _reward_use(model, said, out, reward, settings, told, stage) if reward is not None else None
    alarm = out / ALARM
    if use is not None and alarm.is_file():
        use = None

    def train(use: RewardUse | None) -> Path:
        return train_grpo(
            model, tasks, out / "grpo", backend=backend, settings=settings, local=local, config=config,
            progress=stage("GRPO"), outside=heard, reward=use,
        )  # fmt: skip

    try:
        folder = train(use)
    except DriftAlarmError as error:
        write_json(alarm, str(error))
        folder = train(None)
    if alarm.is_file():
        told.append(f"GRPO: the reward model was stopped in mid-run, and had no part after that: {_read(alarm)}.")
    if heard is not None and said is not None:
        note_voices(folder.parent, said.compiled)
    return folder


def _read(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8")))


def _voices(said: Said | None, settings: GrpoSettings, told: list[str]) -> Voices | None:
    """What people scored, as a part of the reward."""
    if said is None:
        return None
    scores, steps = said.compiled.rows(ScoreOf, "scores.jsonl"), said.compiled.rows(StepOf, "steps.jsonl")
    if not scores and not steps:
        return None
    rows = f"{len(scores)} scores and {len(steps)} judgements of steps"
    if settings.hybrid is None or not settings.hybrid.learned:
        told.append(f"GRPO: {rows} have no part, for the plan's reward is what the grader decided alone.")
        return None
    told.append(f"GRPO: {rows} have a bounded part in the reward of episodes that did the same.")
    return Voices(said.compiled)


def _reward_use(
    model: str,
    said: Said | None,
    out: Path,
    settings: RewardSettings | FeatureSettings,
    grpo: GrpoSettings,
    told: list[str],
    stage: Announce,
) -> RewardUse | None:
    """A reward model of what people prefer, in this round and before; None where it may have no part."""
    if grpo.hybrid is None or not grpo.hybrid.learned:
        told.append("Reward model: none was trained, for the plan's reward is what the grader decided alone.")
        return None
    found = said.compiled.preferences() if said else []
    if said is None or not found:
        told.append("Reward model: nobody preferred one episode of a task to another, so none was trained.")
        return None
    pairs = Pairs(tuple(found), {})
    try:
        if isinstance(settings, FeatureSettings):
            folder = train_features(pairs, out / "reward", settings)
            _note(folder, found, found, settings.run, said, model)
        else:
            rows = pair_rows(pairs, ChatTemplate(load_tokenizer(model)), dialect(settings.notation))
            folder = train_reward(model, rows, out / "reward", settings, stage("Reward model"))
            _note(folder, found, rows.within(settings.max_length).rows, settings, said, model)
        require_gate(folder)
    except (NoPreferencesError, GateError) as error:
        told.append(f"Reward model: it has no part: {error}.")
        return None
    told.append("Reward model: above its gate, so it has a bounded part in the reward.")
    return RewardUse(folder)


def _note(
    folder: Path,
    found: Sequence[Preference],
    rows: Sequence[Any],
    settings: PreferenceRun,
    said: Said,
    model: str,
) -> int:
    """Keep whose judgements were trained on, and of which tasks; how many those are.

    Args:
        rows: those of `found` that were used, by name and task.
    """
    trained, apart = split(rows, settings)
    uses: dict[str, Use] = {row.name: "trained" for row in trained} | {row.name: "held out" for row in apart}
    note_preferences(folder.parent, found, uses, said.compiled)
    remember(folder.parent, played([each.chosen for each in found]), model)
    return len(trained)
