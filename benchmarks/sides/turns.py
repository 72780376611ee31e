"""What a turn costs as conversations grow: by the engine, and by reading everything again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from statistics import mean, median
from typing import Any

from sides.world import NO_END, generated

from journeyman.policies.batch import Sampling
from journeyman.policies.engine import Engine

LONG, SHORT = 32, 4
"""Turns of the conversations whose cost is compared."""


def talks(lanes: int, vocabulary: int) -> list[list[list[int]]]:
    """Of each conversation and turn the tokens that come: an opening of 300, then some 40."""
    rng = Random(0)
    return [
        [[rng.randrange(100, vocabulary) for _ in range(300 if turn == 0 else 40)] for turn in range(LONG)]
        for _ in range(lanes)
    ]


def turns_by_engine(model: Any, cap: int, lanes: int) -> list[float]:
    """Processor seconds of each turn, for one conversation of those that are held together."""
    scripts = talks(lanes, min(model.config.vocab_size, 20_000))
    seconds = []
    with Engine(model, NO_END) as engine, ThreadPoolExecutor(lanes) as threads:
        opened = [engine.open_lane(seed) for seed in range(lanes)]
        for turn in range(LONG):
            started = time.process_time()
            list(threads.map(lambda n: opened[n].generate(scripts[n][turn], Sampling(1.0, cap)), range(lanes)))  # noqa: B023
            seconds.append((time.process_time() - started) / lanes)
    return seconds


def turns_by_rereading(model: Any, cap: int) -> dict[int, float]:
    """Processor seconds of some turns, by number: the first four, then every fourth."""
    (script,) = talks(1, min(model.config.vocab_size, 20_000))
    seconds, ids = {}, []
    for turn, prompt in enumerate(script):
        ids += prompt
        if turn < SHORT or turn % 4 == 1:
            started = time.process_time()
            ids = generated(model, ids, cap)
            seconds[turn] = time.process_time() - started
        else:
            ids += prompt[:cap]
    return seconds


def cost_of_long(model: Any, cap: int, rounds: int) -> dict[str, float]:
    """What a turn costs in a conversation of 32 against one of 4, in the mean over its turns but for the first, which
    reads the opening and would make the short one dear."""
    ours = [turns_by_engine(model, cap, lanes=8) for _ in range(rounds)]
    seconds = [median(column) for column in zip(*ours, strict=True)]
    again = turns_by_rereading(model, cap)
    later = [value for turn, value in again.items() if turn % 4 == 1]
    return {
        "turn_of_4_cpu_ms": round(1000 * mean(seconds[1:SHORT]), 1),
        "turn_of_32_cpu_ms": round(1000 * mean(seconds[1:]), 1),
        "turn_cost_ratio": round(mean(seconds[1:]) / mean(seconds[1:SHORT]), 2),
        "turn_32_against_turn_4": round(mean(seconds[-2:]) / mean(seconds[SHORT - 2 : SHORT]), 2),
        "rereading_cost_ratio": round(mean(later) / mean(again[turn] for turn in range(1, SHORT)), 2),
    }
