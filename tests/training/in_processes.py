"""What each of several processes does in `test_processes.py`: `python -m tests.training.in_processes WHAT FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType

from journeyman.envs.opening import open_backend
from journeyman.policies.models import load_model
from journeyman.training import grpo
from journeyman.training.checkpoint import RunFolder
from journeyman.training.dpo import DpoSettings, train_dpo
from journeyman.training.feedback.drift import DriftAlarmError, DriftSettings
from journeyman.training.feedback.learned import RewardUse
from journeyman.training.groups import Collected
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.kto import KtoSettings, train_kto
from journeyman.training.presets import preset
from journeyman.training.processes import this_process
from journeyman.training.reward_model import RewardSettings, train_reward
from journeyman.training.sft import SftSettings, adapters, save_model, train_sft
from journeyman.training.trl_rollouts import make_grpo_trainer
from tests.making import tiny_project, tiny_task
from tests.training.feedback.test_learned import contrary, reward_model
from tests.training.preferring import labelled, pairs
from tests.training.test_grpo import LOCAL, Told
from tests.training.test_sft import rows

SHARDED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    "FSDP_OFFLOAD_PARAMS": "false",
}
"""What `accelerate launch` says of a run preset with `launch.sharding: full` to the processes that it starts."""


def let_processors_share() -> None:
    """accelerate shards what lies on accelerators alone, torch on processors too: call them by another name."""
    begin = PartialState.__init__

    def begin_as_accelerators(self: Any, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        if self.distributed_type is DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_XPU

    PartialState.__init__ = begin_as_accelerators  # type: ignore[method-assign]


class Part(Told):
    """Of two processes the first has the group in which all failed."""

    def __call__(self, trainer: Any, groups: int) -> tuple[Collected, int]:
        mine = self.groups[this_process().process_index :: this_process().num_processes]
        assert len(mine) == groups
        return Collected(mine, mine), 2


def step(folder: Path, rank: int) -> None:
    """One optimiser step of known episodes, large enough to show any difference; `rank`: of adapters."""
    settings = GrpoSettings(steps=1, tasks_per_step=2, group_size=4, micro_batch=2, learning_rate=1.0)
    model, tokenizer = load_model("tiny", to_train=True)
    arguments = grpo._arguments(RunFolder(folder, {}), settings, on_cpu=True)
    arguments |= {"bf16": False, "optim": "sgd", "max_grad_norm": 1e9}
    peft: Any = adapters(rank)
    if peft is not None:
        torch.manual_seed(0)
        peft.init_lora_weights = False
    trainer = make_grpo_trainer(model, tokenizer, Part(), peft=peft, arguments=arguments)
    trainer.train()
    save_model(trainer, folder / "model")


def run(folder: Path, steps: int) -> None:
    """A whole run of GRPO, so many steps of it if it was not interrupted before."""
    own = folder / f"tasks-{this_process().process_index}"
    tasks = tiny_task(own / "one"), tiny_project(own / "two")
    settings = GrpoSettings(
        steps=3, tasks_per_step=2, group_size=2, micro_batch=2, refills=1, concurrency=4, learning_rate=1e-3
    )

    def progress(done: int, total: int, note: str = "") -> None:
        if done == steps < total:
            raise SystemExit

    train_grpo(
        "tiny", tasks, folder / "run", backend=open_backend("auto"), settings=settings, local=LOCAL,
        config=preset("small").env, progress=progress,
    )  # fmt: skip


def judged(folder: Path) -> None:
    """A run that a reward model has a part in, until whoever judges its episodes says the contrary. Each process leaves
    a file that says what it was told."""
    own = folder / f"tasks-{this_process().process_index}"
    settings = GrpoSettings(steps=3, tasks_per_step=2, group_size=2, micro_batch=2, refills=0, from_within=False)
    use = RewardUse(
        reward_model(own, **{"characters written": 1.0}), drift=DriftSettings(false_alarms=0.95), ask=contrary
    )
    try:
        train_grpo(
            "tiny", (tiny_task(own / "one"), tiny_project(own / "two")), folder / "run", backend=open_backend("auto"),
            settings=settings, local=LOCAL, config=preset("small").env, reward=use,
        )  # fmt: skip
    except DriftAlarmError as alarm:
        (folder / f"told-{this_process().process_index}").write_text(str(alarm))


def others(folder: Path) -> None:
    """Fine-tuning, DPO, KTO and the reward model."""
    train_sft("tiny", rows(), folder / "sft", SftSettings(learning_rate=1e-2, epochs=6, batch_size=2, lora_rank=4))
    train_dpo("tiny", pairs(), folder / "dpo", DpoSettings(learning_rate=3e-3, epochs=4, batch_size=2, micro_batch=1))
    kto = KtoSettings(learning_rate=3e-3, epochs=4, batch_size=4, micro_batch=2, held_out=0.25)
    train_kto("tiny", labelled(), folder / "kto", kto)
    reward = RewardSettings(learning_rate=1e-2, epochs=4, batch_size=2, micro_batch=1, held_out=0.25)
    train_reward("tiny", pairs(), folder / "reward", reward)


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    if "ACCELERATE_USE_FSDP" in os.environ:
        let_processors_share()
    do: Any = {"step": step, "run": run, "judged": judged, "others": others}[what]
    do(folder, *map(int, sys.argv[3:]))
