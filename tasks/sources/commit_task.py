"""One commit made into one proven task folder, or the reason why it makes none.

    change → sides → instruction → trial in sandboxes → checks → folder → proof

The repository is the parent's tree, with the parent's tests. Hidden are the tests as the commit has them; the
reference is the source part of its difference.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from journeyman.sandbox.sandbox import ImageError, SandboxFactory
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.harbor import save_task
from journeyman.tasks.sources.commit_fair import refuse_unfair, untold
from journeyman.tasks.sources.commit_needs import Needs
from journeyman.tasks.sources.commit_sides import Sides, editable, is_of_tests, is_source, sides_of
from journeyman.tasks.sources.commit_symptom import with_example
from journeyman.tasks.sources.commit_text import instruction_of
from journeyman.tasks.sources.commit_trial import Bench, Evidence, observe
from journeyman.tasks.sources.git_history import MAX_FILES, Blob, Change, History, Unfit
from journeyman.tasks.sources.leaks import Answer, find_leaks, words_of
from journeyman.tasks.sources.second_look import LOOKS
from journeyman.tasks.sources.splitting import crossing
from journeyman.tasks.task import Budget, Check, CheckKind, Task
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance, Verdict

RUNS = 3
MAX_LINES = 300
"""Changed source lines; a commit with more is not one piece of work."""
MAX_TEXT = 1024 * 1024
"""Bytes of a file whose words are read."""
LFS = b"version https://git-lfs.github.com/spec/"
"""How a pointer to a file begins that is kept elsewhere."""
SCRATCH, STORE = ".commit-", ".files"
BUDGET = Budget(max_steps=40, command_timeout_s=60.0, grading_timeout_s=120.0, episode_timeout_s=1800.0)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A commit's files, read."""

    change: Change
    sides: Sides
    given: dict[str, Blob]
    before: dict[str, bytes]
    """Source files that it changes, as given."""
    solution: dict[str, bytes]
    hidden: dict[str, bytes]

    @property
    def key(self) -> str:
        """The same for the same change of the same code, whatever its commit."""
        digest = hashlib.sha256()
        for path, data in sorted(self.solution.items()):
            digest.update(f"{path}\0{hashlib.sha256(self.before.get(path, b'') + b'>' + data).hexdigest()}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    """A task that stands, and what was left out of it."""

    name: str
    key: str
    assurance: str
    unsplit: str = ""
    """Why it is not graded in two sandboxes."""


class CommitMaker:
    """Makes the tasks of one repository below `out`."""

    def __init__(self, history: History, needs: Needs, out: Path, sandboxes: SandboxFactory) -> None:
        self._history, self._needs, self._out, self._sandboxes = history, needs, out, sandboxes
        self._words = lru_cache(maxsize=MAX_FILES)(self._read_words)
        self._more = lru_cache(needs.more)
        self.repository = re.sub(r"[^A-Za-z0-9._-]+", "-", history.name).strip("-._") or "repository"
        clear(out)

    def make(self, commit: str, seen: Mapping[str, str]) -> Made:
        """Make the task of a commit.

        Args:
            seen: key → name of the tasks that stand already.

        Raises:
            Unfit: it makes none.
            SandboxError: no sandbox can be made here.
        """
        parts = self._read(self._history.change(commit))
        if parts.key in seen:
            raise Unfit("the same change as another commit's", seen[parts.key])
        known = set().union(*(self._words(blob.id) for blob in parts.given.values()))
        answer = Answer.of(parts.before, parts.solution, known, parts.sides.tests)
        if not instruction_of(parts.change.message, answer):
            raise Unfit("too little is left of the message")
        refuse_unfair(parts.hidden, parts.solution, answer, (self._history.data(parts.given[p]) for p in parts.given))
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self._out))
        try:
            return self._prove(self._lay_out(parts, known, scratch), parts.key, scratch / "task")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _read(self, change: Change) -> _Parts:
        sides = sides_of(change)
        given = self._history.files(change.parent)
        after = {path: self._history.data(change.changed[path]) for path in (*sides.sources, *sides.tests)}
        if any(data.startswith(LFS) for data in after.values()):
            raise Unfit("its files are kept in Git LFS, not here")
        before = {path: self._history.data(given[path]) for path in sides.sources if path in given}
        solution = {path: after[path] for path in sides.sources}
        lines = sum(_changed_lines(before.get(path, b""), data) for path, data in solution.items())
        if lines > MAX_LINES:
            raise Unfit(f"more than {MAX_LINES} source lines")
        return _Parts(change, sides, given, before, solution, {path: after[path] for path in sides.tests})

    def _read_words(self, blob_id: str) -> frozenset[str]:
        data = self._history.data(Blob(blob_id, executable=False))
        return frozenset(words_of(data)) if len(data) <= MAX_TEXT else frozenset()

    def _lay_out(self, parts: _Parts, known: set[str], scratch: Path) -> Task:
        """Run the tests on both sides and put together what they show."""
        for path, blob in parts.given.items():
            self._place(scratch / "repository" / path, blob)
        for side, files in (("hidden", parts.hidden), ("solution", parts.solution)):
            for path in files:
                self._place(scratch / side / path, parts.change.changed[path])
        self._needs.complete(scratch / "repository")
        hidden = self._needs.hidden(parts.hidden)
        for path in (path for path in hidden if hidden[path] != parts.hidden[path]):
            (scratch / "hidden" / path).unlink()
            (scratch / "hidden" / path).write_bytes(hidden[path])
        environment = self._needs.environment(parts.given)
        others = [path for path in parts.given if is_of_tests(path) and _holds_tests(path) and path not in parts.hidden]
        bench = Bench(scratch / "repository", hidden, parts.solution, environment, self._sandboxes)
        bench, evidence = self._observed(bench, others)
        environment = bench.environment
        answer = Answer.of(parts.before, parts.solution, known, (*parts.sides.tests, *evidence.fail_to_pass))
        checks = [Check(id=test) for test in evidence.fail_to_pass]
        checks += [Check(id=test, kind=CheckKind.PASS_TO_PASS) for test in evidence.pass_to_pass]
        sources = [path for path in (*parts.given, *parts.solution) if is_source(path)]
        return Task(
            name=f"{self.repository}/commit-{parts.key[:8]}",
            instruction=self._instruction(parts, answer, evidence),
            repository=scratch / "repository",
            hidden=scratch / "hidden",
            solution=scratch / "solution",
            environment=environment,
            checks=tuple(checks),
            editable=editable(sources, environment.pythonpath),
            test_paths=_visible_tests(checks, parts.given),
            budget=BUDGET,
            metadata=_facts(parts, evidence),
        )

    def _observed(self, bench: Bench, others: list[str]) -> tuple[Bench, Evidence]:
        """What the two sides say; with more installed, where the tests of another time miss what is known."""
        trouble: Unfit | None = None
        for _ in range(LOOKS):
            try:
                return bench, observe(bench, others)
            except Unfit as error:
                trouble = error
            except ImageError:
                if trouble is None:
                    raise
                break  # it cannot be built here
            more = self._more(bench.environment, trouble.detail)
            if more is None:
                break
            bench = replace(bench, environment=more)
        assert trouble is not None
        raise trouble

    def _instruction(self, parts: _Parts, answer: Answer, evidence: Evidence) -> str:
        told = instruction_of(parts.change.message, answer)
        if not told:  # it named a test
            raise Unfit("too little is left of the message")
        text = with_example(told, evidence.failures, parts.hidden, parts.before.values(), answer)
        if leaks := find_leaks(text, answer):
            raise Unfit("the instruction leaks", str(leaks[0]))
        if missing := untold(parts.hidden, parts.before, parts.solution, text):
            raise Unfit("its tests use new functions or parameters that nothing tells", missing)
        return text

    def _prove(self, task: Task, key: str, folder: Path) -> Made:
        """Prove it at the strongest assurance at which it holds, and put its folder in its place."""
        found = crossing(task, self._sandboxes)
        why, reason = found.why or "not proven in two sandboxes", ""
        levels: list[tuple[Task, Assurance, tuple[Verdict, ...]]] = []
        if not found.why:
            kept = tuple(check for check in task.checks if check.id not in found.lost)
            levels.append((task.model_copy(update={"checks": kept}), Assurance.SPLIT, found.graded))
        levels += [(task, Assurance.TWINS, ()), (task, Assurance.FRESH, ())]
        for each, level, graded in levels:
            saved = save_task(each.model_copy(update={"assurance": level}), folder, link=True)
            certificate = check_task(saved, self._sandboxes, RUNS, graded=graded)
            if certificate.sound:
                place = self._out / saved.name.replace("/", "-")
                shutil.rmtree(place, ignore_errors=True)
                folder.rename(place)
                return Made(place.name, key, level.value, "" if level is Assurance.SPLIT else why)
            reason = certificate.reasons[0]
        raise Unfit("not proven", reason)

    def _place(self, target: Path, blob: Blob) -> None:
        """Put a file in its place as a link to the one copy of its content, where links can be had."""
        kept = self._out / STORE / blob.id[:2] / f"{blob.id[2:]}{'x' if blob.executable else ''}"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
            part.write_bytes(self._history.data(blob))
            part.chmod(0o755 if blob.executable else 0o644)
            part.replace(kept)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(kept, target)
        except OSError:
            shutil.copy2(kept, target)


def clear(out: Path) -> None:
    """Remove what a run that was killed had not finished, and contents that no task holds."""
    for left in out.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    for kept in (out / STORE).glob("*/*"):
        if kept.stat().st_nlink == 1:
            kept.unlink()
    for folder in (out / STORE).glob("*"):
        if not any(folder.iterdir()):
            folder.rmdir()
    if (out / STORE).is_dir() and not any((out / STORE).iterdir()):
        (out / STORE).rmdir()


def _holds_tests(path: str) -> bool:
    return is_test_file(PurePosixPath(path))


def _visible_tests(checks: list[Check], given: Mapping[str, Blob]) -> tuple[str, ...]:
    """Test files that the policy has: those of the checks, else all."""
    files = dict.fromkeys(check.id.partition("::")[0] for check in checks)
    there = tuple(path for path in files if path in given)
    return there or tuple(path for path in given if _holds_tests(path)) or tuple(files)


def _changed_lines(before: bytes, after: bytes) -> int:
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    return sum(
        line[:1] in "+-" and not line.startswith(("+++", "---"))
        for line in difflib.unified_diff(old, new, n=0, lineterm="")
    )


def _facts(parts: _Parts, evidence: Evidence) -> dict[str, Any]:
    lines = sum(_changed_lines(parts.before.get(path, b""), data) for path, data in parts.solution.items())
    hard = lines > 30 or len(parts.solution) > 2
    return {
        "source": "commit",
        "commit": parts.change.commit,
        "parent": parts.change.parent,
        "files_changed": len(parts.solution),
        "lines_changed": lines,
        "failing_tests": len(evidence.fail_to_pass),
        "difficulty": "hard" if hard else "easy" if lines <= 6 and len(parts.solution) == 1 else "medium",
    }
