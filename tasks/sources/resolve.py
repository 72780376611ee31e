"""Requirement lines as exact versions, so that a task means the same tomorrow. pip decides; nothing is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from journeyman.sandbox.calls import call
from journeyman.sandbox.home import home
from journeyman.sandbox.image import interpreter_for
from journeyman.tasks.detect.needs import PYTEST
from journeyman.tasks.sources.sdist import SourceError

RESOLVE_S = 600.0
"""Wall clock of one resolution, in seconds."""
_NOWHERE = re.compile(r"satisfies the requirement ([A-Za-z0-9._-]+).*\(from versions: none\)")
_BUILD_FAILED = re.compile(r"subprocess-exited-with-error|metadata-generation-failed")
_COLLECTING = re.compile(r"^Collecting .*\(line (\d+)\)\)$")
LOOSENED = "the versions that its files ask for do not fit together; the newest that do were taken"
ANY_PYTEST = "pytest>=8.3.5"
OTHER_PYTEST = f"what its tests need does not fit {PYTEST}; another was taken"
BOTH = f"{LOOSENED}, of pytest too"


def resolve(lines: tuple[str, ...], python: str, source: str) -> tuple[tuple[str, ...], str]:
    """All that must be installed, each with its version, and a remark if not all wishes could be met.

    Args:
        lines: pytest's first; of the others, one that the index does not have at all is left out.

    Raises:
        SourceError: no versions fit together, or the package index cannot be reached; the message has pip's reason.
    """
    found, trouble, unbuilt = _ask_pip(lines, python)
    nowhere: list[str] = []
    broken: list[str] = []
    while not found and (left_out := _unknown(trouble, lines[1:]) or unbuilt):
        (broken if left_out == unbuilt else nowhere).append(left_out)
        lines = tuple(line for line in lines if line != left_out)
        found, trouble, unbuilt = _ask_pip(lines, python)
    remarks = [f"left out, because the package index has none such: {', '.join(nowhere)}"] if nowhere else []
    remarks += [f"left out, because it cannot be built here: {', '.join(broken)}"] if broken else []
    if found:
        return found, "; ".join(remarks)
    loose = lines[:1] + tuple(map(_loosened, lines[1:]))
    for wishes, remark in (
        (loose, LOOSENED),
        ((ANY_PYTEST, *lines[1:]), OTHER_PYTEST),
        ((ANY_PYTEST, *loose[1:]), BOTH),
    ):
        found = _ask_pip(wishes, python)[0] if wishes != lines and _is_conflict(trouble, remark) else ()
        if found:
            return found, "; ".join([*remarks, remark])
    raise SourceError(
        f"{source}: its requirements cannot be installed: {trouble}; "
        'write requirements = ["pytest==8.3.5", "…"] into journeyman.toml'
    )


def _is_conflict(trouble: str, remark: str) -> bool:
    """Whether it may help to wish for less; of pytest, where pip names it."""
    return remark == LOOSENED or ("pytest==" in trouble and "conflict" in trouble)


def _unknown(trouble: str, lines: tuple[str, ...]) -> str:
    """The line of which pip says that there is no version at all; empty where it says anything else."""
    match = _NOWHERE.search(trouble)
    name = canonicalize_name(match[1]) if match else ""
    return next((line for line in lines if canonicalize_name(Requirement(line).name) == name), "")


def _loosened(line: str) -> str:
    requirement = Requirement(line)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return requirement.name + extras


def _ask_pip(lines: tuple[str, ...], python: str) -> tuple[tuple[str, ...], str, str]:
    """Exact versions; or none, pip's reason, and the line whose package (or what it needs) could not be built."""
    interpreter = interpreter_for(python)
    with tempfile.TemporaryDirectory(dir=home("scratch")) as scratch:
        wanted, report = Path(scratch, "requirements.txt"), Path(scratch, "report.json")
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "--python", str(interpreter.executable), "install", "--dry-run"]
        command += ["--ignore-installed", "--no-input", "--progress-bar=off", "--disable-pip-version-check"]
        command += ["--report", str(report), "--requirement", str(wanted)]
        try:
            done = call(command, timeout_s=RESOLVE_S, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            return (), f"pip took more than {RESOLVE_S:.0f} s", ""
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
            trouble = " ".join(errors[-2:]).removeprefix("ERROR: ") or "pip gave no reason"
            return (), trouble, _unbuilt(done.stdout, lines) if _BUILD_FAILED.search(done.stderr) else ""
        chosen = [each["metadata"] for each in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return tuple(sorted(f"{each['name']}=={each['version']}" for each in chosen)), "", ""


def _unbuilt(said: str, lines: tuple[str, ...]) -> str:
    """The line that pip was busy with last; never pytest's."""
    places = [int(match) for line in said.splitlines() for match in _COLLECTING.findall(line)]
    return lines[places[-1] - 1] if places and 1 < places[-1] <= len(lines) else ""
