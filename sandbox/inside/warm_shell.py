"""What `/bin/sh -c WORDS` does around a program, learned by trying: a warm run does without the shell."""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH113, PTH114, PTH115, PTH116, PTH117, PTH119,
# ruff: noqa: PTH109, PTH120, PTH121, PTH123, PTH208, PTH211, RUF100, SIM105, SIM115, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import os
import signal

KNOWN = frozenset({"PWD", "SHLVL", "_"})
LOOK = "cat /proc/self/environ /proc/self/stat"
QUIET = (signal.SIGINT, signal.SIGPIPE)
"""The signals of whose deaths a shell says nothing."""


class Shell:
    """How it starts a command's only program.

    Raises:
        OSError, ValueError: it does something that we do not know.
    """

    def __init__(self) -> None:
        reader, writer = os.pipe()
        try:
            pid = os.posix_spawn(
                "/bin/sh", ["/bin/sh", "-c", LOOK], {}, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)]
            )
            os.waitpid(pid, 0)
            *variables, status = os.read(reader, 1 << 16).decode().split("\0")
        finally:
            os.close(reader)
            os.close(writer)
        self._adds = dict(variable.split("=", 1) for variable in variables)
        if not self._adds.keys() <= KNOWN or self._adds.get("PWD", os.getcwd()) != os.getcwd():
            raise ValueError(f"a shell that adds {sorted(self._adds)}")
        self.forks = int(status.split()[0]) != pid
        """Whether it stays, as the program's parent."""

    def adds(self, program: str, folder: str) -> dict[str, str]:
        """Variables beside those that it was given."""
        return {**self._adds, **{k: v for k, v in (("PWD", folder), ("_", program)) if k in self._adds}}


def last_words(code: int) -> bytes:
    """What the shell that waited for a program says when a signal ended it."""
    return b"" if code >= 0 or -code in QUIET else f"{signal.strsignal(-code)}\n".encode()
