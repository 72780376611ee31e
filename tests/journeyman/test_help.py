"""`journeyman --help` reads like a table of contents, and every command shows an example of itself."""

from __future__ import annotations

import errno
import os
import re
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from journeyman.cli import CONTENTS, app, load

OUTLINE = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield path, command


every_command = pytest.mark.parametrize(
    "path,command",
    [leaf for name in CONTENTS for leaf in leaves(load(name), (name,))],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
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


def test_the_contents_are_in_order_and_say_what_the_commands_say() -> None:
    shown = CliRunner(env=OUTLINE).invoke(app, ["--help"]).output
    assert re.findall(r"^│ ([a-z]+)  ", shown, re.MULTILINE) == list(CONTENTS)
    for name, entry in CONTENTS.items():
        assert entry.about in shown
        assert load(name).help.partition("\n")[0] == entry.about


def test_a_mistyped_command_is_corrected() -> None:
    shown = CliRunner(env=OUTLINE).invoke(app, ["repaly"])
    assert shown.exit_code == 2 and "replay" in shown.output


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_told_of_in_one_line(why: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(why, os.strerror(why), "runs/r/report.md")

    monkeypatch.setattr("journeyman.cli_round._write", refused)
    done = CliRunner().invoke(app, ["round", "report", "runs/r"])
    assert done.exit_code == 2 and f"runs/r/report.md: {os.strerror(why)}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_fault_of_the_system_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr("journeyman.cli_round._write", broken)
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        CliRunner().invoke(app, ["round", "report", "runs/r"], catch_exceptions=False)


def test_it_starts_quickly_and_without_torch() -> None:
    code = (
        "import sys, journeyman.cli; assert not {'torch', 'transformers', 'trl', 'numpy'} & sys.modules.keys(), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for _ in range(5):  # a machine that lacks memory takes longer now and then
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = subprocess.run(
            [sys.executable, "-m", "journeyman", "--version"], check=True, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert shown.stdout.startswith("journeyman ")
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        if seconds < 0.6:
            break
    assert seconds < 0.6, f"--version took {seconds:.2f} s of processor time; on a quiet machine it is some 0.25"


def test_a_shell_completes_commands_and_options() -> None:
    def completed(words: str) -> list[str]:
        asked = {"_JOURNEYMAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        command = [sys.executable, "-c", "from journeyman.cli import main; main()"]
        shown = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
        return shown.stdout.split()

    assert {"list", "show", "check", "mint", "build"} <= set(completed("journeyman task "))
    assert completed("journeyman run --ba") == ["--backend"]
