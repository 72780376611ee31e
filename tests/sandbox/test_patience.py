"""What the kernel counts of a command's waiting, and what is made of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from journeyman.sandbox.inside.patience import MOST, patience


def counted(proc: Path, process: int, **waited_s: float) -> None:
    """Threads of a process, each with the time that it stood ready."""
    for thread, seconds in waited_s.items():
        folder = proc / str(process) / "task" / thread.removeprefix("t")
        folder.mkdir(parents=True)
        (folder / "schedstat").write_text(f"7000000000 {seconds * 1e9:.0f} 12\n")


def test_all_threads_of_all_processes_but_ours_are_waited_for(tmp_path: Path) -> None:
    counted(tmp_path, 2, t2=0.25, t3=0.5)
    counted(tmp_path, 9, t9=1.0)
    counted(tmp_path, os.getpid(), t1=50.0)
    (tmp_path / "uptime").write_text("1 1")
    assert patience(10.0, str(tmp_path)) == pytest.approx(1.75)
    assert patience(0.5, str(tmp_path)) == 0.5 * MOST, "a command that crowds itself out ends all the same"


def test_what_has_ended_or_is_not_counted_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "3" / "task" / "3").mkdir(parents=True)
    for process, text in ((4, ""), (5, "7"), (6, "7 x 1")):
        counted(tmp_path, process, t1=0.0)
        (tmp_path / str(process) / "task" / "1" / "schedstat").write_text(text)
    assert patience(10.0, str(tmp_path)) == 0.0


def test_the_kernel_counts_here() -> None:
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("this kernel does not count how long processes wait (CONFIG_SCHED_INFO)")
    assert 0 <= patience(1.0) <= MOST
