"""What a pass of DPO costs when the beginning that a pair shares is read once, and as TRL reads it.

    python benchmarks/preferences.py [--model smollm2-135m] [--pairs 2] [--rounds 2] [--float32] [--json]

Pairs are episodes of a bundled task, played in real sandboxes: the reference solution over one with a mistake on the
way, in the words in which the preset's models talk. Both sides take loss and gradient of the same pairs by turns, in
TRL's trainer: processor time, and how far apart loss and gradients are. `training/trl_preferences.py` says how. Goal:
1.3 times less time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the front door does

import torch
from shared_prefix import TASKS, play
from trl.trainer.dpo_config import DPOConfig

from journeyman.envs.opening import open_task
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.models import computes_in_bfloat16, load_model
from journeyman.training import trl_preferences
from journeyman.training.preference_rows import PairRow
from journeyman.training.presets import preset
from journeyman.training.tokens import TokenRow
from journeyman.training.trl_preferences import MaskedDpoTrainer, pair_columns

GOAL = 1.3
SIDES = {"once": trl_preferences.MOST_LOGITS, "whole": 0}


def pairs_of(rows: Sequence[TokenRow]) -> list[PairRow]:
    """The first, which made no mistake, over each other one."""
    return [PairRow("task", rows[0], other) for other in rows[1:]]


def trainer_of(
    model: Any, tokenizer: Any, pairs: Sequence[PairRow], scratch: Path, *, float32: bool
) -> MaskedDpoTrainer:
    on_cpu = model.device.type == "cpu"
    settings = DPOConfig(
        output_dir=str(scratch), per_device_train_batch_size=len(pairs), max_length=None, report_to="none",
        use_cpu=on_cpu, bf16=not float32 and (not on_cpu or computes_in_bfloat16()), precompute_ref_log_probs=True,
        activation_checkpointing=False, disable_tqdm=True, dataloader_pin_memory=not on_cpu,
    )  # fmt: skip
    return MaskedDpoTrainer(
        model=model, args=settings, pad_token_id=tokenizer.pad_token_id, train_dataset=pair_columns(pairs),
        processing_class=tokenizer,
    )  # fmt: skip


def step(side: str, trainer: Any, batch: Any) -> tuple[float, torch.Tensor, list[torch.Tensor]]:
    """Seconds of the processor, the loss, and the gradients."""
    trl_preferences.MOST_LOGITS = SIDES[side]
    trainer.model.zero_grad(set_to_none=True)
    start = time.process_time()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return time.process_time() - start, loss.detach(), [weight.grad for weight in trainer.model.parameters()]


def measured(trainer: Any, rounds: int) -> dict[str, Any]:
    """Medians over pairs of passes, and the largest differences."""
    batch = trainer._prepare_inputs(trainer.data_collator(list(trainer.train_dataset)))
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    loss_apart, gradients_apart = 0.0, 0.0
    for number in range(rounds):
        losses, gradients = {}, {}
        for side in sorted(SIDES, reverse=bool(number % 2)):
            taken, losses[side], gradients[side] = step(side, trainer, batch)
            seconds[side].append(taken)
        loss_apart = max(loss_apart, float((losses["once"] - losses["whole"]).abs()))
        pairs = list(zip(gradients["once"], gradients["whole"], strict=True))
        off = sum(float((a - b).double().pow(2).sum()) for a, b in pairs)
        gradients_apart = max(gradients_apart, (off / sum(float(b.double().pow(2).sum()) for _, b in pairs)) ** 0.5)
    return {
        "cpu_s_whole": round(median(seconds["whole"]), 2),
        "cpu_s_once": round(median(seconds["once"]), 2),
        "cpu_ratio": round(median(a / b for a, b in zip(seconds["whole"], seconds["once"], strict=True)), 2),
        "loss_apart": loss_apart,
        "gradients_apart": gradients_apart,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--preset", default="small", help="what the model is shown, and how it talks")
    parser.add_argument("--pairs", type=int, default=2, help="of a batch")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="compute in it, to see that both sides are the same")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    model, tokenizer = load_model(arguments.model, to_train=True)
    model.train()
    chat, settings = ChatTemplate(tokenizer), preset(arguments.preset)
    with tempfile.TemporaryDirectory() as scratch:
        rows = play(open_task(TASKS[0]), chat, settings, arguments.pairs + 1, Path(scratch))
        trainer = trainer_of(model, tokenizer, pairs_of(rows), Path(scratch) / "trainer", float32=arguments.float32)
        result = {
            "computed_in": "float32" if arguments.float32 or not trainer.args.bf16 else "bfloat16",
            "machine": f"{os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}",
            "model": arguments.model, "pairs": len(rows) - 1, "rounds": arguments.rounds,
            "tokens_of_rows": [len(row.ids) for row in rows],
            **measured(trainer, arguments.rounds),
        }  # fmt: skip
    if arguments.json:
        print(json.dumps(result))
        return
    print("\n".join(f"{name:<30} {value}" for name, value in result.items()))
    print(f"{'goal':<30} {GOAL} times less time: {'kept' if result['cpu_ratio'] >= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
