"""A reward model: it learns from pairs of episodes to tell the better one, by TRL's trainer (Bradley and Terry 1952).

Its scores are a learned opinion, not a verdict: they may rank episodes or be a bounded term of a reward, and nothing is
ever graded by them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PrinterCallback
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from journeyman.envs.episode import Episode
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.memory import gives_memory_back, keep_freed_memory
from journeyman.policies.models import ModelError, load_tokenizer, model_path
from journeyman.training.checkpoint import RunFolder
from journeyman.training.feedback.calibration import Margin, calibrate
from journeyman.training.finite import Finite
from journeyman.training.preference_rows import PairRow, Rows, conversation
from journeyman.training.preference_run import PreferenceRun, arguments, digest, history, split
from journeyman.training.progress import Progress, silent
from journeyman.training.sft import MarkWhole, ProgressCallback, adapters, finish
from journeyman.training.tokens import TokenRow


@dataclass(frozen=True, slots=True)
class RewardSettings(PreferenceRun):
    """The defaults suit SmolLM2-135M on a CPU."""

    learning_rate: float = 2e-5
    notation: str = "lines"
    """The dialect that episodes are read in, also when they are scored."""

    def __post_init__(self) -> None:
        PreferenceRun.__post_init__(self)
        dialect(self.notation)  # a wrong name is said at once


@gives_memory_back
def train_reward(
    model: str,
    rows: Rows[PairRow],
    out: Path | str,
    settings: RewardSettings | None = None,
    progress: Progress = silent,
) -> Path:
    """Train a model that scores whole episodes and return its folder. Run again, it resumes or is done at once.

    Raises:
        ModelError: the model cannot be loaded.
        NoPreferencesError: there are no pairs, or none is short enough.
        TrainingError: most of a single task was to be held out.
        RunFolderError: `out` holds a run with other settings.
    """
    settings = settings or RewardSettings()
    kept = rows.within(settings.max_length)
    trained, apart = split(kept.rows, settings)
    folder = RunFolder(out, {"model": model, "rows": digest(kept.rows), **asdict(settings)})
    if folder.open():
        progress(1, 1, "done before")
        return folder.model
    tokenizer = load_tokenizer(model)
    on_gpu = torch.cuda.is_available()
    keep_freed_memory()
    columns = {side: [list(getattr(row, side).ids) for row in trained] for side in ("chosen", "rejected")}
    trainer = RewardTrainer(
        model=model_path(model),
        args=RewardConfig(
            **arguments(folder, settings, len(trained), on_cpu=not on_gpu),
            model_init_kwargs={"dtype": "bfloat16" if on_gpu and settings.lora_rank else "float32"},  # as `load_model`
        ),
        train_dataset=Dataset.from_dict({f"{side}_ids": ids for side, ids in columns.items()}),
        processing_class=tokenizer,
        peft_config=_adapters(settings.lora_rank),
        callbacks=[ProgressCallback(progress), Finite(), MarkWhole()],
    )
    trainer.remove_callback(PrinterCallback)
    parts = {"trained": trained, "held_out": apart}
    first = trainer.accelerator.is_main_process  # only it has the weights yet, where each will hold a part of them
    before = {name: _margins(trainer, part, settings) if first else [] for name, part in parts.items()}
    trainer.train(resume_from_checkpoint=folder.last_checkpoint())
    margins = {name: _margins(trainer, part, settings) for name, part in parts.items()}
    measured = {name: _measured(part, before[name], margins[name]) for name, part in parts.items()}
    told = calibrate([Margin(row.task, margin, row.by) for row, margin in zip(apart, margins["held_out"], strict=True)])
    report = {
        **measured, "calibration": told.to_dict() if told else None, "left_out": kept.left_out,
        "history": history(trainer.state.log_history),
    }  # fmt: skip
    return finish(trainer, folder, report)


class RewardModel:
    """A reward model in memory.

    Args:
        folder: of a model that `train_reward` made.

    Raises:
        ModelError: there is no reward model.
    """

    def __init__(self, folder: Path | str) -> None:
        place = Path(folder)
        try:
            notation = str(json.loads((place.parent / "settings.json").read_text())["notation"])
            tokenizer = AutoTokenizer.from_pretrained(place)
            model: Any = AutoModelForSequenceClassification.from_pretrained(place)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{folder}: no reward model ({error}); `journeyman train reward` makes one") from error
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._chat, self._dialect = ChatTemplate(tokenizer), dialect(notation)
        self.reads = int(model.config.max_position_embeddings)
        """Tokens, at most."""

    def scores(self, episodes: Sequence[Episode], *, batch_size: int = 8) -> list[float | None]:
        """As `score`; None of an episode that is longer than it can read."""
        rows = [conversation(episode, self._chat, self._dialect) for episode in episodes]
        short = [number for number, row in enumerate(rows) if len(row.ids) <= self.reads]
        pad = self._chat.tokenizer.pad_token_id
        values = _scores(self._model, [rows[number] for number in short], pad, batch_size)
        found = dict(zip(short, values, strict=True))
        return [found.get(number) for number in range(len(rows))]


def score(folder: Path | str, episodes: Sequence[Episode], *, batch_size: int = 8) -> list[float]:
    """What a reward model makes of episodes: any numbers, higher is better, comparable within one task at most.

    Args:
        folder: of a model that `train_reward` made.

    Raises:
        ModelError: there is no reward model, or an episode is longer than it can read.
    """
    model = RewardModel(folder)
    found = []
    for episode, value in zip(episodes, model.scores(episodes, batch_size=batch_size), strict=True):
        if value is None:
            raise ModelError(f"episode {episode.id} has more tokens than the {model.reads} that the reward model reads")
        found.append(value)
    return found


def _adapters(rank: int) -> LoraConfig | None:
    """Those of other trainings, with the new head trained whole."""
    config = adapters(rank)
    if config is not None:
        config.task_type = TaskType.SEQ_CLS
    return config


def _margins(trainer: Any, rows: Sequence[PairRow], settings: RewardSettings) -> list[float]:
    """By how much each better one has the higher score."""
    model = trainer.model.eval()
    sides = [row.sides[side] for side in (0, 1) for row in rows]
    with trainer.accelerator.autocast():
        scores = _scores(model, sides, trainer.processing_class.pad_token_id, settings.micro_batch)
    return [better - worse for better, worse in zip(scores[: len(rows)], scores[len(rows) :], strict=True)]


def _measured(rows: Sequence[PairRow], before: Sequence[float], after: Sequence[float]) -> dict[str, float] | None:
    """In which share of pairs the better one has the higher score, and by how much on average; None without any."""
    if not rows:
        return None
    found: dict[str, float] = {"pairs": len(rows), "tasks": len({row.task for row in rows})}
    for when, margins in (("before", before), ("after", after)):
        found[f"accuracy_{when}"] = sum(margin > 0 for margin in margins) / len(rows)
        found[f"margin_{when}"] = sum(margins) / len(rows)
    return found


def _scores(model: Any, rows: Sequence[TokenRow], pad_token_id: int, batch_size: int) -> list[float]:
    found: list[float] = []
    for start in range(0, len(rows), batch_size):
        part = [torch.tensor(row.ids) for row in rows[start : start + batch_size]]
        ids_B_S = pad_sequence(part, batch_first=True, padding_value=pad_token_id)
        mask_B_S = pad_sequence([torch.ones_like(ids) for ids in part], batch_first=True)
        with torch.no_grad():
            read = model(input_ids=ids_B_S.to(model.device), attention_mask=mask_B_S.to(model.device), use_cache=False)
        found += read.logits[:, 0].float().tolist()
    return found
