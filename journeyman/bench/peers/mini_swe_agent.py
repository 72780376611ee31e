"""mini-swe-agent's environments: local, bubblewrap, docker."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from minisweagent import __version__
from minisweagent.environments.docker import DockerEnvironment
from minisweagent.environments.extra.bubblewrap import BubblewrapEnvironment, BubblewrapEnvironmentConfig
from minisweagent.environments.local import LocalEnvironment

from .bare import copied, remove_tree, variables
from .box import LONG_S, VARIABLES, Box, Peer, Ran, Setup


class MiniBox(Box):
    environment: Any

    def run(self, command: str, timeout_s: float) -> Ran:
        done = self.environment.execute({"command": command}, timeout=int(timeout_s))
        return Ran(done["returncode"], done["output"])


class LocalBox(MiniBox):
    def __init__(self, setup: Setup) -> None:
        self.pristine = setup.pristine
        self._folder = copied(setup)
        self.environment = LocalEnvironment(cwd=self._folder, env=variables(setup, self._folder), timeout=int(LONG_S))

    def close(self) -> None:
        remove_tree(self._folder)


class BubblewrapBox(MiniBox):
    """It brings no files: the repository is copied into the folder that it has made."""

    def __init__(self, setup: Setup, seen: tuple[str, ...]) -> None:
        self.pristine = setup.pristine
        wrapper = BubblewrapEnvironmentConfig().wrapper_args
        for folder in seen:
            wrapper += ["--ro-bind", folder, folder]
        self.environment = BubblewrapEnvironment(timeout=int(LONG_S), wrapper_args=wrapper)
        folder = str(self.environment.working_dir)
        self.environment.config.env = variables(setup, folder)
        subprocess.run(["cp", "-a", f"{setup.pristine}/.", folder], check=True)

    def close(self) -> None:
        self.environment.cleanup()


class DockerBox(MiniBox):
    def __init__(self, setup: Setup) -> None:
        self.environment = DockerEnvironment(
            image=setup.image,
            cwd="/workspace",
            env=VARIABLES,
            interpreter=["bash", "-c"],  # a login shell would forget the image's PATH
            timeout=int(LONG_S),
            run_args=["--rm", "--label", setup.label],
        )

    def close(self) -> None:
        """Its own `cleanup` leaves the stopping to a shell in the background; this waits until it is gone."""
        subprocess.run(["docker", "rm", "-f", self.environment.container_id], check=True, capture_output=True)


class Mini(Peer):
    def version(self) -> str:
        return str(__version__)


class Local(Mini):
    def open(self, repository: str = "") -> Box:
        return LocalBox(self.setup)


class Bubblewrap(Mini):
    def open(self, repository: str = "") -> Box:
        folder = Path(self.setup.bin)
        interpreter = (folder / "python").resolve()
        seen = {self.setup.pristine, str(folder.parent), str(interpreter.parent.parent)}
        return BubblewrapBox(self.setup, tuple(sorted(seen)))


class Docker(Mini):
    def open(self, repository: str = "") -> Box:
        return DockerBox(self.setup)
