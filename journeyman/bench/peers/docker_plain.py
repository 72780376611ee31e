"""Docker without anything around it: the SDK's `run` and `remove`, and the `docker` command line."""

from __future__ import annotations

import subprocess
from typing import Any

import docker

from .box import VARIABLES, Box, Peer, Ran, Setup

SLEEP = ["sleep", "7200"]


class SdkBox(Box):
    """Its `exec_run` knows no time limit: coreutils' `timeout` in the container keeps it."""

    def __init__(self, client: Any, setup: Setup) -> None:
        name, _, value = setup.label.partition("=")
        self._container: Any = client.containers.run(
            setup.image,
            SLEEP,
            detach=True,
            network_mode="none",
            environment=VARIABLES,
            working_dir="/workspace",
            labels={name: value},
        )

    def run(self, command: str, timeout_s: float) -> Ran:
        done = self._container.exec_run(["timeout", "-s", "KILL", str(timeout_s), "/bin/sh", "-c", command])
        return Ran(done.exit_code, done.output.decode(errors="replace"))

    def close(self) -> None:
        self._container.remove(force=True)


class CommandLineBox(Box):
    def __init__(self, setup: Setup) -> None:
        words = [word for name, value in VARIABLES.items() for word in ("-e", f"{name}={value}")]
        words += ["--label", setup.label, "-w", "/workspace", "--network", "none"]
        made = ["docker", "run", "-d", *words, setup.image, *SLEEP]
        self._id = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()

    def run(self, command: str, timeout_s: float) -> Ran:
        words = ["docker", "exec", "-w", "/workspace", self._id, "/bin/sh", "-c", command]
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return Ran(-1, "")
        return Ran(done.returncode, done.stdout.decode(errors="replace"))

    def close(self) -> None:
        subprocess.run(["docker", "rm", "-f", self._id], check=True, capture_output=True)


class Sdk(Peer):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._client = docker.from_env()

    def version(self) -> str:
        return str(docker.__version__)

    def open(self, repository: str = "") -> Box:
        return SdkBox(self._client, self.setup)

    def end(self) -> None:
        self._client.close()


class CommandLine(Peer):
    def version(self) -> str:
        asked = ["docker", "version", "-f", "{{.Client.Version}}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    def open(self, repository: str = "") -> Box:
        return CommandLineBox(self.setup)
