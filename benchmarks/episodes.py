"""How long a run of many episodes takes to be listed and searched.

    python benchmarks/episodes.py [--episodes 100000] [--steps 8] [--folder FOLDER] [--json]

Episodes of a plausible shape (an instruction, views, edits, tests, a report; texts of a few hundred characters) are
written with `EpisodeStore.add_many`, which is the real writer with one flush for a thousand of them. Then the index is
built, and each query of `journeyman episode list` is asked, median of nine, by the clock and in processor time (on a
busy machine the clock tells of the others too). The goal: 200 ms for each. With --folder
the run is kept there, and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.query import Query, Sort
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.envs.tags import Tagging
from journeyman.tasks.verdict import Assurance, Outcome, Verdict

GOAL_S = 0.2
ROUNDS = 9
WORDS = ("parse", "token", "line", "value", "index", "buffer", "header", "sort", "merge", "cache", "node", "tree")
CHECK = "tests/t.py::test_f"
QUERIES = {
    "the last 50": Query(descending=True, limit=50),
    "of a task": Query(task="till-7", limit=50),
    "of a pattern of tasks": Query(task="till-1*", limit=50),
    "of a policy, best first": Query(policy="oracle", sort=Sort.REWARD, descending=True, limit=50),
    "in a range of rewards": Query(min_reward=0.2, max_reward=0.4, limit=50),
    "by why it stopped": Query(stop="step_limit", limit=50),
    "not resolved": Query(solved="no", limit=50),
    "with a tag, without another": Query(tags=("good", "-bad"), limit=50),
    "a rare word": Query(text="needle77", limit=50),
    "a word of each episode": Query(text="buffer", limit=50),
    "two words and a task": Query(text="merge cach", task="till-3", limit=50),
    "the longest": Query(sort=Sort.STEPS, descending=True, limit=50),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=8, help="of each, in the mean")
    parser.add_argument("--folder", type=Path, help="where to keep the run, or where it is kept")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measured(options.folder or Path(scratch, "run"), options.episodes, options.steps)
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{figures['machine']}; {figures['episodes']} episodes, {figures['mib']:.0f} MiB of records, "
          f"{figures['index_mib']:.0f} MiB of index, built in {figures['index_s']:.0f} s")  # fmt: skip
    for name, (wall, processor) in figures["queries"].items():
        over = "" if wall <= GOAL_S else "  OVER the goal of 200 ms"
        print(f"{wall * 1000:8.1f} ms, {processor * 1000:6.1f} of the processor  {name}{over}")


def measured(folder: Path, episodes: int, steps: int) -> dict[str, object]:
    """Seconds by query, with what the run takes."""
    if not (folder / "segments").is_dir():
        write(folder, episodes, steps)
    store = EpisodeStore(folder)
    started = time.monotonic()
    store.rebuild_index()
    built = time.monotonic() - started
    queries = {name: _medians(store, query) for name, query in QUERIES.items()}
    segments = sum(path.stat().st_size for path in (folder / "segments").iterdir())
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
        "episodes": store.find(Query(limit=0)).total, "mib": segments / 2**20,
        "index_mib": (folder / "index.sqlite").stat().st_size / 2**20, "index_s": built, "queries": queries,
    }  # fmt: skip


def write(folder: Path, count: int, steps: int) -> None:
    """A run of so many episodes, some of them tagged."""
    rng = random.Random(0)
    with EpisodeStore(folder) as store:
        for begin in range(0, count, 1000):
            many = [made(rng, number, steps) for number in range(begin, min(begin + 1000, count))]
            store.add_many(many)
            for each, tag in zip(many, ("good", "good", "good", "bad", "to-look-at"), strict=False):
                store.tags.write(Tagging(each.id, (tag,)))


def made(rng: random.Random, number: int, steps: int) -> Episode:
    """An episode of a plausible shape."""
    some = [_step(rng, n, number) for n in range(1 + rng.randrange(2 * steps - 1))]
    solved = rng.random() < 0.4
    reward = 1.0 if solved else rng.choice((0.0, 0.25, 0.35))
    verdict = Verdict({CHECK: Outcome.PASSED if solved else Outcome.FAILED}, {}, solved, Assurance.FRESH, "t")
    return Episode(
        new_episode_id(), f"till-{number % 40}", rng.choice(("oracle", "random", "local:small")), number,
        Observation(f"Mend what is wrong with the {rng.choice(WORDS)}.\n" + _text(rng, 40), "reset"), tuple(some),
        rng.choice((StopReason.REPORTED, StopReason.STEP_LIMIT)), reward,
        (RewardTerm("outcome", 1.0, reward, "checks"),), verdict, "2025-01-01T00:00:00Z", 1.5, {"journeyman": "0"},
    )  # fmt: skip


def _step(rng: random.Random, number: int, episode: int) -> Step:
    path = f"src/{rng.choice(WORDS)}.py"
    calls = (
        Action("view", {"path": path, "line": rng.randrange(400) + 1}),
        Action("edit", {"path": path, "line": 3, "new": f"    return needle{episode % 10_000}\n{_text(rng, 8)}"}),
        Action("run", {"command": f"grep -n {rng.choice(WORDS)} {path}"}),
        Action("test", {}),
    )
    call = rng.choice(calls)
    tests = TestRun(("tests/t.py::test_a",), (CHECK,)) if call.tool == "test" else None
    return Step(call, Observation(_text(rng, 50), call.tool, True, number + 1, 9), tree_hash="t" * 64, tests=tests)


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def _medians(store: EpisodeStore, query: Query) -> tuple[float, float]:
    taken = [_seconds(store, query) for _ in range(ROUNDS)]
    return median(wall for wall, _ in taken), median(processor for _, processor in taken)


def _seconds(store: EpisodeStore, query: Query) -> tuple[float, float]:
    """Wall clock and processor time."""
    started = time.monotonic(), time.process_time()
    store.find(query)
    return time.monotonic() - started[0], time.process_time() - started[1]


if __name__ == "__main__":
    main()
