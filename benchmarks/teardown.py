"""What is left when sandboxes end: processes, mounts, control groups, containers, files, descriptors. Goal: nothing.

    python benchmarks/teardown.py [--times 30] [--backend namespace] [--json]

Each sandbox runs something nasty: orphans in sessions of their own that ignore signals, hide or stand still. A third is
closed after its command, a third while the command runs, and a third has a supervisor of its own that is killed.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path

import docker

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from journeyman.sandbox import lanes
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.docker_reaper import LABEL, owner
from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment, SandboxFactory, SandboxLost
from tests.processes import below, eventually

BARE = Environment(requirements=())
TOKEN = uuid.uuid4().hex
"""In the command line of every process that a command of ours starts."""
NASTY = (
    f"# {TOKEN}"
    + r"""
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
libc.shmget(0, 1 << 20, 0o1600)
for n in range(4):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, signal.NSIG):
            if number not in (9, 17, 19, 32, 33): signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            libc.prctl(4, 0, 0, 0, 0)
            os.closerange(0, 99)
            if n == 3: os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(600)
time.sleep(600)
"""
)
SUPERVISOR = """
import sys, threading
from pathlib import Path
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_reaper import owner
from journeyman.sandbox.sandbox import Environment
sandbox = open_backend(sys.argv[1]).create(Environment(requirements=()), Path(sys.argv[2]))
threading.Thread(target=sandbox.run, args=(["python", "-c", sys.argv[3]],), kwargs={"timeout_s": 600}).start()
print(owner(), flush=True)
"""
RUNS_S = 0.3
"""How long a command may be nasty."""
SETTLE_S = 30.0
SUBREAPER = 36
"""Of prctl: what a killed supervisor leaves becomes ours, and can be counted."""


class Leftovers:
    """What sandboxes of ours have left. Others may make sandboxes meanwhile; theirs do not count."""

    def __init__(self, factory: SandboxFactory, folder: Path) -> None:
        self._docker, self._folder = factory.name == "docker", folder
        self._owners = {owner()}
        self._mounts, self._files, self._groups = self._all_mounts(), self._all_files(), self._all_groups()
        self._handles = self._all_handles()

    def had(self, owner: str) -> None:
        """Another process's sandboxes are ours too."""
        self._owners.add(owner)

    def settled(self) -> dict[str, int]:
        """The count as soon as it is nothing, or after some seconds: others' containers come and go meanwhile."""
        counts: list[dict[str, int]] = []

        def nothing() -> bool:
            counts.append(self._count())
            return not any(counts[-1].values())

        eventually(nothing, within_s=SETTLE_S)
        return counts[-1]

    def _count(self) -> dict[str, int]:
        return {
            "processes": len(below(os.getpid()) | self._commands()),
            "mounts": len(self._all_mounts() - self._mounts),
            "control groups": len(self._all_groups() - self._groups),
            "containers": sum(whose in self._owners for whose in engine().labelled(LABEL).values())
            if self._docker
            else 0,
            "files": len(self._all_files() - self._files),
            "descriptors": max(0, self._all_handles() - self._handles),
        }

    def _commands(self) -> set[int]:
        found = set()
        for words in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if TOKEN.encode() in words.read_bytes() and int(words.parent.name) != os.getpid():
                    found.add(int(words.parent.name))
        return found

    def _all_mounts(self) -> set[str]:
        """Where something of a sandbox is mounted on the host; for containers, of those that are none any more."""
        points = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        if not self._docker:
            return {point for point in points if point.startswith(str(home()))}
        theirs = set()
        with closing(docker.from_env()) as client:
            for container in client.api.containers(all=True):
                with suppress(docker.errors.NotFound):
                    about = client.api.inspect_container(container["Id"])
                    layers = about["GraphDriver"]["Data"] or {}  # none while it is removed
                    theirs |= {layers.get("MergedDir"), about["NetworkSettings"]["SandboxKey"]}
        places = ("/var/lib/docker/", "/run/docker/netns/")
        return {point for point in points if point.startswith(places)} - theirs - {f"/var{each}" for each in theirs}

    def _all_groups(self) -> set[Path]:
        """Control groups below our own whose maker is dead or still below us; of containers, those that are gone."""
        if self._docker:
            found = [*Path("/sys/fs/cgroup").glob("*/docker/*/"), *Path("/sys/fs/cgroup").glob("**/docker-*.scope")]
            with closing(docker.from_env()) as client:
                there = {str(container["Id"]) for container in client.api.containers(all=True)}
            return {group for group in found if not any(container in group.name for container in there)}
        own = {line.rpartition(":")[2].rstrip("/") for line in Path("/proc/self/cgroup").read_text().splitlines()}
        found = [group for path in own for group in Path("/sys/fs/cgroup").glob(f"*{path}/journeyman-*")]
        ours = below(os.getpid())
        pids = {group: int(pid) for group in found if (pid := group.name.split("-")[1]).isdigit()}
        return {group for group, pid in pids.items() if pid in ours or not Path(f"/proc/{pid}").exists()}

    def _all_files(self) -> set[Path]:
        """In the folder for temporary files, and where namespaces are put together."""
        return {
            *self._folder.rglob("*"),
            *home("root").rglob("*"),
            *home("templates").glob(".*"),
            *home("docker").glob(".*"),
        }

    def _all_handles(self) -> int:
        if self._docker:
            engine().close()  # the SDK keeps connections for its next calls
        return sum(1 for _ in Path("/proc/self/fd").iterdir())


def close_one(factory: SandboxFactory, source: Path, *, while_it_runs: bool) -> None:
    """A sandbox that is closed, after its command's time is up or before."""
    with factory.create(BARE, source) as sandbox:
        if not while_it_runs:
            sandbox.run(["python", "-c", NASTY], timeout_s=RUNS_S)
            return
        closing_it = threading.Timer(RUNS_S, sandbox.close)
        closing_it.start()
        with suppress(SandboxLost):
            sandbox.run(["python", "-c", NASTY], timeout_s=60)
        closing_it.join()


def kill_one(factory: SandboxFactory, source: Path) -> str:
    """A sandbox whose supervisor is killed while the command runs; says who that was."""
    words = [sys.executable, "-c", SUPERVISOR, factory.name, str(source), NASTY]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        whose = supervisor.stdout.readline().strip()
        assert whose, "the supervisor could not make a sandbox"
        time.sleep(RUNS_S)
        supervisor.kill()
    return whose


def measured(backend: str, times: int, *, shown: bool) -> dict[str, object]:
    """Make and end that many sandboxes; what is left of them, at once and after some seconds."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    factory = open_backend(backend)
    with tempfile.TemporaryDirectory(prefix="journeyman-teardown-") as folder:
        source, scratch = Path(folder, "source"), Path(folder, "tmp")
        for each in (source, scratch):
            each.mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
        (source / "a.py").write_text("x = 1\n")
        close_one(factory, source, while_it_runs=False)  # builds what is missing
        lanes.dismiss()
        left = Leftovers(factory, scratch)
        start = time.perf_counter()
        for number in range(times):
            if number % 3 == 2:
                left.had(kill_one(factory, source))
            else:
                close_one(factory, source, while_it_runs=number % 3 == 1)
            if shown and sys.stderr.isatty():
                print(f"\r{number + 1} of {times}", end="", file=sys.stderr, flush=True)
        took = time.perf_counter() - start
        lanes.dismiss()
        return {
            "backend": backend,
            "user": os.getuid(),
            "times": times,
            "seconds": round(took, 1),
            "left": left.settled(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--backend", choices=["namespace", "docker"], default="namespace")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    result = measured(arguments.backend, arguments.times, shown=not arguments.json)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:10} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
