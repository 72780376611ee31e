"""What recording an episode step by step costs beside the actions themselves.

    python benchmarks/recording.py [--rounds 10] [--backend namespace] [--folder FOLDER] [--json]

The same actions (views, edits, a long output) are played with recording on and off in turn, so that what else the
machine does falls on both. Of each step: wall clock and processor time of this process from one action to the next,
medians over all rounds; and what the recorder's call alone takes, which ends when the step is on the disk. Beside it
stands what a bare write of 400 bytes with its flush takes there at the same time: less, no record can take. The goal:
2 ms in the median for the call. The run is written below --folder (default: the system's temporary folder): the disk
there is the one that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy

GOAL_MS = 2.0
ACTIONS = (
    Action("view", {"path": "."}),
    Action("search", {"pattern": "def "}),
    Action("write", {"path": "notes.py", "content": "def note():\n    return 1\n"}),
    Action("run", {"command": "seq 1 2000"}),
    Action("edit", {"path": "notes.py", "line": 2, "new": "    return 2"}),
) * 6

Cost = tuple[float, float]
"""Wall clock and processor time, in milliseconds."""


class Clocked(ScriptedPolicy):
    """Plays a script and notes when each action was asked for."""

    def __init__(self) -> None:
        super().__init__(ACTIONS)
        self.asked: list[Cost] = []

    def act(self, observation: Observation) -> Action:
        self.asked.append(_now())
        return super().act(observation)


class ClockedStore:
    """A recorder that notes what each step took."""

    def __init__(self, store: EpisodeStore) -> None:
        self._store, self.steps, self.bare = store, list[Cost](), list[Cost]()
        self._beside = (store.folder / "beside").open("wb", buffering=0)

    def begin(self, episode: Episode) -> None:
        self._store.begin(episode)

    def step(self, episode_id: str, step: Step) -> None:
        before = _now()
        self._store.step(episode_id, step)
        self.steps.append(_less(_now(), before))
        before = _now()
        self._beside.write(bytes(400))
        os.fsync(self._beside.fileno())
        self.bare.append(_less(_now(), before))

    def finish(self, episode: Episode) -> None:
        self._store.finish(episode)

    def close(self) -> None:
        self._beside.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--backend", default="namespace")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, EpisodeStore(folder) as store:
        figures = measured(store, options.rounds, options.backend)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


def measured(store: EpisodeStore, rounds: int, backend: str) -> dict[str, object]:
    """Medians in milliseconds: wall clock, processor time."""
    recorder = ClockedStore(store)
    whole: dict[bool, list[Cost]] = {True: [], False: []}
    for number in range(rounds):
        for recorded in (True, False) if number % 2 else (False, True):
            policy = Clocked()
            rollout(RepoEnv("till-line-rounding", backend, {"max_steps": len(ACTIONS)}), policy, seed=0,
                    store=recorder if recorded else None)  # fmt: skip
            whole[recorded] += _between(policy.asked)
    recorder.close()
    call = _medians(recorder.steps)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
        "steps of each": len(whole[True]), "the recorder's call, ms (wall, processor)": call,
        "a bare write and flush, ms": _medians(recorder.bare),
        "slowest tenth begins at, ms": round(sorted(wall for wall, _ in recorder.steps)[-len(recorder.steps) // 10], 2),
        "a step with recording, ms": _medians(whole[True]), "a step without, ms": _medians(whole[False]),
        "goal met": call[0] <= GOAL_MS,
    }  # fmt: skip


def _now() -> Cost:
    return time.monotonic() * 1000, time.process_time() * 1000


def _less(later: Cost, earlier: Cost) -> Cost:
    return later[0] - earlier[0], later[1] - earlier[1]


def _between(times: list[Cost]) -> Iterator[Cost]:
    return (_less(later, earlier) for earlier, later in pairwise(times))


def _medians(costs: list[Cost]) -> Cost:
    return round(median(wall for wall, _ in costs), 3), round(median(cpu for _, cpu in costs), 3)


if __name__ == "__main__":
    main()
