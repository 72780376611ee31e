"""docs/tasks.md is true: what it quotes stands in the library, and what it says to type works, from top to bottom."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import why_no_toolchain

HOUSE = Path(__file__).resolve().parents[2]
PAGE = (HOUSE / "docs" / "tasks.md").read_text(encoding="utf-8")
WALKED = "till-line-rounding"

BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`(?: of `(?P<task>[^`\n]+)`)?\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(PAGE)]
QUOTES = [block for block in BLOCKS if block["path"]]
STEPS = [block for block in BLOCKS if not block["path"] and block["language"] in ("console", "sh", "python")]


@pytest.mark.parametrize("quote", QUOTES, ids=[str(quote["path"]) for quote in QUOTES])
def test_what_is_quoted_stands_in_the_library(quote: dict[str, str]) -> None:
    file = HOUSE / "tasks" / "library" / (quote["task"] or WALKED) / quote["path"]
    assert quote["text"] in file.read_text(encoding="utf-8")


def script_of(step: dict[str, str]) -> list[str]:
    """A step of the page as a command."""
    if step["language"] == "python":
        return [sys.executable, "-c", step["text"]]
    text = step["text"]
    if step["language"] == "console":
        lines = [line.removeprefix("$ journeyman ") for line in text.splitlines() if line.startswith("$ journeyman ")]
        assert lines
        text = "\n".join(f"{shlex.quote(sys.executable)} -m journeyman {line}" for line in lines)
    return ["bash", "-ec", text]


@pytest.mark.slow
def test_what_is_typed_works(tmp_path: Path) -> None:
    assert {step["language"] for step in STEPS} == {"console", "sh", "python"}
    shutil.copytree(HOUSE / "tasks" / "library" / WALKED, tmp_path / "tasks" / "library" / WALKED)
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    lacks_node = bool(why_no_toolchain("node")) and os.environ.get("JOURNEYMAN_REQUIRE_TOOLCHAINS") != "1"
    for step in STEPS:
        if lacks_node and ("postage" in step["text"] or "added-js" in step["text"]):
            continue
        done = subprocess.run(
            script_of(step), cwd=tmp_path, env={**os.environ, "PATH": paths}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{step['text']}\n{done.stdout}\n{done.stderr}"
    assert not (tmp_path / "my-tasks" / WALKED / "scratch").exists()
