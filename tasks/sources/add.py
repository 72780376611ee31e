"""Add: any repository of Python, JavaScript, Go or Rust made to run, and proven tasks made of it.

    obtain → detect → resolve → pack → measure (three runs) → mint

Beside the tasks lie `added.json` (what was found, and how the tests did) and the packed archive. A second run with the
same files and settings takes both as they are.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import ImageError, SandboxFactory
from journeyman.sandbox.toolchain import pinned_modules
from journeyman.tasks.detect.cargo import trim_manifest
from journeyman.tasks.detect.inline_tests import move_inline_tests
from journeyman.tasks.detect.languages import toolchain_for
from journeyman.tasks.detect.other import detect_other, wish
from journeyman.tasks.detect.python import detect
from journeyman.tasks.detect.setup import CONFIG, Config, Finding, read_config
from journeyman.tasks.detect.shipped import any_test
from journeyman.tasks.sources.baseline import RUN_TIMEOUT_S, Baseline
from journeyman.tasks.sources.ledger import Ledger
from journeyman.tasks.sources.library import Library, prepare
from journeyman.tasks.sources.mint import MintReport, measured, mint_library
from journeyman.tasks.sources.origin import Origin, obtain
from journeyman.tasks.sources.pack import pack
from journeyman.tasks.sources.recipe import LibraryLine, tree_hash
from journeyman.tasks.sources.resolve import LOOSENED
from journeyman.tasks.sources.sdist import PACKED, Sdist, SourceError, fetch
from journeyman.tasks.sources.second_look import SecondLook, pinned

ADDED = "added.json"
_MISSING = {
    "": 'add_requirements = ["…"] for a module that is missing',
    "node": 'add_requirements = ["NAME@RANGE"] for a package that is missing',
    "go": "(or, for a module that is missing, first run `go mod vendor` in the repository)",
    "rust": "(or, for a crate that is missing, first run `cargo vendor` in the repository)",
}
"""What to do about something that tests need, by toolchain."""
_LAYOUT = 1
"""Raised when the same files would be packed in another way."""


@dataclass(slots=True)
class AddReport:
    """What is known of a repository so far; `said` gets it as it grows."""

    source: str
    kind: str
    requirement: str = ""
    """The packed repository, as recipes name it."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left behind, or met and not followed."""
    command: str = ""
    """How the repository itself runs its tests; here it is pytest, or the runner of its toolchain."""
    tests: int = 0
    """Tests that can be relied on."""
    quarantined: dict[str, list[str]] = field(default_factory=dict)
    """Why others cannot (flaky, slow, failed, …) → their ids."""
    complaints: dict[str, str] = field(default_factory=dict)
    """What most of the tests of one kind said: flaky, failed, … → one line."""
    broken: dict[str, str] = field(default_factory=dict)
    """Test file that cannot be collected → why."""
    suite_s: float = 0.0
    """The slowest of the three runs, in seconds."""
    ended: bool = True
    """Whether the suite came to its end within its limit."""
    minted: MintReport | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("findings", "minted")}
        shown = [asdict(finding) | {"line": finding.line} for finding in self.findings]
        return {**plain, "findings": shown, "minted": self.minted.as_json() if self.minted else None}


def add(
    source: str,
    *,
    count: int,
    sandboxes: SandboxFactory,
    out: Path | None = None,
    config: Path | None = None,
    seed: int = 0,
    jobs: int = 1,
    said: Callable[[str, AddReport], None] | None = None,
    progress: Callable[[MintReport], None] | None = None,
) -> AddReport:
    """Make a repository run and up to `count` proven tasks of it; with 0, only the former.

    Args:
        source: a folder, a git URL, a source distribution, NAME==VERSION, or NAME@VERSION of npm.
        out: where the tasks go; else `tasks/NAME` below the current folder.
        config: the file that says what is not to be detected; else `journeyman.toml` in the repository.
        said: called with "detected" and "measured", when the report has got as far.

    Raises:
        SourceError: it cannot be had, is in another language, or its tests do not run; the message says what to do.
        TaskFormatError: the config file says something that means nothing.
        SandboxError: no sandbox can be made here, or the environment cannot be built.
    """
    scratch = Path(tempfile.mkdtemp(dir=home("scratch")))
    try:
        origin = obtain(source, scratch)
        report = AddReport(source, origin.kind, notes=tuple(origin.notes))
        beside = origin.folder / CONFIG
        settings = read_config(config or (beside if beside.is_file() else None))
        limit_s = settings.suite_limit_s or RUN_TIMEOUT_S
        where = out or Path("tasks") / (settings.name or origin.name)
        print_ = _fingerprint(origin.folder, settings)
        sdist, known = _known(where, print_, report)
        again = None
        if sdist is None:
            sdist, again = _packed(origin, report, settings, scratch)
        if said is not None:
            said("detected", report)
        library, baseline = prepare(sdist), None
        if not (known and _made(library, where) >= count):
            library, baseline = _measured(library, report, limit_s, sandboxes, again)
            _keep(report, library.sdist, print_, where)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if said is not None:
        said("measured", report)
    if count:
        report.minted = mint_library(
            library, count=count, out=where, sandboxes=sandboxes, seed=seed, jobs=jobs, progress=progress,
            baseline=baseline,
        )  # fmt: skip
    return report


def _packed(origin: Origin, report: AddReport, settings: Config, scratch: Path) -> tuple[Sdist, SecondLook | None]:
    """The repository as an archive, and what a second look at it needs."""
    if toolchain := settings.toolchain or toolchain_for(origin.folder, report.source):
        return _packed_other(toolchain, origin, report, settings), None
    detected = detect(origin.folder, report.source, settings, origin.name, "0")
    tests, again = detected.setup.tests, None
    if settings.tests is None and not any_test(origin.folder, tests, detected.facts.settings):
        raise SourceError(
            f"{report.source}: ships no tests: {len(tests)} file{'s' * (len(tests) > 1)} named as tests are ({tests[0]}"
            f"{', …' * (len(tests) > 1)}), and no test function or class in any; where are they? "
            f'write tests = ["…"] into {CONFIG} (--config)'
        )
    if settings.requirements is None:  # else its owner has said all
        again = SecondLook(detected, settings, report.source, shutil.copytree(origin.folder, scratch / "again"))
    setup, remark = pinned(detected.setup, settings, report.source)
    findings = detected.findings
    if setup.plugins:
        where = "the config file" if settings.plugins is not None else "assumed: pytest plugins among the requirements"
        findings += (Finding("plugins", setup.plugins, where, settings.plugins is None),)
    report.command = str(detected.facts.get("command", "pytest"))
    report.findings = findings
    report.notes += (*detected.notes, *([remark] if remark else []))
    sdist = pack(origin.folder, setup, detected.facts)
    report.requirement = sdist.requirement
    return sdist, again


def _packed_other(toolchain: str, origin: Origin, report: AddReport, settings: Config) -> Sdist:
    if toolchain == "rust":
        report.notes += (*trim_manifest(origin.folder, report.source), *move_inline_tests(origin.folder))
    detected = detect_other(toolchain, origin.folder, report.source, settings, origin.name)
    report.command = str(detected.facts.get("command", "not said"))
    report.findings = detected.findings
    report.notes += detected.notes
    packages, remark = _pinned(detected.setup.requirements, report.source)
    report.notes += (remark,) if remark else ()
    sdist = pack(origin.folder, replace(detected.setup, requirements=packages), detected.facts)
    report.requirement = sdist.requirement
    return sdist


def _pinned(lines: tuple[str, ...], source: str) -> tuple[tuple[str, ...], str]:
    """Exact versions of npm's packages, as `tape@^5` and what it needs come out today; a remark if others had to do."""
    wishes = dict(map(wish, lines))
    try:
        return _ask_npm(wishes), ""
    except ImageError as error:
        try:
            return _ask_npm(dict.fromkeys(wishes, "*")), f"{LOOSENED} ({error})"
        except ImageError:
            raise SourceError(
                f'{source}: {error}; to choose versions, write requirements = ["tape@5.7.2", "…"] into {CONFIG}'
            ) from error


def _ask_npm(wishes: dict[str, str]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(dir=home("scratch")) as scratch:
        return pinned_modules(wishes, Path(scratch))


def _measured(
    library: Library, report: AddReport, limit_s: float, sandboxes: SandboxFactory, again: SecondLook | None
) -> tuple[Library, Baseline]:
    """What its tests do; after a second look, where they miss something that can be had."""

    def measure(library: Library) -> Baseline:
        with sandboxes.create(library.environment, library.root) as sandbox:
            return measured(library, sandbox, limit_s)

    try:
        if again is None:
            baseline = measure(library)
        else:
            library, baseline = again.measured(library, measure)
    except SourceError as error:
        raise SourceError(
            f"{report.source}: {str(error).removeprefix(library.sdist.requirement + ': ')}\n"
            f"  to mend it, write a line into {CONFIG} (--config): {_MISSING[library.environment.toolchain]}, "
            'skip = ["…"] for test files that cannot run here, or suite_limit_s = 900'
        ) from error
    report.requirement = library.sdist.requirement
    if again is not None:
        report.findings += again.findings
    report.tests, report.broken = len(baseline.tests), dict(baseline.broken)
    report.complaints = dict(baseline.complaints)
    report.suite_s, report.ended = round(baseline.seconds, 1), baseline.ended
    report.quarantined = {}
    for test, reason in baseline.left_out.items():
        report.quarantined.setdefault(reason, []).append(test)
    return library, baseline


def _fingerprint(folder: Path, settings: Config) -> str:
    """What decides how a repository is packed: its files, its owner's settings, this version of Journeyman."""
    facts = [tree_hash(folder), settings.model_dump_json(), str(_LAYOUT), *map(str, sys.version_info[:2])]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()


def _known(out: Path, fingerprint: str, report: AddReport) -> tuple[Sdist | None, bool]:
    """The archive that an earlier run packed of the same, with what it reported; else nothing."""
    try:
        data = json.loads((out / ADDED).read_text(encoding="utf-8"))
        if data.pop("fingerprint") != fingerprint:
            return None, False
        known, sha256 = data["report"], data["sha256"]
        adopt(out)
        sdist = fetch(known["requirement"], sha256=sha256)
        known["findings"] = tuple(_finding(row) for row in known["findings"])
        for name in set(AddReport.__slots__) - {"source", "kind", "minted"}:
            setattr(report, name, known[name])
    except (OSError, ValueError, KeyError, TypeError, SourceError):
        return None, False  # the first run, or one that was cut short: begin again
    return sdist, True


def _finding(row: dict[str, Any]) -> Finding:
    value = tuple(row["value"]) if isinstance(row["value"], list) else row["value"]
    return Finding(row["key"], value, row["where"], row["assumed"])


def _made(library: Library, out: Path) -> int:
    return len(Ledger(LibraryLine.of(library), out).kept)


def _keep(report: AddReport, sdist: Sdist, fingerprint: str, out: Path) -> None:
    """Write the report and the archive beside the tasks, each whole."""
    out.mkdir(parents=True, exist_ok=True)
    partial = out / f".{ADDED}.part"
    shutil.copyfile(sdist.archive, partial)
    partial.replace(out / sdist.archive.name)
    data = {"fingerprint": fingerprint, "sha256": sdist.sha256, "report": report.as_json()}
    partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    partial.replace(out / ADDED)


def adopt(folder: Path) -> None:
    """Take packed archives that lie beside recipes into the cache, so that the recipes can be built on any machine."""
    for archive in folder.glob(f"*{PACKED}*.tar.gz"):
        place = home("sdists") / archive.name.removesuffix(".tar.gz")
        if not place.is_dir():
            partial = Path(tempfile.mkdtemp(dir=home("scratch")))
            shutil.copyfile(archive, partial / archive.name)
            partial.rename(place)
