"""A second look at a repository whose tests missed something when they ran: it is installed, in an older version if the
newest has lost it, or made importable.

What counts is what came out: where the second run is no better, the first one stands.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from journeyman.sandbox.sandbox import ImageError
from journeyman.tasks.detect.needs import all_named, missed, name_of
from journeyman.tasks.detect.python import Detected
from journeyman.tasks.detect.setup import Config, Finding, Setup
from journeyman.tasks.sources.baseline import Baseline, NoTestRuns
from journeyman.tasks.sources.library import Library, prepare
from journeyman.tasks.sources.pack import pack, plugins_of
from journeyman.tasks.sources.resolve import resolve
from journeyman.tasks.sources.sdist import SourceError

LOOKS = 3
"""Most often that something is added: what is missing may miss something else."""


def pinned(setup: Setup, settings: Config, source: str) -> tuple[Setup, str]:
    """A setup with exact versions, and the plugins among them; and a remark, if not all wishes could be met.

    Raises:
        SourceError: no versions fit together, or the package index cannot be reached.
    """
    exact, remark = resolve(setup.requirements, setup.python, source)
    plugins = settings.plugins
    if plugins is None:
        plugins = tuple(dict.fromkeys((*setup.plugins, *plugins_of(setup.requirements))))
    return replace(setup, requirements=exact, plugins=plugins), remark


@dataclass(slots=True)
class SecondLook:
    """What it takes to pack a repository once more."""

    detected: Detected
    settings: Config
    source: str
    tree: Path
    """A copy of its files, as they came; nobody else's."""
    added: tuple[str, ...] = ()
    """Requirements without which its tests missed something."""
    folders: tuple[str, ...] = ()
    """Folders that must be importable, likewise."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was added, as the lines that say so."""
        found = {"add_requirements": self.added}
        if self.folders:
            found["pythonpath"] = (*self.detected.setup.pythonpath, *self.folders)
        why = "assumed: missing when its tests ran"
        return tuple(Finding(key, value, why, assumed=True) for key, value in found.items() if value)

    def measured(self, library: Library, measure: Callable[[Library], Baseline]) -> tuple[Library, Baseline]:
        """The repository as its tests run best, and what they do.

        Raises:
            NoTestRuns: none runs, whatever was added.
            SandboxError: no sandbox can be made here, or the first environment cannot be built.
        """
        best, trouble = self._tried(library, measure)
        missing = best.missing if best else trouble.missing if trouble else ()
        tried, folders, last = self.added, self.folders, library
        for _ in range(LOOKS):
            where = self._places(missing, folders)
            more = self._older(missing, tried, last) or self._more(missing, tried, not where and _hardly(best))
            if not (more or where):
                break
            tried, folders = tried + more, folders + where
            try:
                last = self._packed(tried, folders)
                baseline, said = self._tried(last, measure)
            except (SourceError, ImageError):
                continue  # these cannot be installed: as before
            missing = baseline.missing if baseline else said.missing if said else ()
            if baseline and (best is None or len(baseline.tests) > len(best.tests)):
                library, best, self.added, self.folders = last, baseline, tried, folders
        if best is None:
            assert trouble is not None
            raise trouble
        return library, best

    def _more(self, missing: tuple[str, ...], tried: tuple[str, ...], hardly: bool) -> tuple[str, ...]:
        """What has the missing modules; where that is unknown and hardly a test runs, all that any file names."""
        facts, python = self.detected.facts, self.detected.setup.python
        there = {name_of(line) for line in (*self.detected.setup.requirements, *tried)}
        more = tuple(line for line in missed(facts, missing, python) if name_of(line) not in there)
        if more or not (missing and hardly):
            return more
        return tuple(line for line in all_named(facts, python) if name_of(line) not in there)

    def _older(self, missing: tuple[str, ...], tried: tuple[str, ...], last: Library) -> tuple[str, ...]:
        """For what is installed and has lost something inside it that is wanted: the series of releases before."""
        exact = {name_of(line): line.partition("==")[2] for line in last.environment.requirements if "==" in line}
        inside = [module for module in missing if "." in module]
        found = dict.fromkeys(name_of(line) for line in missed(self.detected.facts, inside, self.detected.setup.python))
        lines = [f"{name}<{_series(exact[name])}" for name in found if name in exact and name != "pytest"]
        return tuple(line for line in lines if line not in tried)

    def _places(self, missing: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
        """The folders in which the missing modules stand: of each, the one that is nearest to the top."""
        if self.settings.pythonpath is not None:
            return ()
        found: dict[str, None] = {}
        for name in dict.fromkeys(module.partition(".")[0] for module in missing):
            files = (
                [*self.tree.rglob(f"{name}.py"), *self.tree.rglob(f"{name}/__init__.py")] if name.isidentifier() else []
            )
            places = (file.parent.parent if file.name == "__init__.py" else file.parent for file in files)
            places = (place for place in places if not _hides_python(place))
            near = min(places, key=lambda place: (len(place.parts), place), default=None)
            if near is not None:
                found[near.relative_to(self.tree).as_posix()] = None
        return tuple(place for place in found if place not in (*self.detected.setup.pythonpath, *known))

    def _packed(self, added: tuple[str, ...], folders: tuple[str, ...]) -> Library:
        setup = self.detected.setup
        setup = replace(setup, pythonpath=(*setup.pythonpath, *folders), requirements=(*setup.requirements, *added))
        setup, _ = pinned(setup, self.settings, self.source)
        tree = shutil.copytree(self.tree, self.tree.with_name("once-more"))
        try:
            return prepare(pack(tree, setup, self.detected.facts))
        finally:
            shutil.rmtree(tree)

    def _tried(
        self, library: Library, measure: Callable[[Library], Baseline]
    ) -> tuple[Baseline | None, NoTestRuns | None]:
        try:
            return measure(library), None
        except NoTestRuns as error:
            return None, error


def _series(version: str) -> str:
    """What stands before the first dot of a version; before the second, where that is zero."""
    release = Version(version).release
    return ".".join(map(str, release[: 1 if release[0] else 2]))


def _hides_python(folder: Path) -> bool:
    """Whether a module in a folder would take the place of one of Python's own, were the folder importable."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return not names.isdisjoint(sys.stdlib_module_names)


def _hardly(baseline: Baseline | None) -> bool:
    return baseline is None or len(baseline.broken) >= len(baseline.tests)
