"""A Go repository: go.mod, and its files by name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.reading import Reading
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.sdist import SourceError

_NO_CODE = frozenset({"vendor", "testdata", "examples", "example", "_examples"})
_GENERATED = re.compile(r"^// Code generated .* DO NOT EDIT\.$", re.MULTILINE)


def read_go(facts: Facts, source: str) -> Reading:
    """Files that are tests and files that are code.

    Raises:
        SourceError: it needs other modules, and does not bring them along.
    """
    text = re.sub(r"//.*", "", facts.text("go.mod"))
    if match := re.search(r"^module\s+(\S+)", text, re.MULTILINE):
        parts = [part for part in match[1].strip('"').split("/") if not re.fullmatch(r"v\d+", part)]
        facts.tell("name", parts[-1], "go.mod")
    facts.tell("command", "go test ./...", "assumed")
    needs = re.findall(r"^\s*(?:require\s+)?([\w.-]+\.\w+/\S+)\s+v\d", text, re.MULTILINE)
    if needs and not (facts.folder / "vendor" / "modules.txt").is_file():
        raise SourceError(
            f"{source}: needs other modules ({', '.join(needs[:3])}), and tests run without a network: "
            "run `go mod vendor` in it, and add it again"
        )
    files = [name for name, _ in walk(facts.folder) if name.endswith(".go")]
    files = [name for name in files if not _NO_CODE & set(PurePosixPath(name).parts)]
    tests = tuple(name for name in files if name.endswith("_test.go"))
    code = (name for name in files if name not in tests and not _GENERATED.search(facts.text(name)))
    return Reading("go.mod", tests, tuple(code), "*_test.go")
