"""How much of what a model learned is left when it acts in bfloat16: rounded as here, and rounded to the nearest.

    python benchmarks/rounding.py [--model smollm2-135m] [--rates 1e-6 5e-6 2e-5] [--steps 4] [--json]

The model begins on numbers of bfloat16, as models on a hub do, and takes some steps in float32 on the reference
solutions of bundled tasks, played in real sandboxes. What it learned is by how much likelier these became. Both sides
round the same weights and say what is left of that; passes are computed in float32, so that nothing else differs.
`policies/rounding.py` says why. Goal: nine tenths are kept.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the front door does

import torch

from journeyman.envs.opening import open_backend, open_task
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Job
from journeyman.policies.models import load_model
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.rollout_many import rollout_many
from journeyman.policies.rounding import in_bfloat16
from journeyman.training.lean_head import logits_before
from journeyman.training.presets import preset
from journeyman.training.sft import rows_of
from journeyman.training.tokens import TokenRow

GOAL = 0.9
TASKS = ("till-line-rounding", "csvscout-repeated-headers", "stencil-condition-precedence")
Rounding = Callable[[torch.Tensor, str], torch.Tensor]
SIDES: dict[str, Rounding] = {"ours": in_bfloat16, "nearest": lambda weight, _: weight.bfloat16()}


def solutions(model: str, shown: str) -> list[TokenRow]:
    """The reference of each task as the model would read and write it."""
    settings = preset(shown)
    jobs = [Job(open_task(name), open_backend("auto"), OraclePolicy, 0, settings.env) for name in TASKS]
    with tempfile.TemporaryDirectory() as scratch, EpisodeStore(Path(scratch) / "run") as store:
        episodes = rollout_many(jobs, store=store, concurrency=2)
    return rows_of(episodes, model, settings.local.dialect)


def logprobs(model: Any, row: TokenRow) -> torch.Tensor:
    """Of what was written."""
    ids, trained = torch.tensor([row.ids]), torch.tensor([row.trained])
    logprobs_N_V = torch.log_softmax(logits_before(model, trained, input_ids=ids), dim=-1)
    return logprobs_N_V.gather(1, ids[:, 1:][trained[:, 1:]][:, None])[:, 0]


def likelihood(model: Any, rows: Sequence[TokenRow]) -> float:
    """The mean of them."""
    with torch.no_grad():
        return float(torch.cat([logprobs(model, row) for row in rows]).mean())


def learned(model: Any, rows: Sequence[TokenRow], rate: float, steps: int) -> Any:
    """A copy that took some steps of AdamW."""
    other = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(other.parameters(), lr=rate, weight_decay=0.0)
    for _ in range(steps):
        optimiser.zero_grad()
        for row in rows:
            (-logprobs(other, row).mean() / len(rows)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(other.parameters(), 1.0)
        optimiser.step()
    return other


def rounded(model: Any, how: Rounding) -> Any:
    """A copy, still of float32."""
    other = copy.deepcopy(model)
    for name, weight in other.named_parameters():
        weight.data = how(weight.data, name).float()
    return other


def measured(model: str, shown: str, rates: Sequence[float], steps: int) -> list[dict[str, float]]:
    """For each rate what was learned, in nats a token, and the share of it that either side keeps."""
    rows = solutions(model, shown)
    hub = rounded(load_model(model, to_train=True)[0], SIDES["nearest"])
    before = likelihood(hub, rows)
    found = []
    for rate in rates:
        after = learned(hub, rows, rate, steps)
        gain = likelihood(after, rows) - before
        kept = {side: (likelihood(rounded(after, how), rows) - before) / gain for side, how in SIDES.items()}
        shares = {side: round(share, 3) for side, share in kept.items()}
        found.append({"rate": rate, "learned": round(gain, 4), **shares})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--preset", default="small", help="what the model is shown, and how it talks")
    parser.add_argument("--rates", type=float, nargs="+", default=(1e-6, 5e-6, 2e-5))
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    options = parser.parse_args()
    found = measured(options.model, options.preset, options.rates, options.steps)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"
    if options.json:
        print(json.dumps({"machine": machine, "model": options.model, "steps": options.steps, "rates": found}))
        return
    print(f"{machine}; {options.model}, {options.steps} steps")
    print(f"{'rate':>8} {'learned, nats a token':>22} {'kept: ours':>11} {'nearest':>8}")
    for row in found:
        print(f"{row['rate']:>8g} {row['learned']:>22.4f} {row['ours']:>11.1%} {row['nearest']:>8.1%}")
    kept = min(row["ours"] for row in found)
    print(f"goal: {GOAL:.0%} kept: {'kept' if kept >= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
