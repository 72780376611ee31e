"""One run: each round measures every row in turn.

So that a busy moment of the machine falls on all alike, nothing of two rows runs at the same time, and what is compared
comes from the same rounds.
"""

from __future__ import annotations

import os
import platform
import random
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from journeyman.bench.bars import Verdict, verdicts
from journeyman.bench.figures import Figures, Raw, figures
from journeyman.bench.materials import PYTHON, interpreter, many_files, peer_image, small_repository, with_packages
from journeyman.bench.rows import BARE, Row
from journeyman.bench.workers import RowError, RowMissing, Worker
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.sandbox import SandboxError

Progress = Callable[[str], None]
Take = Callable[[Raw, Worker], None]
"""Asks a worker for a measurement and adds it to the row's."""
LABEL = "journeyman.bench"
RESETS = 5
"""How often a round resets over each of the repositories that are compared by size."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int = 3
    repeats: int = 3
    """How often a round takes the steps that need no company, one sandbox after the other."""
    lanes: int = 16
    seconds: float = 8.0
    """How long each round counts episodes, at the least, in seconds."""
    idle: int = 16
    """Boxes that are open at once when memory is measured."""
    few_and_many: tuple[int, int] = (4, 64)
    """Lanes between which processor time is compared."""
    files: tuple[int, int] = (60, 6000)
    changes: tuple[str, ...] = ("bytes", "files")
    python: str = sys.executable
    """The peers' interpreter."""


@dataclass
class Result:
    """What a run found."""

    plan: Plan
    machine: dict[str, Any]
    raw: dict[str, Raw] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Rows that could not be measured, with the reason and what to do."""

    cut_short: str = ""
    """Why it has not all its rounds."""

    @property
    def rows(self) -> dict[str, Figures]:
        return figures(self.raw, BARE.name)

    @property
    def suite_s(self) -> float | None:
        return self.rows.get(BARE.name, {}).get("suite_s")

    @property
    def verdicts(self) -> list[Verdict]:
        troubles = {name: row.trouble for name, row in self.raw.items() if row.trouble}
        return verdicts(self.rows, {**self.missing, **troubles})


def machine() -> dict[str, Any]:
    """This machine in plain facts."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((row.partition(":")[2].strip() for row in lines if row.startswith("model name")), platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "user": "root" if os.geteuid() == 0 else "an ordinary user",
        "load_before": os.getloadavg()[0],
    }


def measured(rows: tuple[Row, ...], plan: Plan, progress: Progress, log: Path) -> Result:
    """Measure these rows. Who interrupts it gets what was measured until then.

    Args:
        log: a file that takes what peers print.

    Raises:
        SandboxError: the environment that all rows share could not be built.
    """
    result = Result(plan, machine())
    with tempfile.TemporaryDirectory(prefix="journeyman-bench-") as folder, log.open("ab") as output:
        Path(folder).chmod(0o755)  # sandboxes may run as another user
        run = _Run(plan, result, Path(folder), progress, output)
        title = "the preparations"
        try:
            run.prepare()
            for number in range(plan.rounds):
                title = f"round {number + 1} of {plan.rounds}"
                run.round(rows, title)
        except KeyboardInterrupt:
            result.cut_short = f"interrupted in {title}"
        finally:
            if any(row.docker for row in rows):
                run.sweep()
    result.machine["load_after"] = os.getloadavg()[0]
    return result


class _Run:
    def __init__(self, plan: Plan, result: Result, folder: Path, progress: Progress, output: IO[bytes]) -> None:
        self._plan, self._result, self._folder = plan, result, folder
        self._progress, self._output = progress, output
        self._warm: dict[str, bool] = {}
        """Rows by name → whether they can run tests warm."""
        self._token = uuid.uuid4().hex

    def prepare(self) -> None:
        """Make what all rows work on. Where no environment is kept, pip installs one, which may take a minute."""
        self._progress("preparing: an environment with pytest, which is built once and kept")
        self._bin = interpreter(self._folder / "interpreter")
        few, many = self._plan.files
        self._progress(f"preparing: repositories, of up to {many} files")
        self._repository = small_repository(self._folder / "repository")
        self._few, self._many = many_files(self._folder / "few", few), many_files(self._folder / "many", many)

    def sweep(self) -> None:
        """Remove the containers of peers that hung or died."""
        with suppress(SandboxError):
            for container, token in engine().labelled(LABEL).items():
                if token == self._token:
                    engine().remove(container)

    def round(self, rows: tuple[Row, ...], title: str) -> None:
        """The small steps, row after row and again; then what takes long or fills a pool, each row by itself.

        Rows whose steps are compared to the millisecond so follow each other within seconds; and nothing that one row
        keeps ready is in another's way when episodes are counted.
        """
        with ExitStack() as stack:
            workers = {row: worker for row in rows if (worker := stack.enter_context(self._worker(row, title)))}
            for _ in range(self._plan.repeats):
                for row, worker in workers.items():
                    self._take(row, worker, title, "one after the other", _take_round)
        for row in rows:
            with self._worker(row, title) as alone:
                for what, take in self._long_steps(row) if alone else ():
                    assert alone is not None
                    self._take(row, alone, title, what, take)

    @contextmanager
    def _worker(self, row: Row, title: str) -> Iterator[Worker | None]:
        """The row's process, set up; None where the row cannot be measured."""
        if row.name in self._result.missing:
            yield None
            return
        self._progress(f"{title}: starting {row.name}")
        worker = Worker(self._plan.python if row.install else sys.executable, self._output)
        try:
            yield worker if self._is_set_up(row, worker) else None
        finally:
            worker.end()

    def _take(self, row: Row, worker: Worker, title: str, what: str, take: Take) -> None:
        """One measurement. What fails is told; the rest goes on while the process lives."""
        if worker.is_dead():
            return
        self._progress(f"{title}: {row.name}: {what}")
        raw = self._result.raw[row.name]
        try:
            take(raw, worker)
        except RowError as error:
            raw.trouble = f"{what}: {error}"

    def _is_set_up(self, row: Row, worker: Worker) -> bool:
        """Whether the row can be measured; else the result says why not."""
        scratch = self._folder / row.name.replace(" ", "-")
        scratch.mkdir(exist_ok=True)
        try:
            setup = {
                "pristine": str(self._repository),
                "bin": self._bin,
                "image": self._image(row),
                "scratch": str(scratch),
                "python": PYTHON,
                "label": f"{LABEL}={self._token}",
            }
            answer = worker.ask("setup", peer=row.peer, setup=setup, docker=row.docker)
        except RowMissing as error:
            self._result.missing[row.name] = _advice(row, self._plan.python, error)
        except (RowError, SandboxError) as error:
            self._result.missing[row.name] = str(error)
        else:
            self._result.raw.setdefault(row.name, Raw(version=answer["version"]))
            self._warm[row.name] = answer["warm"]
        return row.name not in self._result.missing

    def _image(self, row: Row) -> str:
        if not row.docker or row.ours:
            return ""
        image = peer_image(engine(), self._repository)
        if not row.image:
            return image
        return with_packages(engine(), image, _pinned(row.image, self._plan.python), self._plan.python)

    def _long_steps(self, row: Row) -> Iterator[tuple[str, Take]]:
        """What a row does by itself, with what to say meanwhile. Memory comes before what fills a pool."""
        plan, warm = self._plan, self._warm[row.name]
        yield "idle memory", partial(_take_idle, plan.idle)
        yield "a hostile tree", _take_hostile
        if row.ours:
            for name, folder in (("reset_few_ms", self._few), ("reset_many_ms", self._many)):
                yield "resets by size", partial(_take_reset, name, folder)
            for change in plan.changes:
                yield "forks", partial(_take_fork, change)
        for name, runner in (("per_minute", False), ("warm_per_minute", True)):
            if warm or not runner:
                yield f"{plan.lanes} lanes", partial(_take_rate, name, plan.lanes, plan.seconds, runner)
        if row.ours:
            for name, lanes in zip(("cpu_few_s", "cpu_many_s"), plan.few_and_many, strict=True):
                yield f"{lanes} lanes", partial(_take_rate, name, lanes, plan.seconds, warm)


def _pinned(requirement: str, python: str) -> str:
    """The requirement at the version that the peers' interpreter has, so that both ends are alike."""
    asked = [python, "-c", f"from importlib.metadata import version; print(version({requirement!r}))"]
    found = subprocess.run(asked, capture_output=True, text=True)
    if found.returncode:
        raise RowMissing(f"no {requirement}")
    return f"{requirement}=={found.stdout.strip()}"


def _advice(row: Row, python: str, error: RowMissing) -> str:
    """What to do about a peer that is not there."""
    return f"not installed ({error}); install it: {python} -m pip install {row.install}" if row.install else str(error)


def _take_round(raw: Raw, worker: Worker) -> None:
    found = worker.ask("round")
    for name, values in found["ms"].items():
        raw.add(f"{name}_ms", *values)
    raw.add("suite_s", found["suite_s"])
    raw.runners.update(found["runners"])


def _take_hostile(raw: Raw, worker: Worker) -> None:
    found = worker.ask("hostile", token=f"{random.randrange(10**9):09}")
    raw.add("late_s", found["late_s"])
    raw.add("survivors", found["survivors"])


def _take_idle(count: int, raw: Raw, worker: Worker) -> None:
    for name, value in worker.ask("idle", count=count).items():
        raw.add(f"idle_{name}", value)


def _take_rate(name: str, lanes: int, seconds: float, warm: bool, raw: Raw, worker: Worker) -> None:
    found = worker.ask("rate", lanes=lanes, seconds=seconds, warm=warm)
    raw.add(name, found["cpu_s" if name.startswith("cpu") else "per_minute"])


def _take_reset(name: str, folder: Path, raw: Raw, worker: Worker) -> None:
    worker.ask("reset", repository=str(folder))  # builds what is missing
    raw.add(name, *(worker.ask("reset", repository=str(folder)) for _ in range(RESETS)))


def _take_fork(change: str, raw: Raw, worker: Worker) -> None:
    raw.add(f"fork_{change}_ms", worker.ask("fork", change=change))
