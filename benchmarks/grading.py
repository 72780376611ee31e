"""What grading costs beyond the tests themselves, at each level of assurance.

    python benchmarks/grading.py [--task holdfast-cache-renewal …] [--rounds 7] [--backend namespace] [--json]

Every round runs the task's checks once by pytest alone, in a sandbox that stands already over the reference, and grades
the reference once at each level of assurance up to the task's own. What is told is the median over the rounds of what a
grading took beyond pytest's own process in that round. The goal on a quiet machine, at a task's own level: at most 1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.edits import source_edits
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.runner import run_tests
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.trial import lay_edits, lay_hidden
from journeyman.tasks.verdict import Assurance

GOAL_S = 1.0
LEVELS = tuple(Assurance)
"""Weakest first."""


@dataclass
class Times:
    """Seconds of every round."""

    tests: list[float] = field(default_factory=list)
    graded: dict[Assurance, list[float]] = field(default_factory=dict)

    def beyond(self, level: Assurance) -> float:
        """The median of what a grading took beyond the tests."""
        pairs = zip(self.graded[level], self.tests, strict=True)
        return statistics.median(graded - tests for graded, tests in pairs)


def tests_alone(task: Task, factory: SandboxFactory) -> float:
    """How long pytest's own process takes over the reference, in seconds."""
    ids = [check.id for check in task.checks]
    with factory.create(task.environment, task.repository, limits=task.limits) as sandbox:
        lay_edits(sandbox, source_edits(task, solution_tree(task)))
        lay_hidden(task, sandbox)
        return run_tests(sandbox, ids=ids, timeout_s=task.budget.grading_timeout_s).duration_s


def graded(task: Task, level: Assurance, factory: SandboxFactory) -> float:
    started = time.perf_counter()
    verdict = grade(task.model_copy(update={"assurance": level}), solution_tree(task), factory)
    if verdict.resolved is not True:
        raise SystemExit(f"{task.name}: the reference is not resolved at {level}: {verdict.detail[:500]}")
    return time.perf_counter() - started


def measured(task: Task, rounds: int, factory: SandboxFactory) -> Times:
    levels = LEVELS[: LEVELS.index(task.assurance) + 1]
    times = Times(graded={level: [] for level in levels})
    tests_alone(task, factory)  # builds what is missing
    for _ in range(rounds):
        times.tests.append(tests_alone(task, factory))
        for level in levels:
            times.graded[level].append(graded(task, level, factory))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", help="a bundled task's name; may be repeated; default: all of them")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backend", default="namespace")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    factory = open_backend(arguments.backend)
    tasks = [task for task in bundled_tasks() if not arguments.task or task.name.rpartition("/")[2] in arguments.task]
    rows: list[dict[str, Any]] = []
    for task in tasks:
        times = measured(task, arguments.rounds, factory)
        beyond = {level.value: round(times.beyond(level), 3) for level in times.graded}
        tests_s = round(statistics.median(times.tests), 3)
        rows.append({"task": task.name, "checks": len(task.checks), "tests_s": tests_s, "beyond_s": beyond})
        if not arguments.json:
            said = ", ".join(f"{level} +{seconds:.2f} s" for level, seconds in beyond.items())
            print(f"{task.name:45} {len(task.checks):4} checks  tests {tests_s:.2f} s  {said}", flush=True)
    by_level = {level: [row["beyond_s"][level] for row in rows if level in row["beyond_s"]] for level in LEVELS}
    median = {level: statistics.median(values) for level, values in by_level.items() if values}
    worst = {level: max(values) for level, values in by_level.items() if values}
    machine = {"cores": os.cpu_count(), "kernel": os.uname().release, "load": os.getloadavg()[0]}
    result = {"rounds": arguments.rounds, "median_beyond_s": median, "worst_beyond_s": worst, "machine": machine}
    if arguments.json:
        print(json.dumps(result | {"tasks": rows}, indent=1))
        return
    for level, seconds in median.items():
        verdict = "met" if seconds <= GOAL_S else "MISSED"
        print(
            f"{level}: median {seconds:.2f} s beyond the tests, worst {worst[level]:.2f} s (goal {GOAL_S} s: {verdict})"
        )
    print(f"machine: {machine}")


if __name__ == "__main__":
    main()
