"""A warm test run differs from a cold one in nothing but its time, and where it might it is cold."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.inside import warm_command
from journeyman.sandbox.sandbox import Completed, Environment, Sandbox, SandboxFactory
from journeyman.tasks.sources.library import load_library
from journeyman.tasks.sources.suites import SUITES, suite_recipes

from . import warm_suite

TESTED = Environment(pythonpath=("src", "."))
PACKAGES = "/opt/env/lib/python3.11/site-packages"
LIBRARIES = (
    "attrs==24.3.0", "blinker==1.9.0", "cachetools==5.5.0", "click==8.1.8", "hyperlink==21.0.0", "idna==3.10",
    "itsdangerous==2.2.0", "jsonpatch==1.33", "natsort==8.4.0", "parse==1.20.2",
    "wcwidth==0.2.13", "xmltodict==0.14.2",
)  # fmt: skip
"""Beside those of the suites."""


def essence(text: str) -> str:
    """Output without what differs from run to run: times, addresses, process ids, and bars as wide as the times."""
    text = re.sub(r"\b\d+\.\d+s( call| setup| teardown)?( \(\d:\d\d:\d\d\))?", "TIME", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "ADDRESS", text)
    text = re.sub(r"\b1[0-9]{9}\.\d+", "STAMP", text)
    text = re.sub(r"(pid[= ]|pytest-)\d+", r"\1N", text)
    text = re.sub(r'  File "<string>", line 14,? in <module>\n', "", text)  # the one frame that a warm run has below
    return re.sub(r"(?m)^=+ (.*) =+$", r"= \1 =", text)


def both(factory: SandboxFactory, environment: Environment, repository: Path, command: str | list[str]) -> Completed:
    """Run it cold and warm, each in a fresh sandbox; returns the warm run, once it is seen to be the same."""
    done = []
    for warm in (False, True):
        with factory.create(environment, repository) as sandbox:
            done.append(sandbox.run(command, timeout_s=300, warm=warm, max_output_bytes=16 << 20))
    cold, warmed = done
    assert essence(warmed.text) == essence(cold.text)
    assert warmed.exit_code == cold.exit_code
    return warmed


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warm_suite.write(tmp_path_factory.mktemp("suite"))


@pytest.fixture
def tested(factory: SandboxFactory, suite: Path) -> Sandbox:
    return factory.create(TESTED, suite)


@pytest.mark.parametrize("command", warm_suite.COMMANDS, ids=str)
def test_a_warm_run_is_as_a_cold_one(factory: SandboxFactory, suite: Path, command: str | list[str]) -> None:
    assert both(factory, TESTED, suite, command).runner == "warm"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("pytest -q | tail -1", "shell syntax"),
        ("cd src && pytest", "shell syntax"),
        ("pytest -k $HOME", "shell syntax"),
        ("A=1 pytest", "shell syntax"),
        ("pytest test_*.py", "shell syntax"),
        ("python -c 'import pytest'", "not pytest"),
        ("python -X dev -m pytest", "not pytest"),
        ("/usr/bin/env pytest", "not pytest"),
        ("pytest -p doctest", "-p is given"),
        ("pytest -qp doctest", "-p is given"),
        ("pytest -n 2", "-n is given"),
        ("pytest --numprocesses=2", "-n is given"),
        (["pytest", "@arguments"], "in a file"),
    ],
    ids=str,
)
def test_what_might_differ_is_cold_and_says_why(tested: Sandbox, command: str | list[str], why: str) -> None:
    with tested:
        done = tested.run(command, timeout_s=60, warm=True)
        assert done.runner.startswith("cold: ")
        assert why in done.runner


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pluggy/__init__.py", "its own pluggy"),
        ("json.py", "its own json"),
        ("src/sitecustomize.py", "its own sitecustomize"),
        ("pygments.pyc", "its own pygments"),
        ("exceptiongroup.py", ""),  # looked for by older versions of pytest and Python alone
        ("tests/json.py", ""),
        ("email/notes.txt", ""),
    ],
)
def test_a_module_in_the_place_of_one_that_is_loaded(tested: Sandbox, name: str, why: str) -> None:
    with tested:
        tested.write(name, b"")
        runner = tested.run("python -m pytest --co -q", timeout_s=60, warm=True).runner
        assert runner == (f"cold: the repository has {why}" if why else "warm")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONHASHSEED": "7"},
        {"PYTHONWARNINGS": "error"},
        {"PYTEST_ADDOPTS": "-x"},
        {"LC_ALL": "C"},
        {"LD_PRELOAD": "x"},
    ]
    + [
        {"PYTHONPATH": value}
        for value in ("/opt/env/lib/python3.11/site-packages", "relative", "/workspace/", "/workspace:")
    ],
    ids=str,
)
def test_variables_that_an_interpreter_reads_when_it_starts(tested: Sandbox, env: dict[str, str]) -> None:
    with tested:
        cold = tested.run(["pytest", "--co", "-q"], timeout_s=60, warm=True, env=env).runner
        assert cold.startswith("cold: PYTHONPATH is out" if "PYTHONPATH" in env else f"cold: {next(iter(env))} is set")
        assert tested.run("pytest --co -q", timeout_s=60, warm=True, env={"COLUMNS": "70", "X": "y"}).runner == "warm"


def test_who_did_not_ask_is_not_told(tested: Sandbox) -> None:
    with tested:
        assert tested.run("pytest --version", timeout_s=60).runner == ""
        assert tested.run("true", timeout_s=60, warm=True).runner == ""


SPY = """\
import os, signal
def attempt(name, act):
    try: print(name, act())
    except OSError as error: print(name, type(error).__name__)
def read(path): return open(path, "rb").read(1)
def test_spy():
    attempt("memory", lambda: read("/proc/1/mem"))
    attempt("variables", lambda: read("/proc/1/environ"))
    attempt("descriptors", lambda: os.listdir("/proc/1/fd"))
    for number in set(signal.valid_signals()) - {signal.SIGCHLD}: attempt("signal", lambda: os.kill(1, number))
    print("open", [n for n in os.listdir("/proc/self/fd") if "socket" in os.path.realpath(f"/proc/self/fd/{n}")])
    os.setpgid(0, 0) if os.getpgrp() != os.getpid() and os.getsid(0) != os.getpid() else None
    os.mkdir("/tmp/left"); open("/dev/shm/left", "w")
    if os.fork() == 0: signal.pause()
"""


def test_a_hostile_run_reaches_neither_the_helper_nor_the_next_run(tested: Sandbox) -> None:
    with tested:
        tested.write("test_spy.py", SPY.encode())
        done = tested.run("pytest -sq test_spy.py", timeout_s=60, warm=True)
        assert (done.runner, done.exit_code) == ("warm", 0)
        lines = done.text.splitlines()
        assert {line.split()[-1] for line in lines if line.startswith(("memory", "variables", "descriptors"))} <= {
            "PermissionError",
            "FileNotFoundError",
            "NotADirectoryError",
        }
        assert "open []" in lines
        assert "[]" in tested.run("python -c 'import os; print([p for p in os.listdir(\"/proc\") if p.isdigit()][2:])'",
                                  timeout_s=20).text  # fmt: skip
        tested.run("pytest -q harm", timeout_s=60, warm=True)
        after = tested.run("pytest -q test_ctypes.py test_state.py", timeout_s=60, warm=True)
        assert (after.runner, after.exit_code) == ("warm", 0)
        assert len(set(tested.read("random").split())) == len(tested.read("random").split()) == 1


def test_a_warm_run_ends_in_time_and_with_all_that_it_started(tested: Sandbox) -> None:
    with tested:
        tested.write("test_hang.py", b"import subprocess\ndef test(): subprocess.run(['sleep', '60'])\n")
        start = time.monotonic()
        done = tested.run("pytest test_hang.py", timeout_s=2, warm=True)
        assert (done.runner, done.timed_out) == ("warm", True)
        assert time.monotonic() - start < 10
        tested.write("test_loud.py", b"def test(): print('x' * 3_000_000)\n")
        done = tested.run(["pytest", "-s", "test_loud.py"], timeout_s=60, warm=True, max_output_bytes=1000)
        assert done.dropped_bytes > 2_900_000
        assert tested.run(["pytest", "--co", "-q", "test_loud.py"], timeout_s=60, warm=True).ok


@given(st.lists(st.text(st.sampled_from("ab./-=:[ '\"$*;\\é"), min_size=1), min_size=1))
def test_words_are_those_of_a_shell_or_refused(words: list[str]) -> None:
    command = shlex.join(words)
    try:
        assert warm_command.words(command) == words
    except warm_command.Cold:
        return
    with pytest.raises(warm_command.Cold):
        warm_command.words(f"{command} $(true)")


PLUGGED = Environment(
    requirements=(
        "pytest",
        "pytest-cov",
        "pytest-mock",
        "pytest-timeout",
        "pytest-asyncio",
        "hypothesis",
        "setuptools",
    ),
    pythonpath=("src", "."),
)
PLUGGED_TESTS = """\
import pytest, asyncio
from hypothesis import given, strategies as st
@pytest.mark.asyncio
async def test_asyncio(): await asyncio.sleep(0)
def test_mocker(mocker): mocker.patch("os.getcwd", return_value=3)
@given(st.integers())
def test_falsified(n): assert n < 1000
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "pytest -q --cov=shapes --cov-report=term-missing test_outcomes.py",
        "pytest --timeout=9",
        "pytest -rA test_state.py",
    ],
)
def test_installed_plugins_do_as_in_a_cold_run(factory: SandboxFactory, tmp_path: Path, command: str) -> None:
    (warm_suite.write(tmp_path) / "test_plugged.py").write_text(PLUGGED_TESTS)
    assert both(factory, PLUGGED, tmp_path, f"{command} --ignore=deaths --ignore=harm").runner == "warm"


@pytest.mark.slow
@pytest.mark.parametrize(
    "requirement",
    sorted({recipe.library.requirement for name in SUITES for recipe in suite_recipes(name)} | {*LIBRARIES}),
)
def test_suites_of_the_world(factory: SandboxFactory, requirement: str) -> None:
    library = load_library(requirement)
    command = ["python", "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=line"]
    done = []
    for warm in (False, True):
        with factory.create(library.environment, library.root) as sandbox:
            done.append(sandbox.run(command, timeout_s=300, warm=warm, max_output_bytes=16 << 20))
    cold, warmed = (sorted(essence(each.text).splitlines()) for each in done)  # some have an order by addresses
    assert [re.sub(r"\[ *\d+%\]", "", line) for line in warmed] == [re.sub(r"\[ *\d+%\]", "", line) for line in cold]
    assert done[0].exit_code == done[1].exit_code
    assert done[1].runner == "warm"
