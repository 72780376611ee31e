"""Journeyman's own sandboxes, through their public protocol."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from journeyman import __version__
from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.docker_reaper import LABEL, owner
from journeyman.sandbox.sandbox import Environment, Sandbox

from .box import LONG_S, TESTS, Box, Peer, Ran, Record


class OurBox(Box):
    def __init__(self, sandbox: Sandbox, pristine: Any = None) -> None:
        self._sandbox, self._pristine = sandbox, pristine

    def run(self, command: str, timeout_s: float) -> Ran:
        done = self._sandbox.run(command, timeout_s=timeout_s)
        return Ran(done.exit_code, done.text)

    def tests(self, *, warm: bool) -> Ran:
        extra: dict[str, Any] = {"warm": True} if warm else {}
        done = self._sandbox.run(TESTS.split(), timeout_s=LONG_S, **extra)
        return Ran(done.exit_code, done.text, str(getattr(done, "runner", "")))

    def write(self, path: str, text: str) -> None:
        self._sandbox.write(path, text.encode())

    def restore(self) -> None:
        self._sandbox.restore(self._pristine)

    def fork(self) -> Box:
        return OurBox(self._sandbox.fork())

    def close(self) -> None:
        self._sandbox.close()


class Ours(Peer):
    backend = ""
    keeps_ready = True

    @cached_property
    def _factory(self) -> Any:
        return open_backend(self.backend)

    @cached_property
    def _environment(self) -> Environment:
        return Environment(python=self.setup.python)

    @cached_property
    def _pristine(self) -> Any:
        with self._factory.create(self._environment, Path(self.setup.pristine)) as sandbox:
            return sandbox.snapshot()

    def version(self) -> str:
        assert self._pristine  # builds what is missing, before anything is timed
        return __version__

    @cached_property
    def _store(self) -> EpisodeStore:
        return EpisodeStore(tempfile.mkdtemp(dir=self.setup.scratch))

    @contextmanager
    def recording(self) -> Iterator[Record]:
        """Episodes are logged as in a rollout: each step is on the disk before the next one begins."""
        episode = Episode(
            new_episode_id(), "bench", "bench", 0, Observation(""), (), StopReason.INTERRUPTED, None, (), None
        )
        self._store.begin(episode)
        steps: list[Step] = []

        def record(action: str, text: str, output: str) -> None:
            steps.append(Step(Action(action, {"text": text}), Observation(output, action)))
            self._store.step(episode.id, steps[-1])

        yield record
        self._store.finish(replace(episode, steps=tuple(steps), stop=StopReason.REPORTED))

    def end(self) -> None:
        self._store.close()

    def has_warm_tests(self) -> bool:
        return "warm" in inspect.signature(Sandbox.run).parameters

    def open(self, repository: str = "") -> Box:
        """It counts as open once it has answered: a sandbox that is promised is none yet."""
        sandbox = self._factory.create(self._environment, Path(repository or self.setup.pristine))
        sandbox.read("README.md")
        return OurBox(sandbox, None if repository else self._pristine)


class Namespace(Ours):
    backend = "namespace"


class Docker(Ours):
    backend = "docker"

    def containers(self) -> set[str]:
        return {container for container, whose in engine().labelled(LABEL).items() if whose == owner()}
