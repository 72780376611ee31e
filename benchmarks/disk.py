"""What many tasks of one library take of the disk, beside what one of them takes.

    python benchmarks/disk.py [--library boltons==25.0.0] [--tasks 90] [--json]

Recipes that come along are built in a fresh place with a fresh cache: first one, then all. "Own" are a task's patch,
its hidden tests and its few small files; all else it shares with the others by hard links, but for its folders on the
disk. Files with several names count once. Templates, which sandboxes start from, are told apart: they come and go
(`journeyman image prune`). The goal: what is not a task's own takes at most 1.2 times what it takes with one task.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from journeyman.sandbox.home import home
from journeyman.sandbox.image import environment_of
from journeyman.sandbox.stock import disk_bytes
from journeyman.sandbox.template import with_commit
from journeyman.tasks.sources.suite_file import proven_recipes
from journeyman.tasks.sources.suites import build_all
from journeyman.tasks.task import Task

GOAL = 1.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default="boltons==25.0.0", help="NAME==VERSION of a library of the suites")
    parser.add_argument("--tasks", type=int, default=90)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JOURNEYMAN_HOME"] = f"{folder}/home"
        one, many = (measured(options.library, count, Path(folder)) for count in (1, options.tasks))
    growth = (many["shared"] / one["shared"], (many["shared"] + many["templates"]) / (one["shared"] + one["templates"]))
    if options.json:
        print(json.dumps({"one": one, "many": many, "growth": growth[0], "growth_with_templates": growth[1]}))
        return
    for each in (one, many):
        parts = ", ".join(f"{name} {each[name] / 2**20:.1f} MiB" for name in ("shared", "own", "templates"))
        print(f"{each['tasks']:4} tasks of {options.library}: {parts}")
    print(f"shared grows {growth[0]:.2f} times (goal: {GOAL}), with templates {growth[1]:.2f} times")


def measured(library: str, count: int, place: Path) -> dict[str, int]:
    """Bytes by what they are for, with so many tasks."""
    tasks = build_all(proven_recipes(library, "mutation")[:count], place / "tasks")
    environment_of(tasks[0].environment)
    for task in tasks:
        with_commit(task.repository)  # as an episode's first sandbox does
    own, templates = own_bytes(tasks), disk_bytes(home("templates"))
    return {
        "tasks": len(tasks), "own": own, "templates": templates, "shared": disk_bytes(place) - own - templates,
    }  # fmt: skip


def own_bytes(tasks: Sequence[Task]) -> int:
    """The files of tasks that have no other name."""
    roots = [task.repository.parent.parent for task in tasks]
    found = [path.lstat() for root in roots for path in root.rglob("*") if path.is_file()]
    return sum(info.st_blocks * 512 for info in found if info.st_nlink == 1)


if __name__ == "__main__":
    main()
