"""What a worker of a Ray cluster does: it runs one episode, and tells it as it happens.

The worker keeps no record. What it tells travels to the driver, which writes it down.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import ray

from journeyman.envs.episode import Episode, Step
from journeyman.policies.job import Job
from journeyman.policies.rollout_many import LocalEngine
from journeyman.tasks.packed import unpacked

LISTEN_S = 0.2
"""How often a worker that waits for its episode looks up, so that it can be cancelled, in seconds."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An episode whose sandbox stands."""

    episode: Episode
    node: str
    """Ray's id of the node it runs on."""


Told = Begun | Step | Episode
"""In order: `Begun`, then each `Step` but the last, then the whole `Episode` when its sandbox is closed."""


class Teller:
    """A recorder that hands on what it is told."""

    def __init__(self, told: queue.SimpleQueue[Told | BaseException], node: str) -> None:
        self._told, self._node = told, node

    def begin(self, episode: Episode) -> None:
        self._told.put(Begun(episode, self._node))

    def step(self, episode_id: str, step: Step) -> None:
        self._told.put(step)

    def finish(self, episode: Episode) -> None:
        """The end is told by who runs the episode, when nothing of it is left on this machine."""


def play(job: Job, digest: str, archive: list[ray.ObjectRef[bytes]]) -> Iterator[Told]:
    """Run a job here, in a thread of its own, so that this one can be cancelled at any time.

    Args:
        digest: names the task's files.
        archive: where they can be had if they are not here (in a list, lest Ray fetch them at once).
    """
    job = replace(job, task=unpacked(job.task, digest, lambda: ray.get(archive[0])))
    told: queue.SimpleQueue[Told | BaseException] = queue.SimpleQueue()
    teller = Teller(told, ray.get_runtime_context().get_node_id())
    cancelled = threading.Event()

    def work() -> None:
        try:
            told.put(LocalEngine().run(job, teller, cancelled))
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=work, name="rollout")
    thread.start()
    try:
        while True:
            try:
                each = told.get(timeout=LISTEN_S)
            except queue.Empty:
                continue
            if isinstance(each, BaseException):
                raise each
            yield each
            if isinstance(each, Episode):
                return
    finally:
        cancelled.set()
        thread.join()
