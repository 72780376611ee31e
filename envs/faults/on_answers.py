"""Faults in what tools answer: one that fails, is cut off, runs out of time, arrives in parts or names another test."""

from __future__ import annotations

import re

from journeyman.envs.episode import TestRun
from journeyman.envs.faults.fault import Fault, Strike, shown_as, text_of
from journeyman.envs.tools.syntax import Definition, definitions, is_python
from journeyman.envs.tools.textfile import TextFile
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace

_LOOKS, _CHANGES = ("view", "search", "outline"), ("edit", "write")
_LEAST_LINES = 6
"""A shorter answer cannot lose its middle."""


class ToolFails(Fault):
    name = "tool-fails"
    about = "A tool (one that looks or one that changes) fails once; nothing is done."
    remedy = "do it again"
    room = 4

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool in (_LOOKS if strike.rng.random() < 0.5 else _CHANGES)

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        return ToolResult(f"{strike.tool} failed: input/output error, nothing was done", ok=False), True


class Interrupted(Fault):
    name = "interrupted"
    about = "A test run or a command is cut off before its end: half of its output, and no result."
    remedy = "run it again, to its end"
    room = 2

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool in ("test", "run")

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        if not done.ok:
            return done, False
        if strike.tool == "test":
            passed = len(done.tests.passed) // 2 if done.tests is not None else 0
            text = f"interrupted before the end, no result; so far {passed} passed"
        else:
            lines = done.text.split("\n")[1:]
            text = "\n".join(["interrupted before the end, no exit status", *lines[: len(lines) // 2]])
        return ToolResult(text, ok=False, runner=done.runner), True


class Garbled(Fault):
    name = "garbled"
    about = "The middle of a view, or of a failing test run's answer, is lost."
    remedy = "ask again"
    room = 4

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool in ("view", "test")

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        lines = done.text.split("\n")
        listing = strike.tool == "view" and not any(re.match(r"\d+\|", line) for line in lines)
        if not done.ok or listing or len(lines) < _LEAST_LINES:
            return done, False
        kept = len(lines) // 4
        lost = len(lines) - 2 * kept
        text = "\n".join([*lines[:kept], f"[{lost} lines lost]", *lines[-kept:]])
        return shown_as(text, done), True


class TimesOut(Fault):
    name = "times-out"
    about = "A run of all tests does not end in time, nor does the next one; a run of named tests does."
    remedy = "run fewer tests, by naming them"
    room = 3
    most = 2

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool == "test" and not text_of(strike, "target")

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        return self.spoiled(strike), True

    def goes_on(self, strike: Strike) -> bool:
        struck = sum(step.fault == self.name for step in strike.workspace.steps)
        return self.may_strike(strike) and struck < self.most

    def spoiled(self, strike: Strike) -> ToolResult:
        limit_s = strike.workspace.task.budget.command_timeout_s
        return ToolResult(f"timed out after {limit_s:.0f} s, no result; run fewer: test PATH", ok=False)


class MisleadingTest(Fault):
    name = "misleading-test"
    about = "A failing test run names another test than the one that fails, and shows a line of it."
    remedy = "trust the message, not the name, or ask again; repair what is really at fault"
    room = 4

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool == "test"

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        failing = next(iter(done.tests.failed), "") if done.ok and done.tests is not None else ""
        other = _another(failing, done.tests, strike) if failing and done.tests is not None else None
        lines = done.text.split("\n")
        if other is None or failing not in lines:
            return done, False
        at = lines.index(failing)
        path, definition, code = other
        frames = next((n for n, line in enumerate(lines[at + 1 :]) if line.startswith("  ")), len(lines) - at - 1)
        told = [f"{path}::{definition.name.replace('.', '::')}", f"{path}:{definition.end}: {code}"]
        text = "\n".join([*lines[:at], *told, *lines[at + 1 + frames :]])
        return shown_as(text, done), True


def _another(failing: str, tests: TestRun, strike: Strike) -> tuple[str, Definition, str] | None:
    """A test of the same file that does not fail, with the last line of its code."""
    path, *_ = failing.split("::")
    file = _read(strike.workspace, path) if is_python(path) else None
    if file is None:
        return None
    broken = {name.split("[")[0].rsplit("::", 1)[-1] for name in (*tests.failed, *tests.errors)}
    found = []
    for each in definitions(file.text):
        last = each.name.rsplit(".", 1)[-1]
        if last.startswith("test") and last not in broken and not each.header.startswith("class "):
            found.append(each)
    if not found:
        return None
    chosen = strike.rng.choice(found)
    return path, chosen, file.lines[chosen.end - 1].strip()


def _read(workspace: Workspace, path: str) -> TextFile | None:
    try:
        return workspace.read(path)
    except Refused:
        return None
