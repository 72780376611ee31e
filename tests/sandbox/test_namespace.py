"""What is particular to the namespace backend: nothing is left behind, however it ends."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.sandbox import lanes, zygotes
from journeyman.sandbox.namespace import NamespaceSandboxes
from journeyman.sandbox.sandbox import Environment, ImageError, SandboxLost, SandboxUnavailable
from tests.processes import below, eventually

from .conftest import BARE, TIGHT


@pytest.fixture
def ours() -> Iterator[set[int]]:
    """The processes below us that were there before, none of them an idle lane or what it came from."""
    lanes.dismiss()
    yield below(os.getpid())
    lanes.dismiss()


def gone(before: set[int]) -> bool:
    lanes.dismiss()
    return eventually(lambda: below(os.getpid()) <= before)


def test_nothing_is_left_after_close(ours: set[int], repository: Path) -> None:
    with NamespaceSandboxes().create(BARE, repository) as sandbox:
        assert len(below(os.getpid()) - ours) >= 5, "outer and inner process, zygote, lane and helper"
        mounts = Path("/proc/self/mountinfo").read_text()
        assert "workspace" not in mounts
        sandbox.run("true", timeout_s=10)
    lanes.dismiss()
    assert below(os.getpid()) <= ours


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look into the helper")
def test_lane_and_helper_get_nothing_of_ours(
    ours: set[int], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNEYMAN_TEST_SECRET", "hunter2")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        with NamespaceSandboxes().create(BARE, repository) as sandbox:
            for pid in below(os.getpid()) - ours:
                process = Path(f"/proc/{pid}")
                assert b"JOURNEYMAN" not in (process / "environ").read_bytes()
                handles = {str(handle.readlink()).split(":")[0] for handle in (process / "fd").iterdir()}
                assert handles <= {"/dev/null", "socket", "anon_inode", "pid"}  # the last: a lane's own namespace
            assert sandbox.run("true", timeout_s=10).ok


def test_a_forgotten_sandbox_ends(ours: set[int], repository: Path) -> None:
    sandbox = NamespaceSandboxes().create(BARE, repository)
    assert sandbox.files()
    del sandbox
    gc.collect()
    assert gone(ours)


def longest_line(process: int) -> list[int]:
    """From a process down to the last of its longest line of descendants."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *max((longest_line(int(child)) for child in children), key=len, default=[])]


def test_a_killed_sandbox_is_lost_and_says_so(ours: set[int], repository: Path) -> None:
    for depth in range(5):  # outer process, inner process, zygote, lane, helper
        sandbox = NamespaceSandboxes().create(BARE, repository)
        (outer,) = {line[0] for pid in below(os.getpid()) - ours if len(line := longest_line(pid)) == 5}
        os.kill(longest_line(outer)[depth], signal.SIGKILL)
        with pytest.raises(SandboxLost, match="killed"):
            sandbox.run("sleep 5", timeout_s=10)
        with pytest.raises(SandboxLost):
            sandbox.files()
        sandbox.close()
        assert gone(ours)


SUPERVISOR = """
import sys, time
from pathlib import Path
from journeyman.sandbox.namespace import NamespaceSandboxes
from journeyman.sandbox.sandbox import Environment
sandbox = NamespaceSandboxes().create(Environment(requirements=()), Path(sys.argv[1]))
print("ready", flush=True)
sandbox.run("setsid sleep 300 & sleep 300", timeout_s=600)
"""


def groups(owners: set[int]) -> list[Path]:
    """The control groups of lanes that came from these processes."""
    names = tuple(f"journeyman-{pid}-" for pid in owners)
    return [
        Path(place, name)
        for place, folders, _ in os.walk("/sys/fs/cgroup")
        for name in folders
        if name.startswith(names)
    ]


def test_a_supervisor_that_is_killed_leaves_nothing(repository: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(repository)], stdout=subprocess.PIPE)
    with supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"ready\n"
        assert eventually(lambda: len(below(supervisor.pid)) >= 7, 60), "what sandboxes come from, helper, commands"
        its = below(supervisor.pid)
        supervisor.kill()
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in its))
    assert groups(its) == []


def test_a_fork_of_the_supervisor_does_not_hold_or_end_its_sandboxes(repository: Path) -> None:
    sandbox = NamespaceSandboxes().create(BARE, repository)
    pid = os.fork()
    if pid == 0:
        sandbox.close()
        time.sleep(600)
        os._exit(0)
    try:
        time.sleep(0.2)
        assert sandbox.run("echo alive", timeout_s=10).text == "alive\n"
        start = time.monotonic()
        sandbox.close()
        assert time.monotonic() - start < 60, "it does not wait for the fork"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_group_out_of_memory_takes_the_command_and_not_the_sandbox(repository: Path) -> None:
    with NamespaceSandboxes().create(BARE, repository, limits=TIGHT) as sandbox:
        for _ in range(3):
            hog = "import os\nos.fork(); os.fork()\nx = []\nwhile True: x.append(bytearray(1 << 20))"
            assert not sandbox.run(["python", "-c", hog], timeout_s=60).ok
        assert sandbox.run("echo alive", timeout_s=20).text == "alive\n"


def test_what_cannot_be_built_is_said() -> None:
    with pytest.raises(ImageError, match="docker backend"):
        NamespaceSandboxes().create(Environment(system_packages=("cowsay",)), Path("/tmp"))
    with pytest.raises(ImageError, match=r"3\.5"):
        NamespaceSandboxes().create(Environment(python="3.5"), Path("/tmp"))
    with pytest.raises(ImageError, match="minor version"):
        NamespaceSandboxes().create(Environment(python="three"), Path("/tmp"))


def test_a_zygote_that_cannot_start_says_what_to_do(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes.dismiss()
    monkeypatch.setattr(zygotes, "LAUNCH", "raise SystemExit(3)")
    with pytest.raises(SandboxUnavailable, match="docker backend"):
        NamespaceSandboxes().create(BARE, repository)


ANYBODY = """
import os, sys
from pathlib import Path
os.setgroups([]); os.setresgid(4242, 4242, 4242); os.setresuid(4242, 4242, 4242)
from journeyman.sandbox.namespace import NamespaceSandboxes
from journeyman.sandbox.sandbox import Environment
with NamespaceSandboxes().create(Environment(requirements=()), Path(sys.argv[1])) as sandbox:
    print(sandbox.run("id -u; cat a; chmod 600 a; echo 2 > a; rm -r d; mkdir d; touch d/new; ls d", timeout_s=20).text)
    print(sandbox.run("grep -E 'CapEff|NoNewP|Seccomp:' /proc/self/status; python -c 'print(42)'", timeout_s=20).text)
    print(sorted(sandbox.snapshot().changed), sorted(sandbox.snapshot().removed))
"""


@pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root, to become somebody else; elsewhere every test runs as a user"
)
def test_an_ordinary_user_gets_the_same_sandbox() -> None:
    """The interpreter may stand where that user cannot go: then the system's serves, if it is of our version."""
    python = next((p for p in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}") if anybody_may_run(p)), None)
    if python is None:
        pytest.skip("no interpreter that an ordinary user may run")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        repository = Path(folder, "repository")
        (repository / "d").mkdir(parents=True)
        (repository / "a").write_text("1\n")
        (repository / "d" / "old").write_text("old\n")
        for path in (Path(folder), repository, repository / "d"):
            path.chmod(0o777)
        variables = {
            "PATH": os.defpath,
            "JOURNEYMAN_HOME": f"{folder}/home",
            "PYTHONPATH": os.pathsep.join(sys.path[1:]),
        }
        done = subprocess.run([python, "-c", ANYBODY, str(repository)], env=variables, capture_output=True, text=True)
    assert done.stdout.split() == [
        *("1000", "1", "new", "CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2", "42"),
        *("['a',", "'d/new']", "['d/old']"),
    ], done.stderr


def anybody_may_run(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", ""], user=4242, group=4242, env={}, capture_output=True).returncode == 0
    except OSError:
        return False
