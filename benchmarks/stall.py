"""How long the rest of the machine stands still while a sandbox is attacked from inside.

    python benchmarks/stall.py [--backend namespace] [--rounds 5] [--json]

A process outside wakes up every millisecond and notes by how much it was late at the worst. Each round has a window
without an attack and one with each attack, in turn, so that other work on the machine falls on all alike. The attacks
are cases of tests/redteam. Bar: 1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import Limits, SandboxError, SandboxFactory
from tests.redteam.attacks import Attack, attacks
from tests.redteam.hostile import TASK, Host, run_script

BAR_MS = 1000.0
WINDOW_S = 3.0
NAMES = ("fork-bomb", "fork-bomb-of-sessions", "memory-of-many", "output-flood", "disk", "inodes")
TICKER = """
import sys, time
end, last, worst = time.monotonic() + float(sys.argv[1]), time.monotonic(), 0.0
while last < end:
    time.sleep(0.001)
    now = time.monotonic()
    last, worst = now, max(worst, now - last - 0.001)
print(worst * 1000)
"""


def window(attack: Attack | None, factory: SandboxFactory, host: Host) -> float:
    """The longest stall of a window, in ms."""
    with factory.create(TASK.environment, TASK.repository, limits=Limits()) as sandbox:
        words = [sys.executable, "-I", "-S", "-c", TICKER, str(WINDOW_S)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ticker:
            if attack is not None:
                try:
                    run_script(attack.script, sandbox, host, timeout_s=WINDOW_S)
                except SandboxError as error:
                    print(f"{attack.name}: {error}", file=sys.stderr)
            return float(ticker.communicate()[0])


def measured(backend: str, rounds: int) -> dict[str, object]:
    factory = open_backend(backend)
    chosen = {attack.name: attack for attack in attacks() if attack.name in NAMES}
    stalls: dict[str, list[float]] = {name: [] for name in ("no attack", *NAMES)}
    with Host() as host:
        for number in range(rounds):
            for name, found in stalls.items():
                if sys.stderr.isatty():
                    print(f"\rround {number + 1} of {rounds}: {name:30}", end="", file=sys.stderr, flush=True)
                found.append(window(chosen.get(name), factory, host))
    return {
        "backend": backend,
        "user": os.getuid(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "rounds": rounds,
        "median_ms": {name: round(statistics.median(found), 1) for name, found in stalls.items()},
        "worst_ms": {name: round(max(found), 1) for name, found in stalls.items()},
        "bar_met": max(max(found) for found in stalls.values()) < BAR_MS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["namespace", "docker"], default="namespace")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    arguments = parser.parse_args()
    start = time.perf_counter()
    result = measured(arguments.backend, arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
        return
    medians, worst = result.pop("median_ms"), result.pop("worst_ms")
    print(
        *(f"{name} {value}" for name, value in result.items()), f"seconds {time.perf_counter() - start:.0f}", sep=", "
    )
    assert isinstance(medians, dict) and isinstance(worst, dict)
    for name, value in medians.items():
        print(f"  {name:24} {value:8.1f} ms median, {worst[name]:8.1f} ms worst")


if __name__ == "__main__":
    main()
