"""The far end of a worker: a row that is measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_START = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); from peers.worker import main; main()"
HANGS_S = 400.0
"""How long one answer may take, in seconds; building an image is the longest."""
END_S = 60.0
"""How long a worker may take to end, in seconds."""
GONE_S = 5.0
"""How long, after it, what it has started may take to end, in seconds."""


class RowError(Exception):
    """A row could not be measured; the message says why."""


class RowMissing(RowError):
    """Its package is not installed in that interpreter."""


class Worker:
    """One row's process.

    Args:
        log: takes what the peer prints.
    """

    def __init__(self, python: str, log: IO[bytes]) -> None:
        self._group = ""
        self._process = subprocess.Popen(
            [python, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "MSWEA_SILENT_STARTUP": "1"},
        )

    def ask(self, op: str, **arguments: Any) -> Any:
        """What it answers.

        Raises:
            RowMissing: the peer is not installed.
            RowError: it failed, or its process ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        hangs = threading.Timer(HANGS_S, self._process.kill)
        hangs.start()
        try:
            self._process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or "{}")
        except (OSError, ValueError) as error:
            raise RowError(f"its process broke off: {error}") from error
        finally:
            hangs.cancel()
        if "missing" in answer:
            raise RowMissing(answer["missing"])
        if "error" in answer:
            raise RowError(answer["error"])
        if "ok" not in answer:
            raise RowError(f"its process ended with {self._process.wait()}")
        if op == "setup":
            self._group = answer["ok"]["group"]
        return answer["ok"]

    def is_dead(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        """End it, and remove the control group that it made."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        deadline = time.monotonic() + GONE_S
        while self._group and Path(self._group).is_dir() and time.monotonic() < deadline:
            with suppress(OSError):  # what ends with it may not have ended yet
                Path(self._group).rmdir()
            time.sleep(0.02)
