"""What the tests of commits need is found as for any repository, and put beside what no commit holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_task
from journeyman.tasks.sources import commit_needs as module
from journeyman.tasks.sources.commit_needs import Needs, find_needs
from journeyman.tasks.sources.commits import make_commits
from journeyman.tasks.sources.git_history import History
from journeyman.tasks.sources.sdist import SourceError
from tests.tasks.histories import Repo

SIX = "six==1.17.0"
CODE = '''"""Rolls of paper for a till."""

from importlib.metadata import version

__version__ = version("till-roll")


def rolls(metres):
    """How many rolls of 50 metres hold so many."""
    return metres // 50
'''
TESTS = """import os

import tillroll


def test_version():
    assert tillroll.__version__ == "1.2"


def test_no_rolls():
    assert os.environ["TILL"] == "7" and tillroll.rolls(0) == 0
"""
PYPROJECT = '[project]\nname = "till-roll"\nversion = "1.2"\nrequires-python = ">=3.9"\n'


@pytest.fixture
def till(tmp_path: Path) -> Repo:
    """A library below src/ that asks for its own version and for a variable, with one commit that mends something."""
    repo = Repo(tmp_path / "till")
    repo.write({"pyproject.toml": PYPROJECT, "src/tillroll/__init__.py": CODE, "tests/test_rolls.py": TESTS,
                "journeyman.toml": 'variables = { TILL = "7" }\n'})  # fmt: skip
    repo.commit("Rolls")
    repo.replace("src/tillroll/__init__.py", "metres // 50", "-(-metres // 50)")
    repo.add_test("def test_a_roll_that_is_begun():\n    assert tillroll.rolls(51) == 2\n", "tests/test_rolls.py")
    repo.commit("The last metres of paper were left out when rolls are counted")
    return repo


def needs_of(repo: Repo, config: Path | None = None, **more: str) -> Needs:
    with History(repo.folder) as history:
        return find_needs(history, "HEAD", config, **more)  # type: ignore[arg-type]


def test_its_files_say_how_a_repository_runs(till: Repo, tmp_path: Path) -> None:
    needs = needs_of(till)
    assert (needs.setup.name, needs.setup.pythonpath, needs.setup.variables) == ("till-roll", ("src",), {"TILL": "7"})
    assert 'pythonpath = ["src"]' in [finding.line for finding in needs.findings]
    assert needs.environment(["src/tillroll/__init__.py"]).pythonpath == ("src",)
    assert needs.environment(["tillroll/__init__.py"]).pythonpath == (".",), "an older commit, laid out otherwise"
    own = tmp_path / "own.toml"
    own.write_text('variables = { TILL = "8" }\npython = "3.11"\n')
    assert needs_of(till, own).setup.variables == {"TILL": "8"}
    assert needs_of(till, own).key != needs.key == needs_of(till).key


def test_a_conftest_that_is_hidden_keeps_what_tests_need(till: Repo) -> None:
    needs = needs_of(till)
    assert needs.hidden({"tests/test_rolls.py": b"x"}) == {"tests/test_rolls.py": b"x"}
    assert b"'TILL': '7'" in needs.hidden({"conftest.py": b"import os\n"})["conftest.py"]


def test_what_is_no_python_is_said_in_one_line(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "gopher")
    repo.write({"go.mod": "module gopher\n"})
    repo.commit("Go")
    with pytest.raises(SourceError, match=r"gopher: a go repository; only Python ones"):
        needs_of(repo)


@pytest.mark.slow
def test_a_library_that_asks_for_its_version_gives_tasks(till: Repo, tmp_path: Path, sandboxes: SandboxFactory) -> None:
    report = make_commits(till.folder, count=1, out=tmp_path / "out", sandboxes=sandboxes)
    assert len(report.kept) == 1, report.rejected
    task = load_task(tmp_path / "out" / report.kept[0])
    assert task.fail_to_pass == ("tests/test_rolls.py::test_a_roll_that_is_begun",)
    assert "_os.environ.update({'TILL': '7'})" in (task.repository / "conftest.py").read_text()
    assert (task.repository / "src" / "till_roll.egg-info" / "PKG-INFO").is_file()
    assert not (till.folder / "conftest.py").exists(), "the repository itself is only read"


@pytest.mark.slow
def test_tests_of_another_time_get_what_they_miss(
    till: Repo, sandboxes: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest commit does not need it any more, and no file of it speaks of it."""
    monkeypatch.setattr(module, "resolve", lambda lines, *_: (tuple(map({"six": SIX}.get, lines, lines)), ""))
    tests = till.folder / "tests" / "test_rolls.py"
    tests.write_text(f"import six\n{tests.read_text()}")
    till.replace("src/tillroll/__init__.py", "-(-metres // 50)", "(metres + 48) // 50")
    till.commit("Rolls are counted in another way")
    till.replace("src/tillroll/__init__.py", "metres + 48", "metres + 49")
    till.add_test("def test_one_metre():\n    assert tillroll.rolls(1) == 1\n", "tests/test_rolls.py")
    till.commit("A single metre of paper was left out when rolls are counted")
    tests.write_text(tests.read_text().removeprefix("import six\n"))
    till.commit("The tests need less")
    report = make_commits(till.folder, count=1, out=tmp_path / "out", sandboxes=sandboxes)
    assert report.rejected == {"tests only": 1}
    assert SIX in load_task(tmp_path / "out" / report.kept[0]).environment.requirements
