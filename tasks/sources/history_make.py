"""From a line of commits to a proven project: the state before the first is given, each step is a milestone.

steps → told apart by their tests → told in words → what needs what → folder → proof, state by state
"""

from __future__ import annotations

import itertools
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.sources.commit_needs import Needs, find_needs
from journeyman.tasks.sources.commit_sides import editable, is_source
from journeyman.tasks.sources.commit_task import BUDGET
from journeyman.tasks.sources.git_history import History, Unfit
from journeyman.tasks.sources.history_states import States
from journeyman.tasks.sources.history_steps import steps_of
from journeyman.tasks.sources.history_text import Told, tell
from journeyman.tasks.sources.history_trial import StateBench, direct, needs, tell_apart
from journeyman.tasks.sources.leaks import words_of
from journeyman.tasks.sources.make import MAKING
from journeyman.tasks.sources.project import STEPS, STEPS_EACH
from journeyman.tasks.sources.project_plan import LEAST
from journeyman.tasks.sources.project_proof import proof_of, prove_in_order
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import Check, CheckKind, Milestone, Task
from journeyman.tasks.verdict import Assurance


@dataclass(slots=True)
class HistoryReport:
    """What was made; `progress` gets it as it goes."""

    repository: str
    folder: Path
    stage: str = "reading"
    done: int = 0
    of: int = 0
    """Runs of the tests, or gradings, of this stage."""
    steps: int = 0
    """Pieces of work in the commits looked at."""
    first: str = ""
    """The commit that the task starts from."""
    last: str = ""
    resumed: bool = False
    needs: Needs | None = None
    """How its tests run; of one that was made earlier nobody looks."""
    task: Task | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        task = self.task
        plain = {name: getattr(self, name) for name in ("repository", "steps", "first", "last", "resumed")}
        found = () if task is None else task.milestones
        return {
            **plain,
            "folder": str(self.folder),
            "findings": self.needs.as_json() if self.needs else [],
            "seconds": round(self.seconds, 1),
            **({} if task is None else {"assurance": task.assurance.value, "proof": task.metadata["proof"]}),
            "milestones": [
                {"name": m.name, "title": m.title, "checks": len(m.checks), "depends_on": list(m.depends_on)}
                for m in found
            ],
        }


@dataclass(frozen=True, slots=True)
class _Chain:
    """A project out of commits, for its proof."""

    task: Task
    """Over files that lie elsewhere."""
    states: tuple[Snapshot, ...] = field(repr=False)
    """The source after the first n milestones."""

    def at(self, level: Assurance) -> Self:
        return replace(self, task=self.task.model_copy(update={"assurance": level}))

    def write(self, folder: Path) -> Task:
        return save_task(self.task, folder)

    def tree_after(self, closed: Collection[str]) -> Snapshot:
        return self.states[len(closed)]

    def without(self, checks: Collection[str]) -> Self | None:
        kept = tuple(check for check in self.task.checks if check.id not in checks)
        milestones = tuple(
            m.model_copy(update={"checks": tuple(check for check in m.checks if check not in checks)})
            for m in self.task.milestones
        )
        if not all(milestone.checks for milestone in milestones):
            return None
        return replace(self, task=self.task.model_copy(update={"checks": kept, "milestones": milestones}))


def make_history(
    repository: Path,
    *,
    out: Path,
    sandboxes: SandboxFactory,
    since: str | None = None,
    until: str | None = None,
    most: int,
    config: Path | None = None,
    requirements: tuple[str, ...] = (),
    python: str = "",
    jobs: int = 1,
    progress: Callable[[HistoryReport], None] | None = None,
) -> HistoryReport:
    """Make one proven project of a repository's commits below `out`; one that stands there already is taken as it is.

    Args:
        repository: the folder that holds `.git`; it is only read.
        since: the commit to start from; else the newest commits are taken.
        until: the last commit; else HEAD.
        most: milestones that there may be.
        config: the file that says what is not to be detected; else `journeyman.toml` in the last commit.
        requirements: what is installed beside what is found.
        python: minor version of Python; else the one that suits it.
        jobs: gradings that run at once.

    Raises:
        SourceError: there is no repository or no such commit, or no project of three milestones can be proven.
        SandboxError: no sandbox can be made here, or the requirements cannot be installed.
    """
    begun = time.monotonic()
    with History(repository) as history:
        steps = steps_of(history, since, until, most, LEAST)
        if len(steps) < LEAST:
            raise SourceError(
                f"{repository}: {len(steps)} pieces of work that bring tests stand in a row, and a project needs "
                f"{LEAST}; name other commits with --from and --to"
            )
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", history.name).strip("-._") or "repository"
        name = f"{base}/history-{steps[0].before[:8]}-{steps[-1].after[:8]}"
        report = HistoryReport(history.name, out / name.replace("/", "-"), steps=len(steps))
        report.first, report.last = steps[0].before, steps[-1].after

        def tell_of(stage: str, done: int, of: int) -> None:
            report.stage, report.done, report.of, report.seconds = stage, done, of, time.monotonic() - begun
            if progress is not None:
                progress(report)

        report.resumed = (report.folder / "task.toml").is_file()
        if not report.resumed:
            try:
                report.needs = needed = find_needs(history, report.last, config, requirements, python)
                with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
                    chain = _chain(name, States(history, steps), Path(scratch), sandboxes, needed, tell_of)
                    _prove(chain, report.folder, sandboxes, pool, lambda done, of: tell_of("proving", done, of))
            except (Unfit, SourceError) as error:
                detail = f" ({error.detail})" if isinstance(error, Unfit) and error.detail else ""
                raise SourceError(f"{repository}: {error}{detail}") from error
    report.task, report.seconds = load_task(report.folder), time.monotonic() - begun
    return report


def _prove(
    chain: _Chain, folder: Path, sandboxes: SandboxFactory, pool: Executor, progress: Callable[[int, int], None]
) -> None:
    """Prove a chain, and put its folder in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = folder.with_name(f".{folder.name}{MAKING}")
    try:
        prove_in_order(chain, making, sandboxes, pool, progress)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _chain(
    name: str,
    states: States,
    scratch: Path,
    sandboxes: SandboxFactory,
    needed: Needs,
    tell_of: Callable[[str, int, int], None],
) -> _Chain:
    """Run the tests on every state, and put together what they show.

    Raises:
        Unfit: too few steps are left; the message says why.
    """
    _lay(scratch / "repository", {path: states.data(blob) for path, blob in states.given.items()}, states)
    needed.complete(scratch / "repository")
    hidden = needed.hidden(states.hidden())
    environment = needed.environment(states.given)
    bench = StateBench(states, scratch / "repository", hidden, environment, sandboxes)
    found, kept = tell_apart(bench, lambda done, of: tell_of("trying", done, of))
    known = set[str]().union(*(words_of(states.data(blob)) for blob in states.given.values()))
    told: list[Told] = []
    for each in found:
        if (one := tell(states, each, known, {name for before in told for name in before.names})) is not None:
            told.append(one)
    if len(told) < LEAST:
        raise Unfit(f"tests tell {len(found)} of {len(states.steps)} pieces of work apart, and {len(told)} can be told")
    numbers = [0, *(each.found.number for each in told)]
    parts = list(itertools.pairwise(numbers))
    done = iter(range(1, len(parts) + 1))
    above = direct(
        needs(bench, parts, [each.found.tests for each in told], lambda: tell_of("untangling", next(done), len(parts)))
    )
    task = _task(name, states, told, above, kept, bench, scratch)
    trees = (Snapshot(tree_hash="", base_hash="", changed=_files(states.sources(number))) for number in numbers)
    return _Chain(task, tuple(trees))


def _task(
    name: str,
    states: States,
    told: Sequence[Told],
    above: Sequence[tuple[int, ...]],
    kept: Sequence[str],
    bench: StateBench,
    scratch: Path,
) -> Task:
    """The task, over files below `scratch`."""
    end = told[-1].found.number
    last = states.sources(end)
    _lay(scratch / "solution", last, states)
    _lay(scratch / "hidden", dict(bench.hidden), states)
    milestones = _milestones(told, above)
    checks = [Check(id=test) for each in told for test in each.found.tests]
    checks += [Check(id=test, kind=CheckKind.PASS_TO_PASS) for test in kept]
    commits = [states.steps[each.found.number - 1].after for each in told]
    return Task(
        name=name,
        instruction=_goal(name.partition("/")[0], len(told), last),
        repository=scratch / "repository",
        hidden=scratch / "hidden",
        solution=scratch / "solution",
        environment=bench.environment,
        checks=tuple(checks),
        milestones=milestones,
        editable=editable([path for path in (*states.given, *last) if is_source(path)], bench.environment.pythonpath),
        test_paths=tuple(path for path in states.test_files() if path in states.given) or ("tests",),
        budget=BUDGET.model_copy(update={"max_steps": STEPS + STEPS_EACH * len(told), "episode_timeout_s": 3600.0}),
        metadata={
            "source": "history", "difficulty": "hard", "first": states.steps[0].before, "last": commits[-1],
            "proof": proof_of(len(told)), "commits": {m.name: c for m, c in zip(milestones, commits, strict=True)},
        },
    )  # fmt: skip


def _files(sources: dict[str, bytes]) -> dict[str, File]:
    return {path: File(data) for path, data in sources.items()}


def _lay(folder: Path, files: dict[str, bytes], states: States) -> None:
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(0o755 if path in states.given and states.given[path].executable else 0o644)


def _goal(name: str, number: int, sources: Collection[str]) -> str:
    """The whole in a few sentences; what each part is stands in its contract."""
    paths = ", ".join(f"`{path}`" for path in sorted(sources)[:8]) + (", …" if len(sources) > 8 else "")
    return (
        f"Carry {name} on. {number} pieces of work are to be done, in {paths}; each has a contract of its own. Some "
        "build on others. What works today must go on working, except where a contract says otherwise. Tests that you "
        "do not see decide for each piece whether it is done."
    )


def _milestones(told: Sequence[Told], above: Sequence[tuple[int, ...]]) -> tuple[Milestone, ...]:
    names: list[str] = []
    for number, each in enumerate(told, start=1):
        words = re.findall(r"[a-z0-9]+", each.title.lower())[:5]
        base = "-".join(words) or f"part-{number}"
        names.append(base if base not in names else f"{base}-{number}")
    return tuple(
        Milestone(
            name=names[place],
            title=each.title,
            instruction=each.text,
            depends_on=tuple(names[other] for other in above[place]),
            checks=each.found.tests,
        )
        for place, each in enumerate(told)
    )
