"""Mint: proven tasks out of a library's own code and tests.

    fetch → measure its tests → single faults, in turn → trial (do the right tests fail?) → recipe → folder → proof

A folder that is being minted into holds, beside the task folders, `recipes.jsonl` (what was kept) and `rejected.jsonl`
(what was tried in vain). A second run reads both and goes on where the first one ended, however it ended.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from journeyman.sandbox.sandbox import Sandbox, SandboxFactory, SandboxLost
from journeyman.tasks.sources.baseline import RUN_TIMEOUT_S, Baseline, measure
from journeyman.tasks.sources.ledger import Ledger
from journeyman.tasks.sources.library import Library, load_library
from journeyman.tasks.sources.make import Maker, Proof, clear, folder_name, prove
from journeyman.tasks.sources.plan import Quota, Wanted, mutants_in_turn
from journeyman.tasks.sources.recipe import LibraryLine, Recipe, build_recipe
from journeyman.tasks.sources.removal import removals_in_turn
from journeyman.tasks.sources.suite import measure_suite, try_on_suite
from journeyman.tasks.sources.trial import Mutant, Trial, try_mutants
from journeyman.tasks.verdict import Assurance

EVERYTHING = Wanted()
MUTATION, REMOVAL = SOURCES = ("mutation", "removal")
UNNAMED = "fault not in named function"
UNTOLD = "nothing says what it should do"
BATCH = 6
"""Mutants tried between two proofs: enough to share a start of pytest, few enough to stop in time."""


@dataclass(slots=True)
class MintReport:
    """What a run of `mint` did; `progress` gets it as it grows."""

    requirement: str
    wanted: int
    out: Path
    kept: list[str] = field(default_factory=list)
    """Names of the library's task folders below `out`, earlier runs' included."""
    resumed: int = 0
    """How many of `kept` an earlier run had made."""
    tried: int = 0
    """Mutants whose fate was decided in this run."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Reason → how many, in this run."""
    unsplit: Counter[str] = field(default_factory=Counter)
    """Why some of this run's tasks are not graded in two sandboxes: reason → how many."""
    twins: int = 0
    """How many of those are graded with twins."""
    tests: int = 0
    """Tests of the library that can be relied on."""
    tests_dropped: dict[str, int] = field(default_factory=dict)
    """Why others cannot: reason → how many."""
    seconds: float = 0.0

    @property
    def made(self) -> int:
        """Tasks of this run."""
        return len(self.kept) - self.resumed

    @property
    def split(self) -> int:
        """How many of them are graded in two sandboxes."""
        return self.made - self.unsplit.total()

    @property
    def tasks_per_minute(self) -> float:
        return 60.0 * self.made / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        shown = {
            "out": str(self.out),
            "rejected": dict(self.rejected),
            "split": self.split,
            "unsplit": dict(self.unsplit),
            "seconds": round(self.seconds, 1),
        }
        return {**plain, **shown, "tasks_per_minute": round(self.tasks_per_minute, 1)}


def mint(
    requirement: str,
    *,
    count: int,
    out: Path,
    sandboxes: SandboxFactory,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[MintReport], None] | None = None,
    wanted: Wanted = EVERYTHING,
    source: str = MUTATION,
) -> MintReport:
    """Make up to `count` proven tasks of a library below `out`; fewer when its faults or its tests give no more.

    Args:
        requirement: the library with its exact version, such as "inflection==0.5.1".
        out: a folder; task folders and the two record files appear in it. Several libraries may share it.
        jobs: proofs that run at once.
        progress: called after each mutant's fate is decided.
        wanted: which tasks to keep; a removal is never one of one line.
        source: "mutation" (single faults) or "removal" (functions and classes without their bodies).

    Raises:
        SourceError: the library cannot be had, has no tests, or its tests do not run.
        SandboxError: no sandbox can be made here.
    """
    return mint_library(
        load_library(requirement), count=count, out=out, sandboxes=sandboxes, seed=seed, jobs=jobs, progress=progress,
        wanted=wanted, source=source,
    )  # fmt: skip


def mint_library(
    library: Library,
    *,
    count: int,
    out: Path,
    sandboxes: SandboxFactory,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[MintReport], None] | None = None,
    wanted: Wanted = EVERYTHING,
    source: str = MUTATION,
    baseline: Baseline | None = None,
) -> MintReport:
    """As `mint`, of a library that is ready.

    Args:
        baseline: what its tests did, where they were measured already.
    """
    begun = time.monotonic()
    ledger = Ledger(LibraryLine.of(library), out)
    clear(library.sdist.name, out)
    kept = [recipe for recipe in ledger.kept if recipe.source == source]
    report = MintReport(library.sdist.requirement, count, out, resumed=len(kept))
    report.kept += [_standing(recipe, out) for recipe in kept]
    if len(report.kept) >= count:
        return report
    with _Bench(library, sandboxes) as bench, ThreadPoolExecutor(jobs) as pool:
        baseline = bench.measure(ledger, baseline)
        report.tests, report.tests_dropped = len(baseline.tests), baseline.dropped
        mutants = _in_turn(source, library, baseline, seed, wanted)
        quota = _quota(source, count, mutants)
        for recipe in kept:
            quota.take(recipe.mutation)
        maker, waiting = Maker(library, seed), iter(mutants)
        while len(report.kept) < count and (batch := _next_batch(waiting, ledger, quota)):
            recipes: list[Recipe] = []
            for trial in bench.try_all(batch):
                made = None if trial.rejected else maker.recipe(trial)
                if made is None or (against := _against(made, wanted)):
                    _reject(trial.mutant.key, against if made else trial.rejected, ledger, report)
                elif quota.allows(made.mutation):  # another of the same batch may have used it up
                    quota.take(made.mutation)
                    recipes.append(made)
            recipes = recipes[: count - len(report.kept)]
            for proof in pool.map(partial(prove, out=out, sandboxes=sandboxes), recipes):
                _settle(proof, ledger, report)
            report.seconds = time.monotonic() - begun
            if progress is not None:
                progress(report)
    report.seconds = time.monotonic() - begun
    return report


def _against(made: Recipe, wanted: Wanted) -> str:
    """Why a recipe that could be proven is not wished for; empty when it is."""
    if wanted.named and not made.facts["fault_in_named_function"]:
        return UNNAMED
    return "" if made.facts.get("told", True) else UNTOLD


def _in_turn(source: str, library: Library, baseline: Baseline, seed: int, wanted: Wanted) -> tuple[Mutant, ...]:
    if source == REMOVAL:
        return removals_in_turn(library, baseline, seed)
    return mutants_in_turn(library, baseline, seed, wanted)


def _quota(source: str, count: int, mutants: Sequence[Mutant]) -> Quota:
    """Of removals each function gives one; they have few operators."""
    if source == REMOVAL:
        return Quota(per_function=1, per_operator=count)
    return Quota.for_count(count, len({(m.mutation.path, m.mutation.function) for m in mutants}))


def _standing(recipe: Recipe, out: Path) -> str:
    """The folder of a task that an earlier run kept, made again if somebody removed it."""
    place = out / folder_name(recipe)
    if not (place / "task.toml").is_file():
        build_recipe(recipe, place)
    return place.name


def _next_batch(waiting: Iterator[Mutant], ledger: Ledger, quota: Quota) -> list[Mutant]:
    """The next mutants that were not tried before and whose function and operator have not given their share."""
    fresh = (mutant for mutant in waiting if mutant.key not in ledger.seen and quota.allows(mutant.mutation))
    return list(islice(fresh, BATCH))


def _settle(proof: Proof, ledger: Ledger, report: MintReport) -> None:
    if proof.reason:
        _reject(proof.recipe.facts["key"], proof.reason, ledger, report)
        return
    ledger.keep(proof.recipe)
    report.kept.append(folder_name(proof.recipe))
    if "unsplit" in proof.recipe.proof:
        report.unsplit[proof.recipe.proof["unsplit"]] += 1
        report.twins += proof.recipe.assurance == Assurance.TWINS
    report.tried += 1


def _reject(key: str, reason: str, ledger: Ledger, report: MintReport) -> None:
    ledger.reject(key, reason)
    report.rejected[reason] += 1
    report.tried += 1


def measured(library: Library, sandbox: Sandbox, limit_s: float) -> Baseline:
    """What a library's tests do, whatever runs them. Raises SourceError where none can be relied on."""
    if library.environment.toolchain:
        return measure_suite(library, sandbox, limit_s=limit_s)
    return measure(library, sandbox, limit_s=limit_s)


class _Bench:
    """A live sandbox with a library's pristine files; a new one takes its place when a mutant brings it down."""

    def __init__(self, library: Library, sandboxes: SandboxFactory) -> None:
        self._library, self._sandboxes = library, sandboxes
        self._sandbox: Sandbox | None = None
        self._seconds = 0.0

    def measure(self, ledger: Ledger, known: Baseline | None) -> Baseline:
        """The library's reliable tests; in a folder that has its line already, those that the line names."""
        baseline = known or measured(self._library, self._live(), RUN_TIMEOUT_S)
        self._seconds = baseline.seconds
        if ledger.tests:
            return baseline.only(ledger.tests)
        ledger.begin(tuple(baseline.tests))
        return baseline

    def try_all(self, batch: Sequence[Mutant]) -> list[Trial]:
        try:
            if self._library.environment.toolchain:
                return try_on_suite(batch, self._library, self._live(), self._seconds)
            return try_mutants(batch, self._live())
        except SandboxLost:
            self._drop()
            if len(batch) == 1:
                return [Trial(batch[0], "crash")]
            return [trial for mutant in batch for trial in self.try_all([mutant])]

    def _live(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = self._sandboxes.create(self._library.environment, self._library.root)
        return self._sandbox

    def _drop(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()
