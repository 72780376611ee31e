"""What a turn costs: our engine against a plain loop of `model.generate` that reads the whole conversation each time.

    python benchmarks/sampling.py [--model smollm2-135m] [--lanes 16] [--turns 4] [--rounds 3] [--json]

Both sides hold the same conversations (an opening of some 300 tokens, then messages of some 60, every turn at its cap
of some 24) and take turns in one run. The engine's lanes talk from a thread each, as episodes do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from random import Random
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the front door does

import torch

from journeyman.policies.batch import Sampling
from journeyman.policies.engine import Engine
from journeyman.policies.models import load_model

NO_END = -1
Script = list[tuple[list[int], int]]
"""Of each turn: the tokens that come, and how many are sampled."""


def scripts(lanes: int, turns: int, vocabulary: int, seed: int) -> list[Script]:
    rng = Random(seed)

    def ids(count: int) -> list[int]:
        return [rng.randrange(100, vocabulary) for _ in range(count)]

    return [
        [(ids(rng.randint(40, 80) + (240 if turn == 0 else 0)), rng.randint(12, 36)) for turn in range(turns)]
        for _ in range(lanes)
    ]


def by_engine(model: Any, talks: list[Script]) -> float:
    """Seconds in which the engine holds all conversations at once."""

    def talk(number: int) -> None:
        lane = engine.open_lane(number)
        for prompt_ids, count in talks[number]:
            lane.generate(prompt_ids, Sampling(1.0, count))
        lane.close()

    start = time.perf_counter()
    with Engine(model, NO_END) as engine:
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(len(talks))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return time.perf_counter() - start


def by_generate(model: Any, talks: list[Script]) -> float:
    """Seconds in which `generate` holds one conversation after the other, reading each from its start at every turn."""
    start = time.perf_counter()
    for script in talks:
        ids: list[int] = []
        for prompt_ids, count in script:
            given = torch.tensor([[*ids, *prompt_ids]])
            out = model.generate(
                given, attention_mask=torch.ones_like(given), do_sample=True, top_k=0, max_new_tokens=count,
                min_new_tokens=count, pad_token_id=0,
            )  # fmt: skip
            ids = out[0].tolist()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    model, _ = load_model(arguments.model)
    rounds = []
    for seed in range(arguments.rounds):
        talks = scripts(arguments.lanes, arguments.turns, min(model.config.vocab_size, 20_000), seed)
        sampled = sum(count for script in talks for _, count in script)
        rounds.append((sampled / by_engine(model, talks), sampled / by_generate(model, talks)))
    result = {
        "model": arguments.model,
        "lanes": arguments.lanes,
        "turns": arguments.turns,
        "rounds": arguments.rounds,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "engine_tokens_per_s": round(statistics.median(engine for engine, _ in rounds), 1),
        "generate_tokens_per_s": round(statistics.median(plain for _, plain in rounds), 1),
        "ratio": round(statistics.median(engine / plain for engine, plain in rounds), 2),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:<22} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
