"""`view`, `search` and `outline`: what stands where, in few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.envs.repo_env import RepoEnv
from tests.envs.sandboxed import act, see
from tests.making import tiny_task, write_files

OpenEnv = Callable[..., RepoEnv]


@pytest.fixture
def small(open_env: OpenEnv) -> RepoEnv:
    """Windows of six lines, three matches."""
    env = open_env(config={"window_lines": 6, "max_matches": 3})
    env.reset(seed=0)
    return env


def test_a_folder_lists_its_entries(env: RepoEnv) -> None:
    assert see(env, "view") == "README.md\nparcel.py\ntests/ (1)"
    assert see(env, "view", path="tests/") == "test_parcel.py"


def test_a_definition_is_shown_alone(env: RepoEnv) -> None:
    shown = (
        "parcel.py:20-22\n20|    def is_free(self):\n"
        '21|        """Whether sending it is free: from FREE_FROM on."""\n'
        "22|        return total(self.prices) > FREE_FROM"
    )
    assert see(env, "view", path="parcel.py", symbol="Parcel.is_free") == shown
    assert see(env, "view", path="/workspace/parcel.py", symbol="is_free") == shown
    assert see(env, "view", symbol="is_free") == shown
    assert see(env, "view", path=".", symbol="test_total").startswith("tests/test_parcel.py:4-5\n4|def test_total():")


def test_a_window_surrounds_the_line(small: RepoEnv) -> None:
    assert see(small, "view", path="parcel.py").split("\n")[0] == "parcel.py:1-6 of 25"
    assert [line.split("|")[0] for line in see(small, "view", path="parcel.py", line=22).split("\n")] == [
        "parcel.py:19-24 of 25", "19", "20", "21", "22", "23", "24",
    ]  # fmt: skip
    assert see(small, "view", path="parcel.py", line=25).startswith("parcel.py:20-25 of 25\n20|")
    assert (
        see(small, "view", path="tests/test_parcel.py", line=99)
        == "tests/test_parcel.py has 13 lines; there is no line 99"
    )
    assert see(small, "view", path="README.md") == "README.md:1-1\n1|Parcels."


def test_a_long_definition_is_windowed_around_the_line(small: RepoEnv) -> None:
    assert see(small, "view", path="parcel.py", symbol="Parcel").split("\n")[-1] == "… lines 20-25 left out"
    lines = see(small, "view", path="parcel.py", symbol="Parcel", line=22).split("\n")
    assert lines[:3] == ["parcel.py:19-24", "… lines 14-18 left out", "19|"]
    assert lines[-1] == "… lines 25-25 left out"


def test_a_long_docstring_can_be_folded(open_env: OpenEnv) -> None:
    env = open_env(config={"fold_docstrings": True, "window_lines": 4})
    env.reset(seed=0)
    body = 'def f(x):\n    """Adds.\n\n    Long words.\n    """\n    a = 1\n    b = 2\n    c = 3\n    return a + x\n'
    see(env, "write", path="f.py", content=body)
    shown = (
        'f.py:1-7\n1|def f(x):\n2|    """Adds.\n… lines 3-5 docstring\n6|    a = 1\n7|    b = 2\n… lines 8-9 left out'
    )
    assert see(env, "view", symbol="f") == shown
    assert "4|    Long words." in see(env, "view", symbol="f", line=4)


def test_a_wrong_name_is_answered_with_the_nearest(env: RepoEnv) -> None:
    for arguments, said in [
        ({"path": "parcl.py"}, "no file parcl.py; did you mean parcel.py, tests/test_parcel.py?"),
        ({"path": "src/parcel.py"}, "no file src/parcel.py; did you mean parcel.py, tests/test_parcel.py?"),
        ({"path": "parcel.py", "symbol": "lable"}, "no lable in parcel.py; did you mean"),
        ({"symbol": "totals"}, "no definition of totals in .; did you mean total, test_total?"),
        ({"symbol": "a b"}, "a b is no name of a function or class"),
        ({"path": "README.md", "symbol": "x"}, "README.md is not Python: view it by line"),
        ({"path": "../../etc/passwd"}, "../../etc/passwd is outside the repository; give a path relative to it"),
        ({"path": "a\x00b"}, "is outside the repository"),
    ]:
        text, _, _, _, info = act(env, "view", **arguments)
        assert said in text
        assert not info["observation"].ok


NAMESAKES = {
    "a_test_helper/tests/x.py": "class total: pass\n",
    "zoo.py": "class A:\n    def total(self): ...\n\nclass B:\n    async def total(self):\n        return 1\n",
}


def test_namesakes_are_shown_as_far_as_they_fit_source_before_tests(open_env: OpenEnv, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    write_files(task.repository, NAMESAKES)
    env = open_env(task)
    env.reset(seed=0)
    text = see(env, "view", symbol="total")
    heads = [line for line in text.split("\n") if "|" not in line]
    assert heads == ["parcel.py:6-11", "zoo.py:2-2", "zoo.py:5-6", "a_test_helper/tests/x.py:1-1"]


def test_namesakes_that_do_not_fit_are_named(open_env: OpenEnv, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    write_files(task.repository, NAMESAKES)
    env = open_env(task, {"window_lines": 8})
    env.reset(seed=0)
    text = see(env, "view", symbol="total")
    assert text.startswith("parcel.py:6-11\n")
    assert text.endswith("also in zoo.py, a_test_helper/tests/x.py")
    text = see(env, "view", path="zoo.py", symbol="total", line=5)
    assert text.startswith("zoo.py:5-6\n5|")


def test_search_tells_path_line_and_text(small: RepoEnv) -> None:
    assert see(small, "search", pattern=r"FREE_FROM\b") == (
        "parcel.py:3: FREE_FROM = 50\n"
        'parcel.py:21: """Whether sending it is free: from FREE_FROM on."""\n'
        "parcel.py:22: return total(self.prices) > FREE_FROM"
    )
    assert see(small, "search", pattern="def ").endswith("\n… 4 more matching lines left out")
    assert (
        see(small, "search", pattern="Ada", path="tests")
        == 'tests/test_parcel.py:13: assert Parcel([]).label(" Ada ") == "to Ada"'
    )
    assert see(small, "search", pattern="nowhere") == "no match"


def test_a_bad_search_says_what_is_wrong(env: RepoEnv) -> None:
    text, _, _, _, info = act(env, "search", pattern="(total")
    assert text.startswith("not a regular expression: missing ), unterminated subpattern")
    assert not info["observation"].ok
    assert see(env, "search", pattern="x", path="nowhere") == "no file or folder nowhere"


@pytest.mark.slow
def test_a_pattern_that_never_ends_is_ended(env: RepoEnv) -> None:
    see(env, "write", path="long.txt", content="a" * 4000)
    assert see(env, "search", pattern="(a+)+$x").startswith("the search took longer than 5 s")
    assert see(env, "search", pattern="FREE_FROM = ") == "parcel.py:3: FREE_FROM = 50"


def test_an_outline_names_classes_and_functions(env: RepoEnv) -> None:
    assert see(env, "outline", path="parcel.py") == (
        "6-11 def total(prices)\n14-25 class Parcel\n17-18   def __init__(self, prices)\n"
        "20-22   def is_free(self)\n24-25   def label(self, name)"
    )
    assert see(env, "outline", path="README.md") == "README.md is not Python; view it instead"
    assert see(env, "outline", path="tests") == "tests is a folder"


def test_hostile_files_are_shown_plain(env: RepoEnv) -> None:
    see(
        env,
        "run",
        command=r"printf 'a\033\000' > bin; printf 'x = 1 # \342\200\256\033[2J\r\ny\r\n' > evil.py; ln -s /etc etc",
    )
    assert see(env, "view", path="bin") == "bin is a binary file"
    assert see(env, "view", path="evil.py") == "evil.py:1-2\n1|x = 1 # \ufffd\n2|y"
    assert not act(env, "view", path="etc/passwd")[4]["observation"].ok


def test_a_definition_that_is_looked_for_in_the_wrong_file_is_shown_from_the_right_one(env: RepoEnv) -> None:
    for path in ("tests/test_parcel.py", "parcels.py"):
        head, found, *_ = see(env, "view", path=path, symbol="total").split("\n")
        assert head == f"not in {path}"
        assert found.startswith("parcel.py:")
