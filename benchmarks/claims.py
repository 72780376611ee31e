"""What it costs to hold a report's claims against its record.

    python benchmarks/claims.py [--rounds 5] [--json]

Told is processor time: of each episode of the benchmark that is labelled by hand, with all its claims (median and 99th
percentile), and of made-up episodes from a dozen steps to thousands, with as many claims. The goal: 50 ms an episode.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Sequence
from time import process_time
from typing import Any

from journeyman.envs.actions import Action, Claim
from journeyman.envs.claims import check_claims
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.observation import Observation
from journeyman.training.skills.claims.cases import Case, hand_labelled

GOAL_MS = 50.0
SIZES = ((12, 6), (100, 20), (1_000, 50), (1_000, 1_000), (5_000, 1_000), (5_000, 5_000))
"""Steps and claims of the episodes that are made up."""
TESTS = 60
"""That each test run tells of."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median counts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    real = by_hand(options.rounds)
    made = {f"{steps} steps, {claims} claims": made_up(steps, claims, options.rounds) for steps, claims in SIZES}
    found: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.release()}, load {os.getloadavg()[0]:.1f}",
        "rounds": options.rounds, "goal_ms": GOAL_MS, "episodes": len(real),
        "median_ms": statistics.median(real), "p99_ms": statistics.quantiles(real, n=100)[-1], "made_up_ms": made,
    }  # fmt: skip
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(found["machine"])
    print(f"{len(real)} episodes labelled by hand: median {found['median_ms']:.2f} ms, p99 {found['p99_ms']:.2f} ms")
    for name, ms in made.items():
        print(f"{name:<28} {ms:9.2f} ms   {'within' if ms <= GOAL_MS else 'above'} {GOAL_MS:.0f} ms")


def by_hand(rounds: int) -> list[float]:
    """Processor time of each episode that is labelled by hand, in ms."""
    episodes: dict[str, list[Case]] = {}
    for case in hand_labelled():
        episodes.setdefault(case.episode, []).append(case)
    return [measured([case.claim for case in cases], cases[0].steps, rounds) for cases in episodes.values()]


def made_up(steps: int, claims: int, rounds: int) -> float:
    """Processor time of an episode of edits, test runs and commands, and a report of claims of every kind, in ms."""
    kinds = ("tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked")
    report = [Claim.model_validate({"kind": kinds[n % 6], "subject": subject(n)}) for n in range(claims)]
    return measured(report, [step(n) for n in range(steps)], rounds)


def subject(n: int) -> str:
    number = n // 6
    return (
        f"tests/test_{number % 40}.py", f"tests/test_{number % 40}.py::test_{number % TESTS}", f"src/part_{number}.py",
        f"tests/test_{number % 40}.py::test_{number % TESTS}", f"part {number}", f"tool{number} is not installed",
    )[n % 6]  # fmt: skip


def step(n: int) -> Step:
    ids = [f"tests/test_{i % 40}.py::test_{i}" for i in range(TESTS)]
    diff, tests, tree = "", None, f"{n - n % 3:x}"
    if n % 3 == 0:
        path = f"src/part_{n % 97}.py"
        call = Action("edit", {"path": path, "old": f"value = {n - 1}", "new": f"value = {n}"})
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -3,3 +3,3 @@\n one\n-value = {n - 1}\n+value = {n}\n two\n"
        text = f"edited {path}:4"
    elif n % 3 == 1:
        call, tests, text = Action("test"), TestRun(tuple(ids[1:]), (ids[0],)), f"1 failed, {TESTS - 1} passed"
    else:
        call, text = Action("run", {"command": f"tool{n} --version"}), f"exit 127\nsh: 1: tool{n}: not found"
    return Step(call, Observation(text, call.tool, True, n + 1), 0.0, tree, diff, tests)


def measured(claims: Sequence[Claim], steps: Sequence[Step], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = process_time()
        check_claims(claims, steps)
        times.append(1000 * (process_time() - began))
    return statistics.median(times)


if __name__ == "__main__":
    main()
