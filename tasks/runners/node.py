"""JavaScript's tests, file by file, each in a process of its own: node's own runner, tape, mocha, jest, vitest, or a
script whose exit status is its only word.

Ids are `test/parse.test.js::suite > name`, and `test/parse.js::whole file` for a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from journeyman.tasks.edits import is_test_file
from journeyman.tasks.report import Crash, TestResult
from journeyman.tasks.runners.gather import MODULES_BIN, NAMES, Gathered, message, report_file, text_of
from journeyman.tasks.runners.tap import crash_of, read_flat, read_nested

WHOLE = "whole file"
VARIABLES = {"NODE_ENV": "test", "CI": "1", "NO_COLOR": "1", "FORCE_COLOR": "0", "TZ": "UTC"}
SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_HELPERS = frozenset({"fixtures", "fixture", "helpers", "support", "mocks", "__mocks__", "node_modules"})
_NAMED = re.compile(r"(^|[./-])(test|spec)\.[cm]?[jt]s$")
FRAMEWORKS = ("vitest", "jest", "mocha")
"""Those that a test file need not import; the first one that the package names is taken."""
IMPORTS = re.compile(r"""(?:\brequire\(\s*|\bfrom\s+|\bimport\s+|\bimport\(\s*)["']([^"'\n]+)["']""")
_BLOCKS = re.compile(r"^\s*(?:describe|it|test|suite)(?:\.\w+)*\s*\(", re.MULTILINE)
_MOCHA = """
const fs = require("fs");
module.exports = class {
  constructor(runner) {
    const say = (test, outcome, error) => fs.appendFileSync(process.env.JOURNEYMAN_REPORT, JSON.stringify({
      names: test.titlePath(), outcome, duration: test.duration || 0, file: test.file || "",
      message: error ? String(error.message || error) : "", stack: error ? String(error.stack || "") : "",
    }) + "\\n");
    runner.on("pass", (test) => say(test, "passed"));
    runner.on("fail", (test, error) => say(test, "failed", error));
    runner.on("pending", (test) => say(test, "skipped"));
  }
};
"""
REPORTER = "/tmp/journeyman-mocha.cjs"


def run_node(gathered: Gathered) -> None:
    """Run the test files that are wanted, one after the other, until the time is up."""
    gathered.variables |= VARIABLES
    box = gathered.sandbox
    named = {file for file in gathered.wanted.files if file.endswith(SUFFIXES)}
    found = test_files(box.files(), lambda path: text_of(box, path), named)
    for file, style in found.items():
        if gathered.wanted.holds(file) and not gathered.timed_out:
            _run_file(gathered, file, style)


def test_files(files: Iterable[str], read: Callable[[str], str], named: Container[str] = ()) -> dict[str, str]:
    """Test files with what each is written for, sorted: those that are `named`, and those that are called as tests are
    or lie among them. Of the latter, scripts are taken only where no file is anything else: they may be helpers.
    """
    manifest = manifest_of(read("package.json"))
    styles: dict[str, str] = {}
    for file in sorted(files):
        pure = PurePosixPath(file)
        if file in named or (file.endswith(SUFFIXES) and is_test_file(pure) and not _HELPERS & set(pure.parts)):
            styles[file] = style_of(read(file), manifest)
    plain = {file for file in styles if file not in named and not _NAMED.search(file)}
    if any(style != "script" for style in styles.values()):
        styles = {file: style for file, style in styles.items() if style != "script" or file not in plain}
    return styles


def manifest_of(text: str) -> dict[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def style_of(source: str, manifest: dict[str, Any]) -> str:
    """What a test file is written for: node, tape, mocha, jest, vitest, or script."""
    imported = set(IMPORTS.findall(source))
    if "node:test" in imported:
        return "node"
    if imported & {"tape", "tape-promise", "tape-promise/tape"}:
        return "tape"
    if "vitest" in imported:
        return "vitest"
    if "@jest/globals" in imported:
        return "jest"
    if _BLOCKS.search(source):
        return next((name for name in FRAMEWORKS if name in _named(manifest)), "script")
    return "script"


def _named(manifest: dict[str, Any]) -> set[str]:
    """What a package needs, and what its test script calls."""
    found: set[str] = set()
    for key in ("devDependencies", "dependencies"):
        if isinstance(table := manifest.get(key), dict):
            found |= set(table)
    scripts = manifest.get("scripts")
    script = scripts.get("test") if isinstance(scripts, dict) else ""
    return found | set(re.findall(r"[\w@/-]+", script if isinstance(script, str) else ""))


def _run_file(gathered: Gathered, file: str, style: str) -> None:
    before = len(gathered.collected)
    {"node": _node, "tape": _tape, "mocha": _mocha, "jest": _jest, "vitest": _vitest, "script": _script}[style](
        gathered, file
    )
    if len(gathered.collected) == before and not gathered.timed_out and gathered.wanted.ids is None:
        said = gathered.output[-1] if gathered.output else ""
        if style != "script" and (crash := _uncaught(said, file)):
            gathered.cannot(file, crash)


def _uncaught(said: str, file: str) -> Crash | None:
    """What node says when a file throws before it has run a test."""
    lines = said.splitlines()
    at = next((n for n, line in enumerate(lines) if re.match(r"^\s*(\w*Error\b|Uncaught)", line)), None)
    return None if at is None else crash_of([line.strip() for line in lines[at : at + 3]], said, file)


def _node(gathered: Gathered, file: str) -> None:
    place = report_file("tap")
    options = ["--test-reporter=tap", f"--test-reporter-destination={place}"]
    gathered.run(["node", *options, file])
    for result in read_nested(text_of(gathered.sandbox, place), file):
        gathered.add(result)


def _tape(gathered: Gathered, file: str) -> None:
    for result in read_flat(gathered.run(["node", file]).text, file):
        gathered.add(result)


def _script(gathered: Gathered, file: str) -> None:
    done = gathered.run(["node", file])
    crash = None if done.ok else _uncaught(done.text, file) or Crash(file, 0, message(done.text.splitlines()[-8:]))
    outcome = "passed" if done.ok else "unfinished" if done.timed_out else "failed"
    gathered.add(TestResult(f"{file}::{WHOLE}", outcome, done.duration_s, crash))


def _mocha(gathered: Gathered, file: str) -> None:
    place = report_file("jsonl")
    gathered.sandbox.write(REPORTER, _MOCHA.encode())
    gathered.variables["JOURNEYMAN_REPORT"] = place
    gathered.run([f"{MODULES_BIN}/mocha", "--reporter", REPORTER, "--full-trace", "--exit", file])
    for line in text_of(gathered.sandbox, place).splitlines():
        match manifest_of(line):
            case {"names": list(names), "outcome": str(outcome), "message": str(said), "stack": str(stack)} as row:
                crash = crash_of(said.splitlines(), stack, file) if outcome == "failed" else None
                name = NAMES.join(map(str, names))
                gathered.add(TestResult(f"{file}::{name}", _outcome(outcome), _seconds(row.get("duration")), crash))


def _jest(gathered: Gathered, file: str) -> None:
    place = report_file("json")
    options = ["--ci", "--json", f"--outputFile={place}", "--runInBand", "--no-cache", "--coverage=false"]
    gathered.run([f"{MODULES_BIN}/jest", *options, "--runTestsByPath", file])
    _read_jest(gathered, place, file)


def _vitest(gathered: Gathered, file: str) -> None:
    place = report_file("json")
    options = ["run", "--reporter=json", f"--outputFile={place}", "--coverage.enabled=false", "--no-cache"]
    gathered.run([f"{MODULES_BIN}/vitest", *options, file])
    _read_jest(gathered, place, file)


def _read_jest(gathered: Gathered, place: str, file: str) -> None:
    for row in jest_rows(manifest_of(text_of(gathered.sandbox, place))):
        match row:
            case {"title": str(title), "status": str(status)}:
                above = row.get("ancestorTitles")
                names = [*map(str, above if isinstance(above, list) else []), title]
                told = row.get("failureMessages")
                said = "\n".join(map(str, told)) if isinstance(told, list) else ""
                crash = crash_of(_before_stack(said), said, file) if status == "failed" else None
                id_ = f"{file}::{NAMES.join(name for name in names if name)}"
                gathered.add(TestResult(id_, _outcome(status), _seconds(row.get("duration")), crash))


def jest_rows(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tests of a report of jest, or of vitest in the same form."""
    suites = data.get("testResults")
    for suite in suites if isinstance(suites, list) else []:
        rows = suite.get("assertionResults") if isinstance(suite, dict) else None
        yield from (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))


def _before_stack(said: str) -> list[str]:
    return [line for line in said.splitlines() if not re.match(r"^\s+at ", line)]


def _outcome(word: str) -> str:
    return word if word in ("passed", "failed") else "skipped"


def _seconds(milliseconds: object) -> float:
    return max(0.0, milliseconds / 1000) if isinstance(milliseconds, int | float) else 0.0
