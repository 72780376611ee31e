"""A JavaScript repository: package.json, and what its files import."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from journeyman.sandbox.sandbox import SandboxUnavailable
from journeyman.sandbox.toolchain import toolchain_of
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.reading import Reading
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.runners.node import FRAMEWORKS, IMPORTS, SUFFIXES, manifest_of, test_files

_NO_CODE = frozenset(
    {"test", "tests", "__tests__", "example", "examples", "bench", "benchmark", "benchmarks", "docs", "doc", "scripts"}
    | {"tools", "coverage", "node_modules", "vendor", "perf", "fixtures", "dist", "build", "website"}
)
_NO_SOURCE = re.compile(
    r"(\.min\.[cm]?js|\.d\.[cm]?ts|\.(config|conf|setup)\.[cm]?[jt]s|(^|/)(Gruntfile|gulpfile)\.js)$"
)
TYPES_FROM = (22, 18)
"""The first version of node that runs TypeScript as it stands."""


def read_javascript(facts: Facts, source: str) -> Reading:
    """Files that are tests, files that are code, and the packages of npm that both name."""
    manifest = manifest_of(facts.text("package.json"))
    for key, name in (("name", "name"), ("version", "version"), ("licence", "license")):
        if isinstance(value := manifest.get(name), str):
            facts.tell(key, value.lstrip("@"), "package.json")
    scripts = manifest.get("scripts")
    if isinstance(scripts, dict) and isinstance(scripts.get("test"), str):
        facts.tell("command", scripts["test"], "package.json")
    files = [name for name, _ in walk(facts.folder) if name.endswith(SUFFIXES)]
    types = [name for name in files if name.endswith("ts") and not name.endswith((".d.ts", ".d.mts", ".d.cts"))]
    if types and not _runs_types():
        facts.notes.append(
            f"{len(types)} × TypeScript, such as {types[0]}: left out, only node {'.'.join(map(str, TYPES_FROM))} or "
            "newer runs it as it stands"
        )
        files = [name for name in files if not name.endswith("ts")]
    tests = test_files(files, facts.text)
    sources = tuple(name for name in files if name not in tests and _is_code(name))
    wishes = _wishes(manifest, [facts.text(name) for name in (*tests, *sources)], set(tests.values()))
    return Reading("package.json", tuple(tests), sources, "*.test.js, *.spec.js, test/, __tests__/", wishes)


def _runs_types() -> bool:
    try:
        numbers = re.findall(r"\d+", toolchain_of("node").version)
    except SandboxUnavailable:
        return False
    return tuple(map(int, numbers[:2])) >= TYPES_FROM


def _is_code(name: str) -> bool:
    pure = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in pure.parts)
    return not (hidden or _NO_CODE & set(pure.parts[:-1]) or _NO_SOURCE.search(name) or is_test_file(pure))


def _wishes(manifest: dict[str, Any], texts: Iterable[str], styles: set[str]) -> dict[str, str]:
    """Packages that the files import, and the runner of their tests, with the ranges that package.json asks for."""
    ranges: dict[str, str] = {}
    for key in ("peerDependencies", "devDependencies", "dependencies"):
        table = manifest.get(key)
        if isinstance(table, dict):
            ranges |= {name: range_ for name, range_ in table.items() if isinstance(range_, str)}
    named = {_package(text) for source in texts for text in IMPORTS.findall(source)}
    named |= styles & set(FRAMEWORKS)
    own = manifest.get("name")
    wanted = {name for name in named if name and name != own}
    # What is imported and not named anywhere is most often an example in a comment.
    return {name: _range(ranges[name]) for name in sorted(wanted) if name in ranges}


def _range(wish: str) -> str:
    """A range of versions; any, where the wish is a place that is not npm's."""
    return "*" if re.match(r"^(\w+:|\.|/|git)", wish) else wish


def _package(text: str) -> str:
    """The package that an import names; empty for a file or a part of node."""
    if text.startswith((".", "/", "node:")):
        return ""
    parts = text.split("/")
    return "/".join(parts[:2]) if text.startswith("@") else parts[0]
