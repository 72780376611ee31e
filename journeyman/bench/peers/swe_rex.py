"""SWE-ReX's deployments: local, docker. Commands go through `execute`, the quicker of its two ways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from swerex import __version__
from swerex.deployment.docker import DockerDeployment
from swerex.deployment.local import LocalDeployment
from swerex.exceptions import CommandTimeoutError
from swerex.runtime.abstract import Command, WriteFileRequest

from .bare import copied, remove_tree, variables
from .box import IN_IMAGE, VARIABLES, Box, Peer, Ran, Setup


class RexBox(Box):
    """It has an event loop of its own: many deployments that start on one loop run into their time limits."""

    def __init__(self, deployment: Any, folder: str, pristine: str, env: dict[str, str] | None) -> None:
        self._deployment, self._folder, self.pristine, self._env = deployment, folder, pristine, env
        self._loop = asyncio.new_event_loop()
        self._wait(deployment.start())

    def run(self, command: str, timeout_s: float) -> Ran:
        asked = Command(command=["/bin/sh", "-c", f"exec 2>&1; {command}"], timeout=timeout_s, cwd=self._folder)
        asked.env = self._env
        try:
            done = self._wait(self._deployment.runtime.execute(asked))
        except CommandTimeoutError as error:
            return Ran(-1, str(error))
        return Ran(done.exit_code, done.stdout)

    def write(self, path: str, text: str) -> None:
        request = WriteFileRequest(path=f"{self._folder}/{path}", content=text)
        self._wait(self._deployment.runtime.write_file(request))

    def close(self) -> None:
        self._wait(self._deployment.stop())
        self._loop.close()
        if self.pristine != IN_IMAGE:
            remove_tree(self._folder)

    def _wait(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(what)


class Rex(Peer):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        logging.disable(logging.WARNING)

    def version(self) -> str:
        return str(__version__)


class Local(Rex):
    def open(self, repository: str = "") -> Box:
        folder = copied(self.setup)
        return RexBox(LocalDeployment(), folder, self.setup.pristine, variables(self.setup, folder))


class Docker(Rex):
    def open(self, repository: str = "") -> Box:
        words = [word for name, value in VARIABLES.items() for word in ("-e", f"{name}={value}")]
        words += ["--label", self.setup.label]
        deployment = DockerDeployment(image=self.setup.image, pull="never", docker_args=words)
        return RexBox(deployment, "/workspace", IN_IMAGE, None)
