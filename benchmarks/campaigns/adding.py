"""How many libraries that nobody chose work with `journeyman task add` as they are.

    python benchmarks/campaigns/adding.py NAMES --seed 9 [--out build/adding/round.jsonl] [--earlier FILE]… [--table]

NAMES has lines of `name<TAB>version`. In an order that the seed shuffles, each in turn is drawn whose source
distribution can be had, is pure Python, and holds a test: a file that is named as tests are and has a test function or
class. What was drawn in earlier rounds (their files) or gave tasks to the bundled suites is passed over. One at a
time, each is given to `task add … --count 0` and must be done within --limit seconds; it works when at least one of its
own tests passes three times of three. What became of each is a line of OUT at once; run again, it goes on. --table
prints the round as docs/results/adding.md has it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from journeyman.tasks.detect.python import PART_OF_PYTEST
from journeyman.tasks.detect.shipped import holds_tests
from journeyman.tasks.sources.sdist import SourceError, fetch
from journeyman.tasks.sources.suite_file import read_suite

NOT_PURE = re.compile(r"\.(c|cc|cpp|cxx|pyx|rs|f90|so|pyd)$|/Cargo\.toml$")
TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_tests?|tests?)\.py$")
SUITES = ("starter", "heldout")
DOWNLOAD_S = 120.0
Row = dict[str, Any]


def passed_over(name: str, version: str) -> str:
    """Why a library is none to be drawn; empty where it is one."""
    try:
        archive = fetch(f"{name}=={version}", timeout_s=DOWNLOAD_S).archive
    except SourceError:
        return f"no source distribution of that version within {DOWNLOAD_S:.0f} s"
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.isfile()]
        if any(NOT_PURE.search(member.name) for member in members):
            return "not pure Python"
        tests = (tar.extractfile(member) for member in members if TEST.search(member.name))
        return "" if any(test is not None and holds_tests(test.read()) for test in tests) else "ships no tests"


def tried(name: str, version: str, out: Path, limit_s: float) -> Row:
    """What `task add` made of a library."""
    row: Row = {"name": name, "version": version, "works": False}
    command = [sys.executable, "-m", "journeyman", "task", "add", f"{name}=={version}", "--count", "0", "--json"]
    begun = time.monotonic()
    try:
        done = subprocess.run([*command, "--out", str(out / name)], capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return row | {"seconds": round(limit_s), "why": f"not done within {limit_s:.0f} s"}
    row["seconds"] = round(time.monotonic() - begun)
    if done.returncode:
        return row | {"why": done.stderr[-1500:]}
    said = json.loads(done.stdout)
    kept = {key: said[key] for key in ("tests", "complaints", "broken", "notes", "ended")}
    left_out = {reason: len(tests) for reason, tests in said["quarantined"].items()}
    assumed = [finding["line"] for finding in said["findings"] if finding["assumed"]]
    return row | {"works": said["tests"] > 0, "left out": left_out, "assumed": assumed} | kept


def draw(names: Path, seed: int, others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and versions, in the order of the seed, without those that are not to be drawn."""
    lines = (line.split("\t") for line in names.read_text(encoding="utf-8").splitlines())
    left_out = {*others, *PART_OF_PYTEST}
    found = sorted((name, version) for name, version in lines if name not in left_out and not name.startswith("types-"))
    random.Random(seed).shuffle(found)
    yield from found


def of_suites() -> set[str]:
    """The libraries of the bundled suites."""
    return {wish.requirement.partition("==")[0] for suite in SUITES for wish in read_suite(suite).library}


def table(rows: list[Row]) -> str:
    """The round in Markdown."""
    drawn = [row for row in rows if "works" in row]
    working = [row for row in drawn if row["works"]]
    over = Counter(row["passed over"] for row in rows if "passed over" in row)
    many = sum(row["tests"] >= 5 for row in working)
    reasons = ", ".join(f"{reason} {number}" for reason, number in over.most_common())
    lines = [
        f"**{len(working)} of {len(drawn)}** work untouched, {many} of them with five tests or more.",
        f"Passed over: {reasons or 'none'}.\n",
        "| library | tests | left out | files that cannot be collected | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in drawn:
        left_out = ", ".join(f"{number} {reason}" for reason, number in sorted(row.get("left out", {}).items()))
        if row["works"]:
            said = f"{row['tests']} | {left_out} | {len(row['broken']) or ''}"
        else:
            said = f"**none**: {row['why'].strip().partition(chr(10))[0]} | |"
        lines.append(f"| {row['name']} {row['version']} | {said} | {row['seconds']} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/adding/round.jsonl"))
    parser.add_argument("--earlier", type=Path, action="append", default=[])
    parser.add_argument("--want", type=int, default=20)
    parser.add_argument("--limit", type=float, default=1500.0)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.touch()
    rows = _rows(options.out)
    known = {row["name"] for row in rows}
    others = {row["name"] for path in options.earlier for row in _rows(path)} | of_suites()
    for name, version in draw(options.names, options.seed, others):
        if options.table or sum("works" in row for row in rows) >= options.want:
            break
        if name in known:
            continue
        reason = passed_over(name, version)
        if reason:
            row: Row = {"name": name, "version": version, "passed over": reason}
        else:
            row = tried(name, version, options.out.parent / "tasks", options.limit)
        rows.append(row)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(name, version, row.get("passed over") or row.get("tests") or row["why"].strip(), flush=True)
    print(table(rows))
    return 0


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
