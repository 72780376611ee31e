"""`test`: run the visible tests, and say briefly what fails and where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from journeyman.envs.actions import Test
from journeyman.envs.episode import TestRun
from journeyman.envs.text import clean, normalise, shorten
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, workspace_path
from journeyman.tasks.report import BROKEN, Crash, TestReport
from journeyman.tasks.runner import run_tests
from journeyman.tasks.task import Task

_MAX_MESSAGE_LINES = 3


class TestTool:
    __test__ = False  # not a pytest class
    mutates = True
    runs_code = True

    def apply(self, arguments: Test, workspace: Workspace) -> ToolResult:
        target = (arguments.target or "").strip()
        if "\x00" in target:
            raise Refused("a target cannot hold a NUL character")
        toolchain = workspace.task.environment.toolchain
        chosen = () if target or workspace.config.test_scope != "failing" else visible_failing(workspace.task)
        run = partial(run_tests, workspace.sandbox, timeout_s=workspace.command_timeout_s(), toolchain=toolchain)
        if target:
            report = run(target=_inside(target), warm=True)
        elif chosen:
            report = run(ids=chosen, warm=True)
        else:
            report = run(target=_present(workspace) or None, warm=True)
        ran = bool(report.results or report.broken_files)
        tests = TestRun(report.passed, report.failed, report.errors, chosen=bool(chosen))
        return ToolResult(
            describe(report, workspace), ran and report.complete, tests, report.runner, output=clean(report.output)
        )


def _inside(target: str) -> str:
    """The target with its path made relative; an expression (`-k …`) as it is."""
    if target.startswith("-k"):
        return target
    path, mark, rest = target.partition("::")
    return workspace_path(path) + mark + rest


def visible_failing(task: Task) -> tuple[str, ...]:
    """The task's fail_to_pass checks that stand in the repository as the policy gets it, never a hidden one. Of a task
    that cannot be done, those of all its checks: there, too, is something to run."""
    checks = task.pass_to_pass if task.infeasible is not None else task.fail_to_pass
    return tuple(check for check in checks if stands_in(task, check))


def stands_in(task: Task, check: str) -> bool:
    path, *names = check.split("::")
    file = task.repository / path
    if not names or not file.is_file():
        return False
    return names[-1].split("[")[0] in file.read_text(encoding="utf-8", errors="replace")


def _present(workspace: Workspace) -> list[str]:
    """Those of the task's test paths that exist."""
    files = workspace.sandbox.files()
    return [path for path in workspace.task.test_paths if any(f == path or f.startswith(path + "/") for f in files)]


def describe(report: TestReport, workspace: Workspace) -> str:
    """The count, then for each of the first failures its id, place, source line and message."""
    config = workspace.config
    broken: list[tuple[str, Crash | None]] = list(report.broken_files)
    broken += [(r.id, r.crash) for r in report.results if r.outcome in BROKEN]
    lines = [report.headline()]
    for name, crash in broken[: config.max_failures]:
        lines.append(shorten(name, config.max_line_chars))
        if crash is not None:
            lines += [shorten(place, config.max_line_chars) for place in _places(crash, workspace)]
            lines += _message(crash.message, config.max_message_chars)
    if left := len(broken) - config.max_failures:
        lines += [f"… {left} more failing"] if left > 0 else []
    if not report.results and not report.broken_files:
        lines += [line for line in report.output.splitlines() if line.startswith("ERROR")][:_MAX_MESSAGE_LINES]
    return normalise(clean("\n".join(lines)))


def _places(crash: Crash, workspace: Workspace) -> list[str]:
    """`path:line: code` of the outermost and the innermost frame in the repository: the test, and what broke."""
    files = set(workspace.sandbox.files())
    frames = [frame for frame in crash.frames or (crash.place,) if frame.rpartition(":")[0] in files]
    return [f"{frame}: {_code(frame, workspace)}".rstrip(": ") for frame in dict.fromkeys([*frames[:1], *frames[-1:]])]


def _code(frame: str, workspace: Workspace) -> str:
    path, _, number = frame.rpartition(":")
    try:
        lines: Sequence[str] = workspace.read(path).lines
    except Refused:
        return ""
    return lines[int(number) - 1].strip() if number.isdigit() and 0 < int(number) <= len(lines) else ""


def _message(message: str, limit: int) -> list[str]:
    lines = [line.rstrip() for line in message.splitlines() if line.strip()][:_MAX_MESSAGE_LINES]
    return ["  " + line for line in shorten("\n".join(lines), limit).split("\n") if line]
