"""A program of the host ends with all that it started."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from journeyman.sandbox.calls import call

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, file=open(sys.argv[1], "w"), flush=True)
child.wait()
"""


def runs(pid: str) -> bool:
    try:
        return "(zombie)" not in Path("/proc", pid, "status").read_text()
    except OSError:
        return False


def test_what_it_says_and_how_it_ended() -> None:
    done = call(
        ["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_when_its_time_is_over_its_children_end_too(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired):
        call([sys.executable, "-c", PARENT, str(noted)], timeout_s=5)
    child, deadline = noted.read_text().strip(), time.monotonic() + 60
    while runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(child)
