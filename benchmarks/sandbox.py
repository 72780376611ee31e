"""How long a sandbox takes: reset (create until it answers), one trivial command, a snapshot, close.

    python benchmarks/sandbox.py [--backend namespace] [--rounds 30] [--json]

Every round measures each thing once, so that a busy moment of the machine falls on all of them alike; the medians
are told, beside a bare `subprocess.run(["true"])`. Goals on a quiet machine: reset under 30 ms (namespace), a
command under 15 ms. A reset takes a launcher that was started ahead; "cold reset" is one that had none.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from journeyman.sandbox import lanes
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import Environment, SandboxFactory

GOALS_MS = {"namespace": {"reset": 30.0, "command": 15.0}, "docker": {"command": 15.0}}
BARE = Environment(requirements=())


class Times:
    """Milliseconds by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[float]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.by_name.setdefault(name, []).append((time.perf_counter() - start) * 1000)

    def medians(self) -> dict[str, float]:
        return {name: round(statistics.median(values), 2) for name, values in self.by_name.items()}


def repository(folder: Path, files: int = 40) -> Path:
    """A small repository: forty modules of forty lines."""
    for number in range(files):
        path = folder / f"package{number % 4}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"def f{line}(x):\n    return x + {number}\n" for line in range(20)))
    return folder


def one_round(factory: SandboxFactory, source: Path, times: Times) -> None:
    with times.of("bare subprocess"):
        subprocess.run(["true"], check=True)
    with times.of("reset"):
        sandbox = factory.create(BARE, source)
        sandbox.read("package0/module0.py")
    with sandbox:
        for _ in range(3):
            with times.of("command"):
                sandbox.run(["true"], timeout_s=30)
        with times.of("shell command"):
            sandbox.run("true", timeout_s=30)
        with times.of("first snapshot"):
            sandbox.snapshot()
        sandbox.write("package0/module0.py", b"x = 1\n")
        with times.of("snapshot"):
            sandbox.snapshot()
        time.sleep(0.1)  # as long as a policy thinks at the least; the next launcher gets ready
        start = time.perf_counter()
    times.by_name.setdefault("close", []).append((time.perf_counter() - start) * 1000)
    if factory.name == "namespace" and len(times.by_name["reset"]) % 5 == 0:
        lanes.dismiss()
        with times.of("cold reset"):
            sandbox = factory.create(BARE, source)
        sandbox.close()
        time.sleep(0.1)


def at_once(factory: SandboxFactory, source: Path, count: int) -> float:
    """Seconds until `count` sandboxes were made, used and closed at the same time."""

    def use(_: int) -> bool:
        with factory.create(BARE, source) as sandbox:
            return sandbox.run("true", timeout_s=60).ok

    start = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        assert all(pool.map(use, range(count)))
    return time.perf_counter() - start


def measured(backend: str, rounds: int, log: Callable[[str], None]) -> dict[str, object]:
    factory = open_backend(backend)
    times = Times()
    with tempfile.TemporaryDirectory() as folder:
        source = repository(Path(folder))
        one_round(factory, source, Times())  # builds what is missing
        for _ in range(rounds):
            one_round(factory, source, times)
        sixteen = at_once(factory, source, 16)
    medians = times.medians()
    log(f"{factory.name}, {rounds} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    goals = GOALS_MS[factory.name]
    for name, value in medians.items():
        goal = f"   goal {goals[name]:.0f}: {'met' if value < goals[name] else 'MISSED'}" if name in goals else ""
        log(f"  {name:<16} {value:8.2f} ms   (min {min(times.by_name[name]):.2f}){goal}")
    log(f"  {'16 at once':<16} {sixteen:8.2f} s")
    return {
        "backend": factory.name,
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "median_ms": medians,
        "sixteen_at_once_s": round(sixteen, 2),
        "goals_met": {name: medians[name] < goal for name, goal in goals.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="namespace")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    result = measured(arguments.backend, arguments.rounds, (lambda _: None) if arguments.json else print)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
