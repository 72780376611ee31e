"""The states that a repository went through, each as source files laid over the first; and states that it never had.

    sources(3)         the source as it was after the third part
    merged({1, 3})     the source with the first and the third part, without the second

The latter is put together by git from the differences (`git merge-file --union`). Whether it works, tests say.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from journeyman.sandbox.history import git
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.sources.commit_sides import is_of_tests, is_source
from journeyman.tasks.sources.git_history import Blob, History
from journeyman.tasks.sources.history_steps import Step

MERGE_S = 30.0
"""Wall clock of one merge of one file, in seconds."""


class States:
    """State 0 is the repository as it is given, state n the one after the n-th step."""

    def __init__(self, history: History, steps: Sequence[Step]) -> None:
        """Read the trees.

        Raises:
            Unfit: one of them cannot be read, or is too large.
        """
        self._history, self.steps = history, tuple(steps)
        commits = (steps[0].before, *(step.after for step in steps))
        self._files = tuple(history.files(commit) for commit in commits)
        self.sources = cache(self._sources)

    @property
    def given(self) -> dict[str, Blob]:
        """Every file of state 0."""
        return self._files[0]

    def data(self, blob: Blob) -> bytes:
        return self._history.data(blob)

    def _sources(self, state: int) -> dict[str, bytes]:
        """Path → content of the source files that are not as given."""
        files = self._files[state]
        return {
            path: self.data(blob)
            for path, blob in files.items()
            if is_source(path) and (path not in self.given or self.given[path].id != blob.id)
        }

    def source(self, path: str, state: int) -> bytes | None:
        """One source file; None where there is none yet."""
        blob = self._files[state].get(path) or self.given.get(path)
        return None if blob is None else self.data(blob)

    def hidden(self) -> dict[str, bytes]:
        """All files of tests of the last state that are not as given, and those of each step as it brought them."""
        last = self._files[-1]
        found = {
            path: self.data(blob)
            for path, blob in last.items()
            if is_of_tests(path) and (path not in self.given or self.given[path].id != blob.id)
        }
        for number in range(1, len(self._files)):
            found |= self.brought(number)
        return found

    def brought(self, number: int) -> dict[str, bytes]:
        """The test files of a step as they were then, under names of their own: later steps changed them again."""
        files = self._files[number]
        paths = (path for path in self.steps[number - 1].tests if path in files)
        return {renamed(path, number): self.data(files[path]) for path in paths}

    def test_files(self) -> tuple[str, ...]:
        """The test files of the last state."""
        return tuple(path for path in self._files[-1] if is_test_file(PurePosixPath(path)))

    def merged(self, parts: Sequence[tuple[int, int]]) -> dict[str, bytes] | None:
        """The source after some parts only, each from one state to another, in their order; None where git gives up."""
        found: dict[str, bytes] = {}
        for old, new in parts:
            for path in sorted({*self.sources(old), *self.sources(new)}):
                before, after = self.source(path, old), self.source(path, new)
                if after is None or before == after:
                    continue
                own = found.get(path, self.source(path, 0))
                if own is None and before is not None:  # it changes what a part that is left out has made
                    return None
                whole = after if own is None or own == before else _merge(own, before or b"", after)
                if whole is None:
                    return None
                found[path] = whole
        return found


def renamed(path: str, number: int) -> str:
    """A test file's name as that of a step: pytest still finds it."""
    pure = PurePosixPath(path)
    begin = "test_" if pure.name.startswith("test_") else ""
    return str(pure.with_name(f"{begin}part{number:02}_{pure.name.removeprefix(begin)}"))


def _merge(own: bytes, before: bytes, after: bytes) -> bytes | None:
    """A file with the difference between two others."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch, name) for name in ("own", "before", "after")]
        for path, data in zip(paths, (own, before, after), strict=True):
            path.write_bytes(data)
        command = [git(), "merge-file", "--stdout", "--quiet", "--union", *map(str, paths)]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, timeout=MERGE_S, check=False)
        except subprocess.TimeoutExpired:
            return None
    return None if done.returncode else done.stdout
