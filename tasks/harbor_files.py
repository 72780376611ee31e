"""The files of a task folder: copied trees, generated texts, canary stamps."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from journeyman.sandbox.sandbox import Environment
from journeyman.sandbox.toolchain import debian_packages
from journeyman.tasks.task import TaskFormatError

LEFT_OUT = frozenset({".git", "__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".tox"})
"""Names that are never part of a task: history (it may hold the answer) and caches."""

COMMENTS = {".py": "#"} | dict.fromkeys((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".go", ".rs"), "//")
"""Suffix of the files that can carry a canary → what begins a comment in them."""

SOLVE_SH = """#!/bin/sh
# Lays the reference solution over the repository.
set -e
here=$(cd "$(dirname "$0")" && pwd)
cp -R "$here/files/." /workspace/
"""

TEST_SH = """#!/bin/sh
# Lays the hidden tests over the repository, runs the checks and writes the reward.
here=$(cd "$(dirname "$0")" && pwd)
if [ -d "$here/files" ]; then cp -R "$here/files/." /workspace/; fi
cd /workspace && exec python "$here/judge.py"
"""


NO_JUDGE_SH = """#!/bin/sh
echo "the tests of this task are run by {toolchain}, which Journeyman's own grader can do and this script cannot" >&2
exit 1
"""


NO_REPORT_SH = """#!/bin/sh
echo "this task cannot be done: it pays for the report that says why, which this script cannot read" >&2
exit 1
"""


def walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Regular files below a folder as (relative POSIX path, path), sorted; what is never part of a task is left out.

    Raises:
        TaskFormatError: a link or a special file; a task holds regular files only.
    """
    for path in sorted(folder.iterdir()):
        if path.name in LEFT_OUT or path.name.endswith(".pyc"):
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise TaskFormatError(f"{path}: a link or special file; a task holds regular files only, put a copy there")
        if path.is_dir():
            yield from ((f"{path.name}/{name}", file) for name, file in walk(path))
        else:
            yield path.name, path


def copy_tree(source: Path, target: Path, *, link: bool) -> None:
    """Copy (or hard-link, where the file system can) a folder's files."""
    for name, path in walk(source):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if link:
            try:
                os.link(path, place)
                continue
            except OSError:  # another file system, or one without links: copy instead
                pass
        shutil.copyfile(path, place)
        place.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def has_canary(path: Path, canary: str) -> bool:
    return canary.encode() in path.read_bytes()


def takes_stamp(name: str) -> bool:
    """Whether a comment can carry the canary without changing what the file means."""
    return PurePosixPath(name).suffix in COMMENTS


def mark_of(name: str, canary: str) -> str:
    """The comment that carries a canary, in the language of a file that can."""
    return f"{COMMENTS[PurePosixPath(name).suffix]} {canary}\n"


def stamp(path: Path, canary: str) -> None:
    """Write the canary as a last comment (lines above keep their numbers), never through a hard link."""
    data = path.read_bytes()
    if canary.encode() in data:
        return
    mode = path.stat().st_mode & 0o777
    path.unlink()
    path.write_bytes(data + (b"" if not data or data.endswith(b"\n") else b"\n") + mark_of(path.name, canary).encode())
    path.chmod(mode)


def dockerfile(environment: Environment) -> str:
    """The declared environment as a Dockerfile whose build context is `environment/`."""
    lines = [f"FROM python:{environment.python}-slim"]
    if packages := " ".join(debian_packages(environment)):
        lines.append(f"RUN apt-get update && apt-get install -y --no-install-recommends {packages}")
    lines.append("RUN python -m venv /opt/env")
    if environment.toolchain and environment.requirements:
        npm = ["npm", "install", "--prefix", "/", "--ignore-scripts", *environment.requirements]
        lines += ["RUN apt-get install -y --no-install-recommends npm", f"RUN {json.dumps(npm)}"]
    elif environment.requirements:
        install = ["/opt/env/bin/pip", "install", "--no-cache-dir", *environment.requirements]
        lines.append(f"RUN {json.dumps(install)}")
    places = ":".join(str(PurePosixPath("/workspace") / folder) for folder in environment.pythonpath)
    lines.append(f"ENV PATH=/opt/env/bin:$PATH PYTHONPATH={places}")
    lines += ["WORKDIR /workspace", "COPY repository/ /workspace/"]
    return "\n".join(lines) + "\n"
