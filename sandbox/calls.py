"""Programs of the host that start others: when their time is over, or ours, all of them end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


def call(command: Sequence[str], *, timeout_s: float, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; pip, for one, leaves the work to a child that outlives it.

    Args:
        settings: of `subprocess.Popen`.

    Raises:
        subprocess.TimeoutExpired: it took longer; nothing of it runs any more.
        OSError: it could not start.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, text=True, **settings)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
