"""What commands tell of tests: plain calls of pytest by their options, targets, output and exit; all else nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.claims_commands import Command, command_of
from journeyman.envs.claims_pytest import ShellRun, may_run, runs_of
from journeyman.envs.episode import Step
from journeyman.envs.observation import Observation

GREEN = "exit 0\n....  [100%]\n4 passed in 0.10s"
RED = "exit 1\n..F.  [100%]\nFAILED tests/test_a.py::test_x - assert 0\n1 failed, 3 passed in 0.10s"


def command(line: str, said: str = GREEN) -> Command:
    found = command_of(1, Step(Action("run", {"command": line}), Observation(said, "run")))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("pytest", ""),
        ("python -m pytest -xq --tb=short --maxfail=2 --durations=3", ""),
        ("pytest -p no:cacheprovider -n auto --color no", ""),
        ("cd /workspace && python3 -m pytest tests/ 2>&1", "tests"),
        ("timeout 60 pytest ./tests/test_a.py::test_x", "tests/test_a.py::test_x"),
        ("pytest -k 'parse and not slow' tests", "-"),
        ("pytest --lf", "-"),
    ],
)
def test_a_plain_call_tells_of_its_target(line: str, target: str) -> None:
    assert list(runs_of(command(line))) == [ShellRun(target, (), (), True, False)]


@pytest.mark.parametrize(
    "line",
    [
        "pytest || true", "pytest | tail -1", "pytest; exit 0", "pytest &", "pytest $ARGS", "cd /tmp && pytest",
        "cd sub && cd /workspace && pytest", "pytest -p own_plugin", "pytest -c other.ini", "pytest --override-ini=a=b",
        "pytest --collect-only", "PYTHONPATH=fake pytest", "python -m unittest", "echo pytest", "pytest 'a",
    ],
)  # fmt: skip
def test_the_word_of_any_other_command_is_not_taken(line: str) -> None:
    assert not list(runs_of(command(line)))


def test_several_targets_are_told_apart_as_far_as_the_output_does() -> None:
    assert [run.target for run in runs_of(command("pytest a.py b.py"))] == ["a.py", "b.py"]
    named = list(runs_of(command("pytest tests/test_a.py b.py", RED)))
    assert [(run.failed, run.broken) for run in named] == [(("tests/test_a.py::test_x",), False)] * 2
    assert not list(runs_of(command("pytest a.py b.py", "exit 1\n1 failed, 3 passed in 0.10s")))


def test_a_run_that_stopped_at_a_failure_is_not_whole() -> None:
    (whole,), (stopped,) = runs_of(command("pytest", RED)), runs_of(command("pytest -x", RED))
    assert (whole.complete, stopped.complete) == (True, False)
    assert whole.failed == stopped.failed == ("tests/test_a.py::test_x",)
    (unloaded,) = runs_of(command("pytest", "exit 2\nERROR tests/test_a.py - SyntaxError\n1 error in 0.05s"))
    assert (unloaded.failed, unloaded.complete, unloaded.broken) == (("tests/test_a.py",), False, True)


def test_a_run_that_its_limit_ended_failed() -> None:
    assert list(runs_of(command("pytest a.py", "timed out after 60 s\ncollected 3 items"))) == [
        ShellRun("a.py", (), (), False, True)
    ]
    assert not list(runs_of(command("pytest a.py b.py", "timed out after 60 s")))


def test_a_green_run_that_skips_what_it_does_not_name_says_so() -> None:
    said = "exit 0\n..s  [100%]\n2 passed, 1 skipped in 0.04s"
    named = "exit 0\na.py::test_x PASSED\na.py::test_y SKIPPED (odd)\n1 passed, 1 skipped in 0.04s"
    assert [run.skips for each in (said, named, GREEN) for run in runs_of(command("pytest", each))] == [
        True,
        False,
        False,
    ]


def test_files_that_passed_are_read_from_the_lines_of_progress() -> None:
    lines = "tests/test_a.py ..F. [ 57%]\ntests/test_b.py .s. [ 90%]\ntests/test_c.py s [100%]"
    said = f"exit 1\n{lines}\nFAILED tests/test_a.py::test_x - assert 0\n1 failed, 5 passed, 2 skipped in 0.10s"
    (run,) = runs_of(command("pytest", said))
    assert run.passed == ("tests/test_b.py",)


@pytest.mark.parametrize(
    ("line", "said", "may"),
    [
        ("ls tests", GREEN, []),
        ("make check", GREEN, [""]),
        ("pytest tests/api | tail -1", GREEN, ["tests/api"]),
        ("pytest a.py -q || true", GREEN, ["a.py"]),
        ("pytest -c other.ini a.py", GREEN, [""]),
        ("pytest --co tests", GREEN, []),
        ("pytest tests/nightly", "exit 4\nERROR: file or directory not found: tests/nightly", []),
        ("pytest tests/nightly; pytest", "exit 4\n", ["tests/nightly", ""]),
        ("pytest a.py 2>/dev/null", GREEN, ["a.py"]),
        ("eval pytest", GREEN, [""]),
        ("cat > notes.md <<'EOF'\nrun pytest\nEOF\nls", GREEN, []),
        ("cat > notes.md <<EOF\n$(pytest)\nEOF", GREEN, [""]),
        ("bash <<EOF\npytest\nEOF", GREEN, [""]),
        ("echo '<<EOF'\npytest a.py", GREEN, ["a.py"]),
        ("make test", "exit 2\nmake: *** No rule to make target 'test'.  Stop.", []),
        ("python -m tox -e py", "exit 1\n/opt/env/bin/python: No module named tox", []),
        (
            "pytest -v",
            "exit 0\na.py::test_x PASSED [ 50%]\na.py::test_y SKIPPED (odd) [100%]\n1 passed, 1 skipped in 1s",
            ["a.py::test_x"],
        ),
        (
            "pytest -v",
            "exit 0\na.py::test_x PASSED [ 50%]\na.py::test_y XFAIL (odd) [100%]\n1 passed, 1 xfailed in 1s",
            ["a.py::test_x", "a.py::test_y"],
        ),
    ],
)
def test_what_a_command_may_have_run(line: str, said: str, may: list[str]) -> None:
    assert may_run(command(line, said)) == may


@given(st.text(max_size=60), st.text(max_size=200))
def test_whatever_was_called_and_printed_is_read(line: str, said: str) -> None:
    for each in (command(line, said), command(f"pytest {line}", said), command("pytest", f"exit 1\n{said}")):
        may_run(each)
        for run in runs_of(each):
            assert not (run.complete and run.broken) or run.failed or each.code == 1
