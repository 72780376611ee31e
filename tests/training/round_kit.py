"""Rounds without a model or a sandbox: the players' skill is a number, training raises it, and an engine deals out the
episodes. Run as a script, it kills itself where it is told to:

    python -m tests.training.round_kit FOLDER ROUNDS PLACE
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import Recorder, new_episode_id
from journeyman.policies.job import Job
from journeyman.policies.policy import Policy
from journeyman.policies.scripted import NoOpPolicy
from journeyman.sandbox.namespace import NamespaceSandboxes
from journeyman.tasks.sources.likeness import likeness_of
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.checkpoint import write_json
from journeyman.training.lineage import remember
from journeyman.training.measure import MakePolicy
from journeyman.training.progress import Progress, silent
from journeyman.training.round_feedback import Said
from journeyman.training.round_folder import RoundFolder
from journeyman.training.round_plan import RoundPlan
from journeyman.training.rounds import Stage, Trained, Workshop, evaluated, last_decision, run_rounds
from tests.making import tiny_project, tiny_task

PLAN = RoundPlan(model="novice", tasks="pool", tasks_per_round=4, group_size=3, heldout_per_round=12, final_share=0.2)
Happening = Callable[[str], None]
"""Told what happens, such as "episode" and "train"; may raise, or kill the process."""


def interrupt_once(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Ctrl-C just before a stage would be noted as done, the first time."""
    write: Callable[..., None] = RoundFolder.write
    interrupted = []

    def interrupting(round_: RoundFolder, name: str, value: dict[str, Any]) -> None:
        if name == stage and not interrupted:
            interrupted.append(name)
            raise KeyboardInterrupt
        write(round_, name, value)

    monkeypatch.setattr(RoundFolder, "write", interrupting)


def nothing(what: str) -> None:
    """Nobody listens."""


class Player(NoOpPolicy):
    """Of that skill: solves so many tasks of ten."""

    def __init__(self, model: str) -> None:
        self.name, self.skill = model, skill_of(model)


def skill_of(model: str) -> int:
    return int((Path(model) / "skill").read_text()) if Path(model).is_dir() else 2


def solves(skill: int, task: str, seed: int) -> bool:
    """Each task takes a skill of its own, the seed's luck aside; who has more solves all that one with less does."""
    luck = hashlib.sha256(f"{task} {seed}".encode()).digest()[0] % 3 if task.startswith("pool") else 0
    return skill > hashlib.sha256(task.encode()).digest()[0] % 10 - luck


class Dealer:
    """An engine that needs no sandbox."""

    def __init__(self, happening: Happening = nothing, step: Step | None = None) -> None:
        self._happening, self._step = happening, step
        self.dealt: list[tuple[str, str, int]] = []

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        player: Any = job.make_policy(job.task)
        assert store is not None and isinstance(job.config, EnvConfig)
        episode = Episode(
            new_episode_id(), job.task.name, player.name, job.seed, Observation("Mend it."), (),
            StopReason.INTERRUPTED, None, (), None, config=job.config.to_dict(),
        )  # fmt: skip
        store.begin(episode)
        self._happening("episode")
        solved = solves(player.skill, job.task.name, job.seed)
        verdict = Verdict({}, {}, solved, Assurance.SPLIT, "", ignored=() if solved else ("tests/test_it.py",))
        edits = [self._step or edit(job.seed)]
        if not solved:
            edits.append(edit(job.seed, "tests/test_it.py"))
        said = TestRun(passed=("t",)) if solved else TestRun(failed=("t",))
        steps = (*edits, Step(Action("test", {}), Observation("1 failed: assert 3 == 4"), tests=said))
        done = replace(
            episode, steps=steps, stop=StopReason.REPORTED, reward=float(solved), verdict=verdict, duration_s=2.0
        )
        store.finish(done)
        self.dealt.append((player.name, job.task.name, job.seed))
        return done

    def facts(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass


def edit(seed: int, path: str = "it.py") -> Step:
    diff = f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-x = 3\n+x = {seed % 3}\n"
    return Step(Action("edit", {"path": path, "line": 1, "new": f"x = {seed % 3}"}), Observation("done"), diff=diff)


@dataclass
class Trainers:
    """A crew: each training adds `gain` to the skill, unless there was nothing to imitate."""

    gain: int = 7
    happening: Happening = nothing
    said: Said | None = None
    """By what people said, the last training went."""

    @contextmanager
    def players(self, model: str, temperature: float) -> Iterator[MakePolicy]:
        def make(task: Task) -> Policy:
            return Player(model)

        yield make

    def train(
        self, model: str, episodes: Sequence[Episode], tasks: Sequence[Task], out: Path, stage: Stage, said: Said | None
    ) -> Trained:
        self.said = said
        if not episodes:
            return Trained("", {"why": "no collected episode is worth imitating"})
        (out / "model").mkdir(parents=True, exist_ok=True)
        (out / "model" / "skill").write_text(str(skill_of(model) + self.gain))
        self.happening("train")
        remember(out, map(likeness_of, tasks), "")
        write_json(out / "done.json", {"settings": {"model": model}})
        return Trained(str(out / "model"), {"sft": {"losses": [2.0, 1.0, 0.5], "episodes": len(episodes), "tokens": 9}})


def workshop(
    folder: Path,
    *,
    plan: RoundPlan = PLAN,
    crew: Trainers | None = None,
    engine: Dealer | None = None,
    pool: int = 12,
    stage: Callable[[str], Progress] = lambda _: silent,
) -> Workshop:
    """`folder` holds the tasks, and the rounds in `folder`/rounds."""
    tasks = [tiny_task(folder / f"pool/{n}", name=f"pool-{n}") for n in range(pool)]
    heldout = [tiny_project(folder / f"heldout/{n}", name=f"heldout-{n}") for n in range(30)]
    return Workshop(
        plan, folder / "rounds", tasks, heldout, NamespaceSandboxes(), crew or Trainers(), stage, engine or Dealer()
    )


def story(root: Path, rounds: int) -> list[Mapping[str, Any]]:
    """What came out, without what differs between two runs: ids and times."""
    told = []
    for number in range(1, rounds + 1):
        round_ = RoundFolder(root, number)
        collected = round_.read("collect")["evaluation"]["results"]
        sides = [evaluated(round_, name) for name in ("champion", "candidate")]
        told.append({
            "pool": round_.read("pool"),
            "collected": [(row["task"], row["seed"], row["resolved"]) for row in collected],
            "compiled": [row["task"] for row in round_.read("compile")["chosen"]],
            "train": round_.read("train"),
            "measured": [[(row.task, row.resolved) for row in side.results] for side in sides],
            "decide": round_.read("decide"),
        })  # fmt: skip
    final = last_decision(root, 0.05)
    return [*told, {"final": final and final[2].to_dict()}]


def _killing(place: str) -> Happening:
    """Kill this process at the fifth `place`, or the first where there is one in each round only."""
    left = [5 if place == "episode" else 1]

    def happening(what: str) -> None:
        left[0] -= what == place
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    return happening


if __name__ == "__main__":
    at = _killing(sys.argv[3])
    shop = workshop(Path(sys.argv[1]), crew=Trainers(happening=at), engine=Dealer(at))
    run_rounds(shop, int(sys.argv[2]))
