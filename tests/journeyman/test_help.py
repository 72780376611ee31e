"""`journeyman --help` reads like a table of contents, and every command shows an example of itself."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.cli_common import ORDER

COMMANDS = typer.main.get_command(app)
OUTLINE = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield path, command


every_command = pytest.mark.parametrize(
    "path,command", list(leaves(COMMANDS)), ids=lambda x: " ".join(x) if isinstance(x, tuple) else ""
)


@every_command
def test_every_command_says_what_it_does_with_an_example(path: tuple[str, ...], command: Any) -> None:
    shown = CliRunner(env=OUTLINE).invoke(app, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"journeyman {' '.join(path)}" in shown.output.partition("Example")[2]
    assert command.help and command.help.strip().endswith("."), "a sentence"


@every_command
def test_every_option_is_explained(path: tuple[str, ...], command: Any) -> None:
    for parameter in command.params:
        assert getattr(parameter, "help", None) or parameter.name == "help", f"{' '.join(path)}: {parameter.name}"


@every_command
def test_every_example_is_a_call_that_is_understood(path: tuple[str, ...], command: Any) -> None:
    """Its words parse against the command's own options: no option is named that is not there."""
    examples = re.findall(r"`journeyman ([^`]+)`", command.epilog or "")
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert tuple(words[: len(path)]) == path, example
        command.make_context(" ".join(path), words[len(path) :], resilient_parsing=False).close()


def test_the_contents_are_in_order() -> None:
    shown = CliRunner(env=OUTLINE).invoke(app, ["--help"]).output
    listed = re.findall(r"^│ ([a-z]+) ", shown, re.MULTILINE)
    assert listed == [name for name in ORDER if name in listed] and {"task", "replay"} <= set(listed)


def test_a_mistyped_command_is_corrected() -> None:
    shown = CliRunner(env=OUTLINE).invoke(app, ["repaly"])
    assert shown.exit_code == 2 and "replay" in shown.output


def test_it_starts_quickly_and_without_torch() -> None:
    code = (
        "import sys, journeyman.cli; assert not {'torch', 'transformers', 'trl', 'numpy'} & sys.modules.keys(), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    fastest = min(_seconds([sys.executable, "-m", "journeyman", "--version"]) for _ in range(3))
    assert fastest < 1.0, f"--version took {fastest:.2f} s; half a second on a quiet machine"


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("journeyman ")
    return time.perf_counter() - began
