"""How fast experience is made: our rollout engine, TRL's own `environment_factory`, and a plain loop of `generate`.

    python benchmarks/experience.py [--model smollm2-135m] [--rollouts 16] [--turns 4]
        [--latency 0.8] [--part all] [--quick] [--json]

All sides have one model and one environment: `RepoEnv` of a bundled task, with real commands in real sandboxes, resets
and gradings included. `--latency` is slept in each step on top of what the commands take, as a slower machine, image
or test suite would. They take turns in one process.

No small model writes calls that TRL can parse, so what is *done* is a script: whatever the model wrote in its turn,
the script's next call is what is read in it, on all sides. What the model does is not: every turn's tokens are really
sampled from the growing conversation by each side's own code, in turns of unequal length (from a third of `--cap` to
all of it, the same on each side). TRL's is `GRPOTrainer._generate_and_score_completions`, the part of its step that
collects experience, with `parse_response` alone replaced. TRL samples for its `--rollouts` together and starts anew
when all are over; ours has as many in flight, of twice as many episodes (as a step of `train grpo` has), so the next
begins where one ends. The loop plays fewer episodes, one after the other, and reads the whole conversation each turn.

Then, without an environment: processor time a turn of conversations of 4 and of 32 turns, by the engine and by
reading everything again.

Goals: the model waits for environments 15% of the time at most, 3 times TRL's experience, 4 times the loop's tokens,
and a turn of 32 costs 1.5 times one of 4 at most. They hold where environments take at least half as long as TRL's
generation, which is printed too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the front door does

import torch
from sides.trl_side import Trl
from sides.turns import cost_of_long
from sides.world import NO_END, TASK, TEMPLATE, Made, World, generated, prompt_ids

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.observation import Observation
from journeyman.envs.opening import open_backend, open_task
from journeyman.envs.recorder import Recorder
from journeyman.policies.batch import Batch, Sampling
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.engine import Engine, Lane
from journeyman.policies.job import Job
from journeyman.policies.models import load_model
from journeyman.policies.rollout import rollout
from journeyman.policies.rollout_many import LocalEngine, rollout_many


class WatchedEngine(Engine):
    """Ours, and how long it had something to do."""

    busy_s = 0.0

    def _serve(self, batch: Batch) -> None:
        started = time.perf_counter()
        super()._serve(batch)
        self.busy_s += time.perf_counter() - started


class Talker:
    """Samples its turns, and plays the script."""

    name = "talker"

    def __init__(self, engine: Engine, world: World) -> None:
        self._engine, self._world, self._chat = engine, world, ChatTemplate(world.tokenizer)
        self._lane: Lane | None = None
        self._turn = self._seed = 0

    def start(self, *, seed: int) -> None:
        self._lane, self._turn, self._seed = self._engine.open_lane(seed), 0, seed

    def act(self, observation: Observation) -> Action:
        assert self._lane is not None
        length = self._world.length(self._seed, self._turn)
        self._lane.generate(prompt_ids(self._chat, self._turn, observation.text), Sampling(1.0, length))
        self._turn += 1
        return self._world.action(self._turn - 1)

    def close(self) -> None:
        if self._lane is not None:
            self._lane.close()


class SlowEpisodes(LocalEngine):
    """Episodes in the slow environment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        return rollout(
            self._world.environment(), job.make_policy(job.task), seed=job.seed, store=store, cancelled=cancelled
        )


def by_engine(world: World, rollouts: int) -> Made:
    """Twice as many episodes, so many in flight."""
    task, backend = open_task(TASK), open_backend("auto")
    world.env_s.clear()
    started = time.perf_counter()
    with WatchedEngine(world.model, NO_END) as engine:
        jobs = [Job(task, backend, lambda _: Talker(engine, world), seed) for seed in range(2 * rollouts)]
        episodes = rollout_many(jobs, concurrency=rollouts, engine=SlowEpisodes(world))
    wall_s = time.perf_counter() - started
    tokens = sum(world.length(episode.seed, turn) for episode in episodes for turn in range(len(episode.steps)))
    turns = sum(len(episode.steps) for episode in episodes)
    return Made(wall_s, wall_s - engine.busy_s, sum(world.env_s), engine.busy_s, turns, tokens)


def by_loop(world: World, episodes: int) -> Made:
    """One after the other, each turn by `generate` over the whole conversation."""
    chat = ChatTemplate(world.tokenizer)
    world.env_s.clear()
    started = time.perf_counter()
    for episode in range(episodes):
        env = world.environment()
        text, ids = env.reset()[0], []
        for turn in range(world.turns):
            ids = generated(world.model, [*ids, *prompt_ids(chat, turn, text)], world.length(episode, turn))
            text = env.step(world.action(turn).to_json())[0]
        env.close()
    wall_s = time.perf_counter() - started
    env_s = sum(world.env_s)
    tokens = sum(world.length(episode, turn) for episode in range(episodes) for turn in range(world.turns))
    return Made(wall_s, env_s, env_s, wall_s - env_s, episodes * world.turns, tokens)


def compared(world: World, rollouts: int, loop_episodes: int, rounds: int, folder: str) -> dict[str, Any]:
    """All sides by turns; medians of what each round says."""
    trl = Trl(world, rollouts, folder)
    sides: list[tuple[str, Callable[[], Made]]] = [
        ("engine", lambda: by_engine(world, rollouts)),
        ("trl", trl.make),
        ("loop", lambda: by_loop(world, loop_episodes)),
    ]
    made: dict[str, list[Made]] = {name: [] for name, _ in sides}
    for number in range(rounds):
        for name, make in sides[:: 1 if number % 2 == 0 else -1]:
            made[name].append(make())
            print(f"round {number + 1} of {rounds}, {name}: {made[name][-1]}", file=sys.stderr)
    ours, theirs, loop = made["engine"], made["trl"], made["loop"]

    return {
        "environment_of_trls_generation": round(median(one.exposed_s / one.generated_s for one in theirs), 2),
        "exposed_engine": round(median(one.exposed for one in ours), 3),
        "exposed_trl": round(median(one.exposed for one in theirs), 3),
        "environment_time_not_hidden_engine": round(median(one.exposed_s / one.environment_s for one in ours), 3),
        "episodes_per_min_engine": round(60 * median(one.turns_per_s for one in ours) / world.turns, 2),
        "episodes_per_min_trl": round(60 * median(one.turns_per_s for one in theirs) / world.turns, 2),
        "experience_ratio": round(median(a.turns_per_s / b.turns_per_s for a, b in zip(ours, theirs, strict=True)), 2),
        "rollout_tokens_per_s_engine": round(median(one.tokens_per_s for one in ours), 1),
        "rollout_tokens_per_s_loop": round(median(one.tokens_per_s for one in loop), 1),
        "rollout_tokens_ratio": round(
            median(a.tokens_per_s / b.tokens_per_s for a, b in zip(ours, loop, strict=True)), 2
        ),
        "generated_s_a_turn": {name: round(median(m.generated_s / m.turns for m in made[name]), 3) for name in made},
    }


GOALS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "(the condition) environments take half as long as TRL's generation": (
        lambda r: r["environment_of_trls_generation"] >= 0.5
    ),
    "the environment is exposed 15% of the time at most": lambda r: r["exposed_engine"] <= 0.15,
    "3 times TRL's experience": lambda r: r["experience_ratio"] >= 3,
    "4 times the loop's tokens": lambda r: r["rollout_tokens_ratio"] >= 4,
    "a turn of 32 costs 1.5 times one of 4 at most": lambda r: r["turn_cost_ratio"] <= 1.5,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--rollouts", type=int, default=16)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--cap", type=int, default=24, help="tokens of a turn at most")
    parser.add_argument("--latency", type=float, default=0.8, help="seconds slept in each step of an environment")
    parser.add_argument("--loop-episodes", type=int, default=2, help="that the plain loop plays in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=("all", "experience", "turns"), default="all", help="what is measured")
    parser.add_argument("--quick", action="store_true", help="under a minute: that everything runs, not how fast")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    options = parser.parse_args()
    if options.quick:
        options.model, options.turns, options.rounds, options.loop_episodes = "tiny", 3, 1, 1
        options.rollouts, options.latency = 8, 0.1
    model, tokenizer = load_model(options.model)
    tokenizer.chat_template = TEMPLATE
    world = World(model, tokenizer, options.turns, options.cap, options.latency)
    load = os.getloadavg()[0]
    figures: dict[str, Any] = {}
    if options.part != "turns":
        with tempfile.TemporaryDirectory() as folder:
            figures |= compared(world, options.rollouts, options.loop_episodes, options.rounds, folder)
    if options.part != "experience":
        figures |= cost_of_long(model, options.cap, options.rounds)
    result = {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {load:.1f} before, "
        f"{torch.get_num_threads()} threads",
        **{key: value for key, value in vars(options).items() if key not in ("json", "quick")},
        **figures,
    }
    if options.json:
        print(json.dumps(result))
        return
    print("\n".join(f"{name:<36} {value}" for name, value in result.items()))
    for goal, holds in GOALS.items() if options.part == "all" and not options.quick else ():
        print(f"{'kept' if holds(result) else 'MISSED':<8} {goal}")


if __name__ == "__main__":
    main()
