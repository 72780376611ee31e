"""No sandbox at all: a copy of the repository, and `subprocess`. What everything else is compared with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .box import VARIABLES, Box, Peer, Ran, Setup


def variables(setup: Setup, workspace: str) -> dict[str, str]:
    """What a command on the host gets."""
    path = f"{setup.bin}:/usr/local/bin:/usr/bin:/bin"
    return {**VARIABLES, "PATH": path, "HOME": setup.scratch, "PYTHONPATH": workspace}


def copied(setup: Setup) -> str:
    """A fresh copy of the pristine repository."""
    folder = tempfile.mkdtemp(dir=setup.scratch)
    subprocess.run(["cp", "-a", f"{setup.pristine}/.", folder], check=True)
    return folder


def remove_tree(folder: str) -> None:
    """A copy that is used no more. What a command left running may still write there."""
    shutil.rmtree(folder, ignore_errors=True)


class BareBox(Box):
    def __init__(self, setup: Setup) -> None:
        self.pristine = setup.pristine
        self._folder = copied(setup)
        self._variables = variables(setup, self._folder)

    def run(self, command: str, timeout_s: float) -> Ran:
        with subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=self._folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                output = process.communicate(timeout=timeout_s)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output = process.communicate()[0]
            return Ran(process.returncode, output.decode(errors="replace"))

    def write(self, path: str, text: str) -> None:
        Path(self._folder, path).write_text(text)

    def close(self) -> None:
        remove_tree(self._folder)


class Bare(Peer):
    def open(self, repository: str = "") -> Box:
        return BareBox(self.setup)
