"""Episodes written down by hand: what a rule looks at, and nothing else."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation


class Work:
    """Files of a repository, and the steps that were done in it."""

    def __init__(self, files: dict[str, str] | None = None) -> None:
        self.files = dict(files or {"pkg/mod.py": "a = 1\nb = 2\n", "tests/test_mod.py": "assert a == 1\n"})
        self.steps: list[Step] = []

    def do(
        self, tool: str, text: str = "ok", *, diff: str = "", tests: TestRun | None = None, **arguments: Any
    ) -> Work:
        self.steps.append(Step(Action(tool, arguments), Observation(text, tool), diff=diff, tests=tests))
        return self

    def edit(self, path: str, text: str | None, tool: str = "edit") -> Work:
        """Make a file hold a text; None deletes it."""
        before, after = self.files.get(path), text
        old, new = (f"{side}/{path}" if it is not None else "/dev/null" for side, it in (("a", before), ("b", after)))
        rows = unified_diff((before or "").splitlines(True), (after or "").splitlines(True), old, new)
        if after is None:
            self.files.pop(path)
        else:
            self.files[path] = after
        arguments = {"content": after} if tool == "write" else {"new": after or "", "line": 1}
        return self.do(tool, diff="".join(rows), path=path, **arguments)

    def test(self, *failed: str, target: str | None = None) -> Work:
        run = TestRun(passed=("tests/test_mod.py::test_a",), failed=failed)
        return self.do("test", tests=run, **({"target": target} if target else {}))

    def report(self, summary: str = "Mended pkg/mod.py.", *claims: str) -> Episode:
        told = [dict(zip(("kind", "subject"), claim.split(": "), strict=False)) for claim in claims]
        self.do("report", summary=summary, claims=told)
        return self.end(StopReason.REPORTED)

    def end(self, stop: StopReason = StopReason.STEP_LIMIT) -> Episode:
        first = Observation("Mend it.")
        return Episode("e1", "task", "p", 0, first, tuple(self.steps), stop, None, (), None)
