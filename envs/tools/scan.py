"""Look through the repository's files for a regular expression, inside the sandbox.

A policy's pattern may take exponential time, so it runs where a process can be stopped, by the sandbox's interpreter
in isolated mode (no file of the repository can stand in for a module that it imports).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from journeyman.envs.tools.tool import Refused, Workspace

TIMEOUT_S = 5.0
MAX_FILE_BYTES = 1_000_000
"""Larger files are not looked through."""
_PYTHON = "/opt/env/bin/python"

_SCRIPT = """
import json, os, re, sys
spec = json.load(sys.stdin)
try:
    pattern = re.compile(spec["pattern"])
except (re.error, RecursionError, OverflowError) as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
total, shown = 0, []
for path in spec["paths"]:
    try:
        if os.path.islink(path) or os.path.getsize(path) > spec["max_file_bytes"]:
            continue
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        continue
    if b"\\0" in data:
        continue
    for number, line in enumerate(data.decode("utf-8", "replace").split("\\n"), 1):
        if pattern.search(line):
            total += 1
            if len(shown) < spec["limit"]:
                shown.append([path, number, line[:500]])
print(json.dumps({"total": total, "shown": shown}))
"""


@dataclass(frozen=True, slots=True)
class Match:
    path: str
    line: int
    text: str
    """The line, at most 500 characters."""


@dataclass(frozen=True, slots=True)
class Matches:
    shown: tuple[Match, ...]
    total: int
    """How many lines match, shown or not."""


def scan(workspace: Workspace, pattern: str, path: str, *, limit: int, suffix: str = "") -> Matches:
    """The first `limit` matching lines below a path, in path order.

    Raises:
        Refused: the pattern is no regular expression, or takes too long; there is no such path.
        SandboxLost: the sandbox died.
    """
    paths = [file for file in workspace.files_below(path) if file.endswith(suffix)]
    if not paths and path in workspace.sandbox.files():
        paths = [path]
    if not paths and path != "." and not workspace.files_below(path):
        raise Refused(f"no file or folder {path}")
    spec = {"pattern": pattern, "paths": paths, "limit": limit, "max_file_bytes": MAX_FILE_BYTES}
    command = [_PYTHON, "-I", "-S", "-c", _SCRIPT]
    done = workspace.sandbox.run(
        command, timeout_s=TIMEOUT_S, stdin=json.dumps(spec).encode(), max_output_bytes=limit * 4000 + 10_000
    )
    if done.timed_out:
        raise Refused(f"the search took longer than {TIMEOUT_S:.0f} s; use a simpler pattern or a narrower path")
    try:
        found = json.loads(done.output)
    except ValueError:
        raise Refused("the search failed; use a simpler pattern or a narrower path") from None
    if "error" in found:
        raise Refused(f"not a regular expression: {found['error']}; escape special characters with a backslash")
    return Matches(tuple(Match(*match) for match in found["shown"]), int(found["total"]))
