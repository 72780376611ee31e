"""verifiers' docker runtime."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from verifiers.v1.runtimes.docker import DockerConfig, DockerRuntime

from .box import VARIABLES, Box, Peer, Ran, Setup


class RuntimeBox(Box):
    """Its commands know no time limit: the awaiting of one is cancelled, which ends the `docker exec`."""

    def __init__(self, setup: Setup) -> None:
        self._loop = asyncio.new_event_loop()
        self._runtime = DockerRuntime(DockerConfig(image=setup.image, workdir="/workspace"))
        self._runtime._label_args += ["--label", setup.label]
        self._wait(self._runtime.start())

    def run(self, command: str, timeout_s: float) -> Ran:
        run = self._runtime.run(["/bin/sh", "-c", f"exec 2>&1; {command}"], VARIABLES)
        try:
            done = self._wait(asyncio.wait_for(run, timeout_s))
        except TimeoutError:
            return Ran(-1, "")
        return Ran(done.exit_code, done.stdout)

    def write(self, path: str, text: str) -> None:
        self._wait(self._runtime.write(path, text.encode()))

    def close(self) -> None:
        self._wait(self._runtime.stop())
        self._loop.close()

    def _wait(self, what: Any) -> Any:
        return self._loop.run_until_complete(what)


class Docker(Peer):
    def version(self) -> str:
        return version("verifiers")

    def open(self, repository: str = "") -> Box:
        return RuntimeBox(self.setup)
