"""Tokens a second of the samplers of a local model: transformers against llama.cpp, by turns in one run.

    python benchmarks/samplers.py [--model smollm2-135m] [--lanes 8] [--turns 2] [--float32] [--json]

All hold the same conversations (an opening of 300 tokens, which half of the lanes share, then messages of some 60,
every turn at its cap of some 24), a thread each, as episodes do. A token counts when it was sampled; reading counts as
time. A second is one on the clock, and one of a processor as well: that says something on a busy machine too.
Exporting the model for llama.cpp is timed apart, for it is paid once for every change of the weights.
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
from journeyman.policies.llamacpp import LlamaCppEngine
from journeyman.policies.models import load_model

NO_END = -1
Script = list[tuple[list[int], int]]
"""Of each turn: the tokens that come, and how many are sampled."""


def scripts(lanes: int, turns: int, vocabulary: int, seed: int, *, opening: int, sampled: int) -> list[Script]:
    rng = Random(seed)

    def ids(count: int) -> list[int]:
        return [rng.randrange(100, vocabulary) for _ in range(count)]

    shared = ids(opening)
    return [
        [
            (
                (shared if lane % 2 else ids(opening)) if turn == 0 else ids(rng.randint(40, 80)),
                rng.randint(sampled // 2, sampled * 3 // 2),
            )
            for turn in range(turns)
        ]
        for lane in range(lanes)
    ]


def tokens_per_s(engine: Any, talks: list[Script]) -> tuple[float, float]:
    """By the clock, and by processor time."""

    def talk(number: int) -> None:
        lane = engine.open_lane(number)
        for prompt_ids, count in talks[number]:
            lane.generate(prompt_ids, Sampling(1.0, count))
        lane.close()

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(len(talks))]
    start, start_cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens = sum(count for script in talks for _, count in script)
    return tokens / (time.perf_counter() - start), tokens / (time.process_time() - start_cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--opening", type=int, default=300, help="tokens that a conversation begins with")
    parser.add_argument("--sampled", type=int, default=24, help="tokens of a turn, by half more or less")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quantization", default="q8_0", help="of llama.cpp's export: q8_0, f16 or f32")
    parser.add_argument("--float32", action="store_true", help="transformers in float32, also where bfloat16 is faster")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    model, tokenizer = load_model(arguments.model, to_train=arguments.float32)
    start = time.perf_counter()
    fast = LlamaCppEngine(
        model,
        tokenizer,
        NO_END,
        quantization=arguments.quantization,
        conversation_tokens=1024,
        max_batch=arguments.lanes,
    )
    export_s = time.perf_counter() - start
    plain = Engine(model, NO_END)
    rounds = []
    for seed in range(arguments.rounds):
        talks = scripts(
            arguments.lanes, arguments.turns, min(model.config.vocab_size, 20_000), seed,
            opening=arguments.opening, sampled=arguments.sampled,
        )  # fmt: skip
        rounds.append((tokens_per_s(plain, talks), tokens_per_s(fast, talks)))
    plain.close()
    fast.close()
    result: dict[str, Any] = {
        "model": arguments.model,
        "weights": f"transformers {str(model.dtype).removeprefix('torch.')}, llamacpp {arguments.quantization}",
        "lanes": arguments.lanes,
        "turns": arguments.turns,
        "opening": arguments.opening,
        "sampled": arguments.sampled,
        "rounds": arguments.rounds,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "export_s": round(export_s, 1),
    }
    for at, second in enumerate(("s", "cpu_s")):
        result[f"transformers_tokens_per_{second}"] = round(statistics.median(slow[at] for slow, _ in rounds), 1)
        result[f"llamacpp_tokens_per_{second}"] = round(statistics.median(quick[at] for _, quick in rounds), 1)
        result[f"ratio_per_{second}"] = round(statistics.median(quick[at] / slow[at] for slow, quick in rounds), 2)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:<30} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
