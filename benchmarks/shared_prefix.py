"""What a trainer's forward and backward pass costs when a group's common beginning is computed once, and when not.

    python benchmarks/shared_prefix.py [--model smollm2-135m] [--rows 4] [--groups 3] [--rounds 2] [--json]

The rows are episodes of the bundled tasks, played in real sandboxes: the reference solution once, then with as many
different mistakes on the way as there are, in the words in which the preset's models talk. A group is `--rows` of them
of one task, as a micro-batch of GRPO is; no two of its rows are the same. Both sides take a policy-gradient step on
each group by turns: tokens read, processor time and peak memory of forward and backward (the optimiser is the same for
both), and how far apart log-probabilities and gradients are. Goal: 1.3 times fewer tokens.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the front door does

import torch

from journeyman.envs.opening import open_backend, open_task
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect as dialect_named
from journeyman.policies.job import Job
from journeyman.policies.models import load_model
from journeyman.policies.oracle import MistakenOraclePolicy, OraclePolicy
from journeyman.policies.policy import Policy
from journeyman.policies.rollout_many import rollout_many
from journeyman.tasks.task import Task
from journeyman.training.lean_head import logits_before
from journeyman.training.presets import Preset, preset
from journeyman.training.shared_prefix import count_tokens, logits_before_shared
from journeyman.training.tokens import TokenRow, demonstration

GOAL = 1.3
TASKS = ("till-line-rounding", "csvscout-repeated-headers", "stencil-condition-precedence")
SIDES: dict[str, Callable[..., torch.Tensor]] = {"plain": logits_before, "shared": logits_before_shared}


def play(task: Task, chat: ChatTemplate, settings: Preset, rows: int, scratch: Path) -> list[TokenRow]:
    """Up to `rows` different episodes of a task as tokens."""

    def policy(seed: int) -> Callable[[Task], Policy]:
        return lambda task: MistakenOraclePolicy(task) if seed else OraclePolicy(task)

    backend = open_backend("auto")
    jobs = [Job(task, backend, policy(seed), seed, settings.env) for seed in range(2 * rows)]
    with EpisodeStore(scratch / task.name) as store:
        episodes = rollout_many(jobs, store=store, concurrency=2)
    talk = dialect_named(settings.local.dialect)
    played = {row.ids: row for row in (demonstration(episode, chat, talk) for episode in episodes)}
    return list(played.values())[:rows]


def batch(rows: Sequence[TokenRow]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Rows padded at the right; chosen is what the policy wrote."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    read, chosen = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        read[number, : len(row.ids)] = 1
        chosen[number, : len(row.ids)] = torch.tensor([turn >= 0 for turn in row.turns])
    return chosen, {"input_ids": ids, "attention_mask": read}


def step(side: str, model: Any, rows: Sequence[TokenRow]) -> tuple[float, float, torch.Tensor]:
    """Seconds of the processor, MiB at the peak above what was there before, and the log-probabilities."""
    chosen, inputs = batch(rows)
    model.zero_grad(set_to_none=True)
    before = _fresh_peak_mib()
    start = time.process_time()
    logits_N_V = SIDES[side](model, chosen, **inputs)
    tokens_N = inputs["input_ids"][:, 1:][chosen[:, 1:]]
    logprobs_N = torch.log_softmax(logits_N_V, dim=-1).gather(1, tokens_N[:, None])[:, 0]
    advantages_B_1 = torch.linspace(-1, 1, len(rows))[:, None]
    loss = -(logprobs_N * advantages_B_1.expand(chosen.shape)[chosen]).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    return time.process_time() - start, _peak_mib() - before, logprobs_N.detach()


def _fresh_peak_mib() -> float:
    """Forget the peak so far, with what was freed since given back to the system; the memory that is left."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _peak_mib()


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(model: Any, groups: Sequence[Sequence[TokenRow]], rounds: int) -> dict[str, Any]:
    """Medians over pairs, and the largest differences."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    peaks = dict.fromkeys(SIDES, 0.0)
    apart, gradients_apart = 0.0, 0.0
    for round_number in range(rounds):
        for number, rows in enumerate(groups):
            logprobs, gradients = {}, {}
            for side in sorted(SIDES, reverse=bool((round_number + number) % 2)):
                taken, peak, logprobs[side] = step(side, model, rows)
                seconds[side].append(taken)
                peaks[side] = max(peaks[side], peak)
                gradients[side] = [p.grad for p in model.parameters()]
            apart = max(apart, float((logprobs["plain"] - logprobs["shared"]).abs().max()))
            norms = [_norm(gradients["plain"], gradients["shared"]), _norm(gradients["plain"])]
            gradients_apart = max(gradients_apart, norms[0] / norms[1])
    return {
        "cpu_s_plain": round(median(seconds["plain"]), 3),
        "cpu_s_shared": round(median(seconds["shared"]), 3),
        "cpu_ratio": round(median(a / b for a, b in zip(seconds["plain"], seconds["shared"], strict=True)), 2),
        "peak_mib_plain": round(peaks["plain"]),
        "peak_mib_shared": round(peaks["shared"]),
        "logprobs_apart": apart,
        "gradients_apart": gradients_apart,
    }


def _norm(first: Sequence[torch.Tensor], second: Sequence[torch.Tensor] | None = None) -> float:
    """Of the gradients, or of their difference."""
    parts = [a - b for a, b in zip(first, second, strict=True)] if second else first
    return float(sum(float(part.double().pow(2).sum()) for part in parts) ** 0.5)


def tokens_of(groups: Sequence[Sequence[TokenRow]]) -> dict[str, Any]:
    batches = [batch(rows) for rows in groups]
    counts = [count_tokens(chosen, **inputs) for chosen, inputs in batches]
    padded, unpadded, shared = (sum(column) for column in zip(*counts, strict=True))
    prompts = sum((len(rows) - 1) * rows[0].prompt_length for rows in groups)
    return {
        "tokens_padded": padded,
        "tokens_unpadded": unpadded,
        "tokens_shared": shared,
        "tokens_ratio": round(unpadded / shared, 2),
        "tokens_ratio_of_prompts_alone": round(unpadded / (unpadded - prompts), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--preset", default="small", help="what the model is shown, and how it talks")
    parser.add_argument("--rows", type=int, default=4, help="of a group")
    parser.add_argument("--groups", type=int, default=len(TASKS), help="as many tasks, of the three")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    model, tokenizer = load_model(arguments.model, to_train=True)
    model.train()
    chat, settings = ChatTemplate(tokenizer), preset(arguments.preset)
    with tempfile.TemporaryDirectory() as scratch:
        played = [
            play(open_task(name), chat, settings, arguments.rows, Path(scratch)) for name in TASKS[: arguments.groups]
        ]
    groups = [rows for rows in played if len(rows) > 1]
    result = {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
        "model": arguments.model,
        "groups": [len(rows) for rows in groups],
        "rounds": arguments.rounds,
        **tokens_of(groups),
        **measured(model, groups, arguments.rounds),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print("\n".join(f"{name:<30} {value}" for name, value in result.items()))
    print(f"{'goal':<30} {GOAL} times fewer tokens: {'kept' if result['tokens_ratio'] >= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
