"""From a repository's history to proven tasks: `make_commits` looks at one commit after the other, the newest first.

`commits.jsonl`, beside the task folders, says of each commit what became of it. A second run goes on from there.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.commit_needs import Needs, find_needs
from journeyman.tasks.sources.commit_task import CommitMaker, clear
from journeyman.tasks.sources.git_history import History, Unfit
from journeyman.tasks.sources.ledger import mend
from journeyman.tasks.task import TaskError, TaskFormatError

LEDGER = "commits.jsonl"


@dataclass(slots=True)
class CommitsReport:
    """What a run did; `progress` gets it as it grows."""

    repository: str
    wanted: int
    out: Path
    commits: int = 0
    """How many there are to look at."""
    looked: int = 0
    """How many were looked at, earlier runs' included."""
    kept: list[str] = field(default_factory=list)
    """Names of the task folders below `out`, earlier runs' included."""
    resumed: int = 0
    """How many of `kept` an earlier run had made."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Reason → how many, earlier runs' included."""
    unsplit: Counter[str] = field(default_factory=Counter)
    """Why some of this run's tasks are not graded in two sandboxes: reason → how many."""
    seconds: float = 0.0
    needs: Needs | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "needs"}
        plain["findings"] = self.needs.as_json() if self.needs else []
        shown = {"rejected": dict(self.rejected), "unsplit": dict(self.unsplit), "seconds": round(self.seconds, 1)}
        return {**plain, "out": str(self.out), **shown}


def make_commits(
    repository: Path,
    *,
    count: int,
    out: Path,
    sandboxes: SandboxFactory,
    since: str | None = None,
    config: Path | None = None,
    requirements: tuple[str, ...] = (),
    python: str = "",
    progress: Callable[[CommitsReport], None] | None = None,
) -> CommitsReport:
    """Make up to `count` proven tasks of a repository's commits below `out`; fewer when its history gives no more.

    Args:
        repository: the folder that holds `.git`; it is only read.
        since: a commit, tag or branch: only commits that it has not are looked at.
        config: the file that says what is not to be detected; else `journeyman.toml` in the newest commit.
        requirements: what is installed beside what is found.
        python: minor version of Python; else the one that suits it.
        progress: called after each commit's fate is decided.

    Raises:
        SourceError: there is no repository, or no commit; or its tests cannot be run, and what to do.
        TaskFormatError: `out` holds another thing by the name of the record, or the config file means nothing.
        SandboxError: no sandbox can be made here, or the requirements cannot be installed.
    """
    begun = time.monotonic()
    with History(repository) as history:
        commits = history.commits(since)
        needs = find_needs(history, commits[0], config, requirements, python)
        ledger = _Ledger(out, needs)
        report = CommitsReport(history.name, count, out, commits=len(commits), needs=needs)
        try:
            maker = CommitMaker(history, needs, out, sandboxes)
            for commit in commits:
                if len(report.kept) >= count:
                    break
                _settle(commit, maker, ledger, report)
                report.looked += 1
                report.seconds = time.monotonic() - begun
                if progress is not None:
                    progress(report)
        finally:
            clear(out)
    return report


def _settle(commit: str, maker: CommitMaker, ledger: _Ledger, report: CommitsReport) -> None:
    row = ledger.rows.get(commit)
    if row is None:
        row = ledger.decide(commit, maker)
        report.unsplit.update([row["unsplit"]] if row.get("unsplit") else [])
    else:
        report.resumed += bool(row["task"])
    if row["task"]:
        report.kept.append(row["task"])
    else:
        report.rejected[row["reason"]] += 1


class _Ledger:
    """What became of each commit; a line is whole and on the disk before the next commit is looked at."""

    def __init__(self, out: Path, needs: Needs) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._path, self._needs = out / LEDGER, needs.key
        self.rows: dict[str, dict[str, Any]] = {}
        self.made: dict[str, str] = {}
        """Key → name of the tasks that stand."""
        for number, text in enumerate(mend(self._path).read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(text)
                stands = (out / row["task"] / "task.toml").is_file() if row["task"] else row["needs"] == self._needs
                if stands:
                    self.rows[row["commit"]] = row
                    self.made.update({row["key"]: row["task"]} if row["task"] else {})
            except (ValueError, KeyError, TypeError) as error:
                raise TaskFormatError(
                    f"{self._path}:{number}: not a line of its record; choose another folder"
                ) from error

    def decide(self, commit: str, maker: CommitMaker) -> dict[str, Any]:
        row: dict[str, Any] = {"commit": commit, "needs": self._needs, "task": "", "reason": ""}
        try:
            made = maker.make(commit, self.made)
            row |= {"task": made.name, "key": made.key, "assurance": made.assurance, "unsplit": made.unsplit}
            self.made[made.key] = made.name
        except Unfit as error:
            row |= {"reason": str(error), "detail": error.detail[:1000]}
        except TaskError as error:
            row |= {"reason": "its files make no task", "detail": str(error)[:1000]}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.rows[commit] = row
        return row
