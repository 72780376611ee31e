"""How often a grading says something else than the one before it of the same tree, and whether a wrong solution pays.

    python benchmarks/flakes.py [DIR] [--gradings 1000] [--sample 100] [--wrong] [--backend namespace] [--jobs 1]

The tasks below DIR (else those that were written by hand) take turns, in an order drawn by `--seed`: of each the
reference and doing nothing are graded, and with `--wrong` also solutions that are surely wrong
(`journeyman.tasks.audit.lazy`). A grading is right when the reference passes every check, when doing nothing fails
every `fail_to_pass` and passes every `pass_to_pass`, and when a wrong solution is not resolved; anything else is a
disagreement with the task's proof. Each grading is a line of the ledger beside the tasks (`flakes.jsonl`, else in
build/); run again, it goes on where it was, and round after round over all tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.audit.lazy import lazy_solutions
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import bundled_tasks, load_tasks
from journeyman.tasks.sources.ledger import mend
from journeyman.tasks.task import Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.verdict import Outcome, Verdict

LEDGER = "flakes.jsonl"
REFERENCE, NOTHING = "reference", "nothing"
GOAL = 0.001
Row = dict[str, object]


@dataclass(frozen=True)
class Grading:
    """One that is due."""

    task: Task
    side: str
    """The reference, nothing, or the name of a wrong solution."""
    round: int

    @property
    def key(self) -> tuple[object, ...]:
        return self.task.name, self.side, self.round

    @property
    def tree(self) -> Snapshot:
        if self.side == REFERENCE:
            return solution_tree(self.task)
        return pristine_tree() if self.side == NOTHING else lazy_solutions(self.task)[self.side]


def due(tasks: list[Task], seed: int, sample: int | None, wrong: bool) -> Iterator[Grading]:
    """Gradings without end, the same for the same tasks and seed."""
    turn = sorted(tasks, key=lambda task: task.name)
    random.Random(seed).shuffle(turn)
    for number in count():
        for task in turn[:sample]:
            sides = (REFERENCE, NOTHING, *(lazy_solutions(task) if wrong else ()))
            yield from (Grading(task, side, number) for side in sides)


def odd_checks(grading: Grading, verdict: Verdict) -> list[str]:
    """What disagrees with the proof: checks, or a word for the whole."""
    if verdict.resolved is None:
        return ["unscored"]
    if grading.side not in (REFERENCE, NOTHING):
        return ["paid"] if verdict.resolved else []
    failing = set(grading.task.fail_to_pass) if grading.side == NOTHING else set[str]()
    return [check for check, outcome in verdict.outcomes.items() if (outcome is Outcome.PASSED) is (check in failing)]


def settle(grading: Grading, sandboxes: SandboxFactory, ledger: Path, lock: threading.Lock) -> Row:
    verdict = grade(grading.task, grading.tree, sandboxes)
    name, side, number = grading.key
    row: Row = {"task": name, "side": side, "round": number, "odd": odd_checks(grading, verdict)}
    row |= {
        "cause": str(verdict.cause or ""),
        "seconds": round(verdict.duration_s, 3),
        "load": round(os.getloadavg()[0], 1),
    }
    with lock, ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, separators=(",", ":")) + "\n")
    return row


def summary(rows: list[Row], tasks: int) -> dict[str, object]:
    sides = Counter("wrong" if row["side"] not in (REFERENCE, NOTHING) else row["side"] for row in rows)
    odd = [row for row in rows if row["odd"]]
    pure = [row for row in rows if row["side"] in (REFERENCE, NOTHING)]
    disagreements = sum(bool(row["odd"]) for row in pure)
    return {
        "tasks": len({row["task"] for row in rows}),
        "of": tasks,
        "gradings": {str(side): number for side, number in sorted(sides.items(), key=str)},
        "disagreements": disagreements,
        "rate": disagreements / max(1, len(pure)),
        "wrong_paid": sum(row["odd"] == ["paid"] for row in odd),
        "odd": odd,
        "machine": {"cores": os.cpu_count(), "kernel": os.uname().release, "load": round(os.getloadavg()[0], 1)},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, nargs="?", help="a folder of task folders, such as a suite that was built")
    parser.add_argument("--gradings", type=int, default=60, help="how many there are to be, earlier runs' included")
    parser.add_argument("--sample", type=int, help="tasks that take turns, drawn by the seed; default: all")
    parser.add_argument("--wrong", action="store_true", help="grade five wrong solutions of each task too")
    parser.add_argument("--backend", default="namespace")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tasks = list(load_tasks(options.tasks) if options.tasks else bundled_tasks())
    ledger = (options.tasks or Path("build")) / LEDGER
    ledger.parent.mkdir(exist_ok=True)
    rows: list[Row] = [json.loads(line) for line in mend(ledger).read_text(encoding="utf-8").splitlines()]
    known = {(row["task"], row["side"], row["round"]) for row in rows}
    missing = (each for each in due(tasks, options.seed, options.sample, options.wrong) if each.key not in known)
    sandboxes, lock = open_backend(options.backend), threading.Lock()
    with ThreadPoolExecutor(options.jobs) as pool:
        todo = islice(missing, max(0, options.gradings - len(rows)))
        for row in pool.map(lambda each: settle(each, sandboxes, ledger, lock), todo):
            rows.append(row)
            if row["odd"]:
                print(json.dumps(row), file=sys.stderr, flush=True)
    found = summary(rows, len(tasks))
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        verdict = "met" if float(str(found["rate"])) <= GOAL else "MISSED"
        print(f"{found['gradings']} gradings of {found['tasks']} of {found['of']} tasks")
        print(f"{found['disagreements']} disagreements, {found['rate']:.5f} of the gradings (goal {GOAL}: {verdict})")
        print(f"{found['wrong_paid']} wrong solutions paid; machine: {found['machine']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
