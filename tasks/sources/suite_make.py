"""Make a suite: for each library what comes along proven, and the rest minted; in parallel, resumed, with a card.

OUT/<name>-<version>/…                 task folders, with the record files of `mint` and `make_project`
OUT/<name>-<version>/unmade.jsonl      what could not be made, and why: it is not tried again while that stands
OUT/card.json, OUT/CARD.md             what is really there
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from journeyman.sandbox.sandbox import SandboxError, SandboxFactory
from journeyman.tasks.sources.baseline import Baseline, measure
from journeyman.tasks.sources.ledger import KEPT, mend
from journeyman.tasks.sources.library import Library, load_library
from journeyman.tasks.sources.mint import EVERYTHING, MUTATION, REMOVAL, MintReport, mint_library
from journeyman.tasks.sources.project_make import (
    PROJECTS,
    ProjectReport,
    keep_project,
    make_project_of,
    project_name,
    read_projects,
)
from journeyman.tasks.sources.recipe import LibraryLine, Recipe
from journeyman.tasks.sources.recipe_file import library_line, read_libraries, read_recipes, recipe_line
from journeyman.tasks.sources.suite_card import UNMADE, folder_of, write_card
from journeyman.tasks.sources.suite_file import (
    PROJECT,
    WHOLE,
    LibraryWish,
    Suite,
    proven_projects,
    proven_recipes,
    read_suite,
)
from journeyman.tasks.task import TaskError

MOST = 12
"""Milestones of a project of a suite: each costs some runs of the tests to plan, and a grading to prove."""


@dataclass(slots=True)
class SuiteReport:
    """How far a suite is; `progress` gets it as it grows."""

    suite: str
    out: Path
    wanted: int
    """Tasks that the suite asks for."""
    kept: dict[str, int] = field(default_factory=dict)
    """Library → tasks that stand."""
    at_work: list[str] = field(default_factory=list)
    """Libraries that are in hand now."""
    failed: dict[str, str] = field(default_factory=dict)
    """Library → why it gives nothing more now; the next run tries again."""

    @property
    def total(self) -> int:
        return sum(self.kept.values())


class _Stopped(Exception):
    """Somebody interrupted; what was proven is kept."""


def make_suite(
    suite: str,
    out: Path,
    sandboxes: SandboxFactory,
    *,
    jobs: int = 1,
    only: Sequence[str] = (),
    proven_only: bool = False,
    progress: Callable[[SuiteReport], None] | None = None,
) -> SuiteReport:
    """Make what a suite asks for, as far as its libraries give it; what stands in `out` already is taken as it is.

    Args:
        suite: the name of one that comes along, or its TOML file.
        jobs: libraries in hand at once. With more than one, an interrupt ends each after the proofs in hand.
        only: names of libraries; else all.
        proven_only: take what comes along proven, and make nothing new.

    Raises:
        TaskError: the suite cannot be read, or has no library that `only` names.
    """
    found = read_suite(suite)
    wishes = [wish for wish in found.library if not only or wish.name in only]
    if unknown := sorted(set(only) - {wish.name for wish in wishes}):
        known = ", ".join(wish.name for wish in found.library)
        raise TaskError(f"{suite}: has no library {unknown[0]}; there are {known}")
    report = SuiteReport(suite, out, sum(sum(wish.counts.values()) for wish in wishes))
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(found, report, sandboxes, proven_only, progress)
    try:
        if jobs == 1:
            for wish in wishes:
                run.make(wish)
        else:
            _side_by_side(run, wishes, jobs)
    finally:
        write_card(suite, found, wishes, out, report.failed)
    return report


def _side_by_side(run: _Run, wishes: Sequence[LibraryWish], jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run.make, wish) for wish in wishes}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for each in done:
                    each.result()
        except BaseException:
            run.stop.set()
            for each in waiting:
                each.cancel()
            raise


class _Run:
    """One run over a suite's libraries."""

    def __init__(
        self,
        suite: Suite,
        report: SuiteReport,
        sandboxes: SandboxFactory,
        proven_only: bool,
        progress: Callable[[SuiteReport], None] | None,
    ) -> None:
        self.stop = threading.Event()
        self._suite, self._report, self._sandboxes, self._proven_only = suite, report, sandboxes, proven_only
        self._progress, self._lock = progress, threading.Lock()

    def make(self, wish: LibraryWish) -> None:
        """All that a library is to give; if it cannot, the report says why."""
        if self.stop.is_set() or (self._proven_only and not _is_proven(wish)):  # then it need not even be fetched
            return
        self._report.at_work.append(wish.name)
        try:
            self._make(_Workshop(wish, folder_of(wish, self._report.out), self._sandboxes))
        except _Stopped:
            pass
        except (TaskError, SandboxError) as error:
            self._report.failed[wish.name] = str(error)
        finally:
            self._report.at_work.remove(wish.name)
            self._tell()

    def _make(self, shop: _Workshop) -> None:
        counts = shop.counts(self._proven_only)
        shop.lay_proven(counts)
        done: dict[str, int] = {}

        def tell(source: str, kept: int) -> None:
            done[source] = kept
            self._report.kept[shop.wish.name] = sum(done.values())
            self._tell()

        for source in (MUTATION, REMOVAL):
            if counts[source]:
                self._mint(shop, source, counts[source], tell)
        for number, modules in enumerate(shop.projects(self._proven_only)):
            if self._project(shop, modules):
                tell(PROJECT, number + 1)

    def _mint(self, shop: _Workshop, source: str, count: int, tell: Callable[[str, int], None]) -> None:
        known, standing = shop.unmade.get(f"{source} {count}"), shop.standing(source)
        minted = mint_library(
            shop.library, count=standing if known else count, out=shop.out, sandboxes=self._sandboxes,
            seed=self._suite.seed, source=source, wanted=self._suite.wanted if source == MUTATION else EVERYTHING,
            baseline=None if known or standing >= count else shop.measured(),
            progress=lambda report: tell(source, len(report.kept)),
        )  # fmt: skip
        tell(source, len(minted.kept))
        if len(minted.kept) < count and not known:
            shop.note(f"{source} {count}", _short_of(minted))

    def _project(self, shop: _Workshop, modules: str) -> bool:
        """Whether a project stands."""
        if f"{PROJECT} {modules}" in shop.unmade:
            return False

        def go_on(_: ProjectReport) -> None:
            self._tell()

        try:
            make_project_of(
                shop.library, modules=modules_of(modules), out=shop.out, sandboxes=self._sandboxes, most=MOST,
                measured=shop.measured, progress=go_on,
            )  # fmt: skip
        except TaskError as error:
            shop.note(f"{PROJECT} {modules}", str(error))
            return False
        return True

    def _tell(self) -> None:
        if self._progress is not None:
            with self._lock:
                self._progress(self._report)
        if self.stop.is_set():
            raise _Stopped


def _is_proven(wish: LibraryWish) -> bool:
    """Whether anything of a library comes along proven."""
    return bool(proven_projects(wish.requirement)) or any(proven_recipes(wish.requirement, s) for s in wish.counts)


def modules_of(project: str) -> tuple[str, ...]:
    """The modules that a suite's line names for a project; none: the whole library."""
    return () if project == WHOLE else tuple(project.split("+"))


def _short_of(minted: MintReport) -> str:
    reasons = ", ".join(f"{reason} {number}" for reason, number in minted.rejected.most_common(5))
    return f"{len(minted.kept)} of {minted.wanted}; rejected in the last run: {reasons or 'nothing more to try'}"


class _Workshop:
    """One library of a suite, with what was found out about it."""

    def __init__(self, wish: LibraryWish, out: Path, sandboxes: SandboxFactory) -> None:
        self.wish, self.out, self._sandboxes = wish, out, sandboxes
        self._baseline: Baseline | None = None
        library = load_library(wish.requirement)
        known = {line.partition("==")[0] for line in library.environment.requirements}
        more = tuple(line for line in wish.requirements if line.partition("==")[0] not in known)
        environment = replace(library.environment, requirements=(*library.environment.requirements, *more))
        self.library: Library = replace(library, environment=environment)
        out.mkdir(parents=True, exist_ok=True)
        rows = map(json.loads, mend(out / UNMADE).read_text(encoding="utf-8").splitlines())
        self.unmade: dict[str, str] = {row["what"]: row["reason"] for row in rows}

    def measured(self) -> Baseline:
        """What its tests do; they are run once."""
        if self._baseline is None:
            with self._sandboxes.create(self.library.environment, self.library.root) as sandbox:
                self._baseline = measure(self.library, sandbox)
        return self._baseline

    def counts(self, proven_only: bool) -> dict[str, int]:
        """Source → how many single tasks are to stand."""
        asked = self.wish.counts
        if proven_only:
            return {s: min(asked[s], len(proven_recipes(self.wish.requirement, s))) for s in (MUTATION, REMOVAL)}
        return {source: asked[source] for source in (MUTATION, REMOVAL)}

    def projects(self, proven_only: bool) -> tuple[str, ...]:
        standing = {recipe.name for recipe in read_projects(mend(self.out / PROJECTS))}
        names = {project: project_name(self.library, modules_of(project)) for project in self.wish.projects}
        return tuple(project for project, name in names.items() if name in standing or not proven_only)

    def standing(self, source: str) -> int:
        """How many tasks of a source are recorded."""
        return sum(recipe.source == source for recipe in self._recipes())

    def _recipes(self) -> tuple[Recipe, ...]:
        return read_recipes(mend(self.out / KEPT))

    def lay_proven(self, counts: dict[str, int]) -> None:
        """Put what comes along proven of this library into the folder's record, as far as it is asked for."""
        standing = {recipe.name for recipe in read_projects(mend(self.out / PROJECTS))}
        wished = {project_name(self.library, modules_of(project)) for project in self.wish.projects}
        for project in proven_projects(self.wish.requirement):
            if project.name in wished - standing:
                keep_project(project, self.out)
        recipes, short = list(self._recipes()), False
        names = {recipe.name for recipe in recipes}
        for source, count in counts.items():
            more = count - self.standing(source)
            proven = [r for r in proven_recipes(self.wish.requirement, source) if r.name not in names][: max(0, more)]
            recipes += proven
            short = short or (len(proven) < more and f"{source} {count}" not in self.unmade)
        known = [test for _, tests in read_libraries(self.out / KEPT) for test in tests]
        used = [test for recipe in recipes for test in (*recipe.fail_to_pass, *recipe.pass_to_pass)]
        # Where more is to be minted, the library's line must name all tests that it may need.
        tests = tuple(dict.fromkeys([*known, *used, *(self.measured().tests if short else ())]))
        if len(recipes) > len(names) or len(tests) > len(known):
            self._write(recipes, tests)

    def _write(self, recipes: Sequence[Recipe], tests: tuple[str, ...]) -> None:
        lines = [library_line(LibraryLine.of(self.library), tests), *(recipe_line(r, tests) for r in recipes)]
        partial = self.out / f".{KEPT}.part"
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        partial.replace(self.out / KEPT)

    def note(self, what: str, reason: str) -> None:
        """Remember what could not be made."""
        self.unmade[what] = reason
        with (self.out / UNMADE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "reason": reason}, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
