"""Environments in other processes, driven from threads of this one.

A model that samples in this process hands Python's lock back at each of its hundreds of operations a token, and gets
it again only after whoever else wants it: a few environments that parse and compare files make it many times slower.
So where a model samples, environments had better be elsewhere. Each process holds many; what is asked of one is
answered by a thread of its own.

A process that is lost takes its environments with it. Their episodes end with `SANDBOX_LOST` and are unscored, for
nothing that a policy does reaches it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, Self

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.opening import open_task
from journeyman.envs.repo_env import Info, RepoEnv
from journeyman.sandbox.sandbox import SandboxFactory, SandboxUnavailable
from journeyman.tasks.task import Task

_AFFINITY = 2
"""A process that has made sandboxes of an environment before is preferred to one with so many episodes fewer."""
_MOST_PATH = 90
_ATTEMPTS = 3
"""So many processes are tried for a reset."""
_END_S = 10.0
"""How long a process may take to close its sandboxes when it is told to end, in seconds."""


class Workers:
    """Processes that hold environments; each is started when the others are busy. Thread-safe.

    Args:
        count: processes at the most; by default as many as there are processors.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count or os.cpu_count() or 1
        self._folder = tempfile.TemporaryDirectory(prefix="journeyman-workers-")
        if len(self._folder.name) > _MOST_PATH:  # the system's bound on a socket's address is a hundred or so
            self._folder.cleanup()
            self._folder = tempfile.TemporaryDirectory(prefix="journeyman-workers-", dir="/tmp")
        self._workers: list[_Worker] = []
        self._choosing = threading.Lock()

    def open(
        self, task: Task, backend: SandboxFactory | str, config: EnvConfig | Mapping[str, Any] | None = None
    ) -> RemoteEnv:
        """An environment in one of the processes; nothing is opened before its first reset."""
        return RemoteEnv(self, task, backend, config)

    def take(self, environment: str) -> _Worker:
        """The process for one more environment of that key; give it back with `leave`."""
        with self._choosing:
            for lost in [worker for worker in self._workers if not worker.is_alive()]:
                self._workers.remove(lost)
                lost.end()
            best = min(self._workers, key=lambda worker: worker.burden(environment), default=None)
            if best is None or (best.held and len(self._workers) < self._count):
                best = _Worker(Path(self._folder.name) / secrets.token_hex(4))
                self._workers.append(best)
            best.held += 1
            best.known.add(environment)
            return best

    def take_in(self, worker: _Worker) -> _Worker:
        """One more place in that process."""
        with self._choosing:
            worker.held += 1
        return worker

    def leave(self, worker: _Worker) -> None:
        with self._choosing:
            worker.held -= 1

    def close(self) -> None:
        """End the processes, with what sandboxes they still hold. Idempotent."""
        with self._choosing:
            for worker in self._workers:
                worker.end()
            self._workers = []
        self._folder.cleanup()

    def __len__(self) -> int:
        return len(self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class RemoteEnv(RepoEnv):
    """A `RepoEnv` whose sandbox, tools and grading are in another process."""

    def __init__(
        self,
        workers: Workers,
        task: Task,
        backend: SandboxFactory | str,
        config: EnvConfig | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(task, backend, config)
        self._workers = workers
        self._worker: _Worker | None = None
        self._line: Connection[Any, Any] | None = None
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, Info]:
        """See `RepoEnv.reset`. Raises also `SandboxUnavailable` when processes die as they begin."""
        self._steps = 0
        self.task = open_task(options["task"]) if options and "task" in options else self._own_task
        for attempt in range(_ATTEMPTS):
            self.close()
            try:
                self._call_up(self._workers.take(self._own_task.environment.key))
                self._ask("open", self._own_task, self.factory, self.config)
                found: tuple[str, Info] = self._ask("reset", seed, options)
                return found
            except _LostError as error:
                if attempt == _ATTEMPTS - 1:
                    raise SandboxUnavailable(f"the processes that should hold environments die: {error}") from error
        raise AssertionError("not reached")

    def step(self, action: str) -> tuple[str, float, bool, bool, Info]:
        """See `RepoEnv.step`."""
        self._steps += 1
        try:
            found: tuple[str, float, bool, bool, Info] = self._ask("step", action)
        except _LostError:
            info = self._end()
            text = "the sandbox is gone: the episode is over"
            observation = Observation(text, "", False, self._steps, max(self.max_steps - self._steps, 0))
            info |= {
                "observation": observation, "tree_hash": "", "diff": "", "tests": None, "duration_s": 0.0,
                "runner": "", "output": "",
            }  # fmt: skip
            return text, 0.0, False, True, info
        return found

    def conclude(self, stop: StopReason) -> tuple[float, Info]:
        """See `RepoEnv.conclude`."""
        try:
            found: tuple[float, Info] = self._ask("conclude", stop)
        except _LostError:
            return 0.0, self._end()
        return found

    def recall(self, said: Sequence[str]) -> None:
        """See `RepoEnv.recall`. A process that is lost is told of by the next step."""
        with suppress(_LostError):
            self._ask("recall", tuple(said))

    def fork(self) -> RemoteEnv:
        """See `RepoEnv.fork`; the other one is in the same process. Raises `SandboxUnavailable` when it is lost."""
        other = RemoteEnv(self._workers, self._own_task, self.factory, self.config)
        other._steps = self._steps
        try:
            number = self._ask("fork")
            if self._worker is not None:
                other._call_up(self._workers.take_in(self._worker))
                other._ask("adopt", number)
        except _LostError as error:
            other.close()
            raise SandboxUnavailable(f"the process that holds the environment was lost: {error}") from error
        return other

    def close(self) -> None:
        """See `RepoEnv.close`."""
        line, self._line = self._line, None
        worker, self._worker = self._worker, None
        if line is not None:
            try:
                line.send(("close", ()))
                line.recv()
            except (EOFError, OSError):
                pass  # it is gone, and the sandbox with it
            line.close()
        if worker is not None:
            self._workers.leave(worker)

    def _call_up(self, worker: _Worker) -> None:
        """Get a line to a process in which a place is taken."""
        self._worker = worker
        self._line = worker.line()

    def _ask(self, what: str, *about: Any) -> Any:
        if self._line is None:
            # As `RepoEnv` answers, where no episode is running.
            return getattr(super(), what)(*about)
        try:
            self._line.send((what, about))
            done, answer = self._line.recv()
        except (EOFError, OSError) as error:
            raise _LostError(str(error) or type(error).__name__) from error
        if not done:
            raise answer
        return answer

    def _end(self) -> Info:
        self.close()
        return {"stop": StopReason.SANDBOX_LOST, "verdict": None, "terms": (), "unscored": True, "findings": ()}


class _LostError(Exception):
    """The process does not answer any more."""


class _Worker:
    """One process, from this side."""

    def __init__(self, address: Path) -> None:
        self.held, self.known = 0, set[str]()
        self._address, self._key = str(address), secrets.token_bytes(16)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "journeyman.envs.worker", self._address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdin is not None
        # It lives as long as this end of the pipe: whatever ends us ends it.
        self._process.stdin.write(json.dumps({"key": self._key.hex(), "path": sys.path}).encode() + b"\n")
        self._process.stdin.flush()
        self._listening = threading.Lock()
        self._ready = self._lost = False

    def line(self) -> Connection[Any, Any]:
        """A new line to it. Raises `_LostError` when there is nobody at the other end."""
        with self._listening:
            if not self._ready:
                assert self._process.stdout is not None
                if not self._process.stdout.readline():
                    self._lost = True
                    raise _LostError("one did not start; its error stands above")
                self._ready = True
        try:
            return Client(self._address, authkey=self._key)
        except (EOFError, OSError) as error:
            self._lost = True
            raise _LostError(str(error)) from error

    def burden(self, environment: str) -> int:
        return self.held - _AFFINITY * (environment in self.known)

    def is_alive(self) -> bool:
        return not self._lost and self._process.poll() is None

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
