"""From a JavaScript, Go or Rust repository's files to a `Setup`, with a finding for each of its lines.

What the languages differ in is a `Reading`, which each one's module makes (`javascript`, `golang`, `cargo`).
"""

from __future__ import annotations

import re
from pathlib import Path

from journeyman.tasks.detect.cargo import read_cargo
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.golang import read_go
from journeyman.tasks.detect.javascript import read_javascript
from journeyman.tasks.detect.python import Detected, chosen
from journeyman.tasks.detect.setup import Config, Finding, Setup
from journeyman.tasks.sources.recipe import PYTHON
from journeyman.tasks.sources.sdist import SourceError

READERS = {"node": read_javascript, "go": read_go, "rust": read_cargo}
ASK = 'write {key} = ["…"] into journeyman.toml beside it, or give a file with --config'


def detect_other(toolchain: str, folder: Path, source: str, config: Config, name: str) -> Detected:
    """Read a repository's files; nothing of it runs.

    Args:
        source: how its owner named it, for error messages.
        name: what to call it where it does not say.

    Raises:
        SourceError: it has no tests, no code, or dependencies that cannot be had.
    """
    facts = Facts(folder)
    reading = READERS[toolchain](facts, source)
    findings: list[Finding] = []

    def settle(key: str, own: object, found: object, where: str, *, assumed: bool = False) -> None:
        findings.append(Finding(key, found, where, assumed) if own is None else Finding(key, own, "the config file"))

    def told(key: str, own: str | None, otherwise: str, why: str) -> str:
        value, where = facts.told.get(key, (otherwise, why))
        settle(key, own, str(value), where, assumed=key not in facts.told)
        return str(own or value)

    settle("toolchain", config.toolchain, toolchain, reading.manifest)
    called = told("name", config.name, name, "assumed from the source's name")
    number = told("version", config.version, "0", "assumed: no file gives it")
    tests = chosen(folder, config.tests, reading.tests, config.skip)
    settle("tests", config.tests, tests, reading.how_tests)
    if not tests:
        raise SourceError(f"{source}: no tests found ({reading.how_tests}); where are they? {ASK.format(key='tests')}")
    sources = tuple(path for path in chosen(folder, config.sources, reading.sources, ()) if path not in tests)
    settle("sources", config.sources, sources, "found there")
    if not sources:
        raise SourceError(f"{source}: no code beside its tests; where is it? {ASK.format(key='sources')}")
    wishes = {**reading.wishes, **dict(map(wish, config.add_requirements))}
    lines = config.requirements or tuple(f"{package}@{range_}" for package, range_ in sorted(wishes.items()))
    if lines:
        settle("requirements", config.requirements, lines, f"{reading.manifest}, and what the files name")
    if idle := [key for key in ("python", "pythonpath", "plugins", "variables") if getattr(config, key) is not None]:
        facts.notes.append(f"of the config file, {', '.join(idle)} is for Python: passed over")
    setup = Setup(
        re.sub(r"[^a-z0-9]+", "-", called.lower()).strip("-") or name, re.sub(r"[^\w.]+", ".", number),
        str(facts.get("licence", "unknown"))[:60], PYTHON, lines, (".",), sources, tests, toolchain=toolchain,
    )  # fmt: skip
    return Detected(setup, tuple(findings), tuple(facts.notes), facts)


def wish(line: str) -> tuple[str, str]:
    """Name and range of `tape@5.7.2`; any version where none is given."""
    name, at, range_ = line[1:].partition("@")
    return line[:1] + name, range_ if at else "*"
