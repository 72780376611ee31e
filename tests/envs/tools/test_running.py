"""`run` and `test`: what happened, without what differs from run to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.tools.test import visible_failing
from tests.envs.sandboxed import act, fix, see
from tests.making import tiny_project, tiny_task, write_files

OpenEnv = Callable[..., RepoEnv]


def test_a_command_tells_its_exit_and_output(env: RepoEnv) -> None:
    assert see(env, "run", command="echo out; echo err >&2; exit 3") == "exit 3\nout\nerr"
    assert see(env, "run", command="true") == "exit 0"
    assert see(env, "run", command="pwd; echo $PYTHONHASHSEED") == "exit 0\n/workspace\n0"
    assert see(env, "run", command="printf '\\033[1mbold\\033[0m at 0x7f0011223344\\n'") == "exit 0\nbold at 0x…"
    assert see(env, "run", command="echo a\x00b") == "a command cannot hold a NUL character"


def test_a_step_records_how_its_tests_ran_and_the_policy_does_not_see_it(env: RepoEnv) -> None:
    warm = act(env, "run", command="pytest -q")
    cold = act(env, "run", command="pytest -q;")
    tests = act(env, "test")
    assert (warm[4]["runner"], cold[4]["runner"], tests[4]["runner"]) == ("warm", "cold: it has shell syntax", "warm")
    assert warm[0] == cold[0]
    assert act(env, "run", command="ls")[4]["runner"] == act(env, "view", path="parcel.py")[4]["runner"] == ""


def test_a_long_output_keeps_head_and_tail(env: RepoEnv) -> None:
    text, _, _, _, info = act(env, "run", command="seq 1 100000")
    assert len(text) <= env.config.max_observation_chars
    assert text.startswith("exit 0\n1\n2\n")
    assert text.endswith("\n99999\n100000")
    assert " characters left out " in text or " bytes " in text
    assert info["observation"].ok


def test_a_command_changes_files_and_leaves_no_process(env: RepoEnv) -> None:
    _, _, _, _, info = act(env, "run", command="sed -i 's/> FREE/>= FREE/' parcel.py; (sleep 60 &) ; rm README.md")
    assert "+        return total(self.prices) >= FREE_FROM" in info["diff"]
    assert "--- a/README.md\n+++ /dev/null" in info["diff"]
    assert "sleep" not in see(env, "run", command="cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -v grep")


def test_failing_tests_are_told_with_place_line_and_message(env: RepoEnv) -> None:
    text, _, _, _, info = act(env, "test")
    assert text.split("\n")[:4] == [
        "1 failed, 2 passed",
        "tests/test_parcel.py::test_free_from_the_limit_on",
        "tests/test_parcel.py:9: assert Parcel([20, 30]).is_free()",
        "  assert False",
    ]
    assert len(text) < 500
    assert info["observation"].ok
    assert info["tests"].failed == ("tests/test_parcel.py::test_free_from_the_limit_on",)
    fix(env)
    assert see(env, "test") == "3 passed"


def test_an_error_deep_in_the_code_names_both_ends(env: RepoEnv) -> None:
    see(env, "edit", path="parcel.py", old="result += price", new="result += price.cents")
    assert see(env, "test", target="tests/test_parcel.py::test_total") == (
        "1 failed\ntests/test_parcel.py::test_total\n"
        "tests/test_parcel.py:5: assert total([1, 2]) == 3\n"
        "parcel.py:10: result += price.cents\n"
        "  AttributeError: 'int' object has no attribute 'cents'"
    )


def test_a_target_may_be_a_file_a_test_or_an_expression(env: RepoEnv) -> None:
    assert see(env, "test", target="-k total or label") == "2 passed"
    assert see(env, "test", target="/workspace/tests/test_parcel.py::test_label") == "1 passed"
    assert see(env, "test", target="..") == ".. is outside the repository; give a path relative to it"
    text, _, _, _, info = act(env, "test", target="tests/test_nothing.py")
    assert text == "no tests ran\nERROR: file or directory not found: tests/test_nothing.py"
    assert not info["observation"].ok


def test_a_file_that_cannot_be_imported_is_an_error(env: RepoEnv) -> None:
    see(env, "edit", path="parcel.py", line=1, new="import nothing_of_that_name")
    text, _, _, _, info = act(env, "test")
    assert text.startswith("1 error\ntests/test_parcel.py\n")
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in text
    assert info["tests"].errors == ("tests/test_parcel.py",)


def test_many_failures_are_counted_and_some_explained(open_env: OpenEnv) -> None:
    env = open_env(config={"max_failures": 2, "max_message_chars": 40})
    env.reset(seed=0)
    body = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_n(n):\n    assert [n] == ['x' * 99]\n"
    see(env, "write", path="tests/test_more.py", content=body)
    lines = see(env, "test").split("\n")
    assert lines[0] == "10 failed, 2 passed"
    assert lines[-1] == "… 8 more failing"
    assert [line for line in lines if line.startswith("tests/test_more.py::")] == [
        "tests/test_more.py::test_n[0]",
        "tests/test_more.py::test_n[1]",
    ]
    assert max(map(len, lines)) < 120


def test_a_test_that_never_ends_is_ended(open_env: OpenEnv) -> None:
    env = open_env()
    env.reset(seed=0)
    assert env._workspace is not None
    env._workspace.deadline = env._workspace.clock() + 2
    see(env, "write", path="tests/test_slow.py", content="def test_slow():\n    while True: pass\n")
    text, _, _, _, info = act(env, "test")
    assert "2 passed; timed out after " in text.split("\n")[0]
    assert not info["observation"].ok


def test_the_failing_checks_alone_where_they_can_be_seen(open_env: OpenEnv, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    assert visible_failing(task) == ("tests/test_parcel.py::test_free_from_the_limit_on",)
    env = open_env(task, {"test_scope": "failing"})
    env.reset(seed=0)
    assert see(env, "test").startswith("1 failed\ntests/test_parcel.py::test_free")
    _, _, _, _, info = act(env, "test")
    assert info["tests"].chosen and not act(env, "test", target="tests")[-1]["tests"].chosen
    assert see(env, "test", target="tests").startswith("1 failed, 2 passed")
    fix(env)
    assert see(env, "test") == "1 passed"


def test_a_repository_without_visible_tests_has_none_to_run(open_env: OpenEnv, tmp_path: Path) -> None:
    project = tiny_project(tmp_path / "p")
    assert visible_failing(project) == ()
    env = open_env(project, {"test_scope": "failing"})
    env.reset(seed=0)
    assert see(env, "test") == "no tests ran"


def test_a_hidden_file_over_a_visible_one_keeps_its_tests_hidden(tmp_path: Path) -> None:
    project = tiny_project(tmp_path / "p")
    write_files(project.repository, {"tests/test_times.py": "def test_double():\n    pass\n"})
    assert visible_failing(project) == ("tests/test_times.py::test_double",)


@pytest.mark.slow
def test_a_command_is_ended_at_the_tasks_limit(open_env: OpenEnv, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    env = open_env(task.model_copy(update={"budget": task.budget.model_copy(update={"command_timeout_s": 1.0})}))
    env.reset(seed=0)
    assert see(env, "run", command="setsid sh -c 'sleep 30' & echo on; sleep 30") == "timed out after 1 s\non"
