"""From a library to a project of many milestones, and to single functions that are gone: the whole way, on a library
that a test can read whole.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import load_task, load_tasks
from journeyman.tasks.sources import project_proof
from journeyman.tasks.sources.library import load_library
from journeyman.tasks.sources.mint import REMOVAL, mint
from journeyman.tasks.sources.project import build_project, tree_after
from journeyman.tasks.sources.project_make import PROJECTS, ProjectReport, find_module, make_project, read_projects
from journeyman.tasks.sources.project_proof import prove_project
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import Task, TaskFormatError
from journeyman.tasks.validation import Certificate, check_task
from journeyman.tasks.verdict import Assurance

FILES = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: ledgerlib\nVersion: 1.0\nLicense: MIT\nSummary: Keeps books.\n",
    "ledgerlib/__init__.py": "",
    "ledgerlib/books.py": (
        "def _unit():\n"
        "    return 100\n\n\n"
        "UNIT = _unit()\n\n\n"
        "def cents(text):\n"
        '    """Read an amount: "1.50" is 150."""\n'
        "    whole, _, part = text.partition('.')\n"
        "    return int(whole) * UNIT + int(part or 0)\n\n\n"
        "def shown(amount):\n"
        '    """Write an amount: 150 is "1.50"."""\n'
        "    return f'{amount // UNIT}.{amount % UNIT:02}'\n\n\n"
        "def tidy(text):\n"
        "    try:\n"
        "        return shown(cents(text))\n"
        "    except ValueError:\n"
        "        return ''\n\n\n"
        "class Book:\n"
        '    """Amounts under names."""\n\n'
        "    def __init__(self):\n"
        "        self.rows = {}\n\n"
        "    def add(self, name, text):\n"
        '        """Add to what stands under a name."""\n'
        "        self.rows[name] = self.rows.get(name, 0) + cents(text)\n\n"
        "    def total(self):\n"
        "        return sum(self.rows.values())\n\n\n"
        "def refuse(text):\n"
        "    raise ValueError(text.strip())\n\n\n"
        "def unused():\n"
        "    return 1\n"
    ),
    "tests/test_books.py": (
        "import pytest\n\nfrom ledgerlib.books import UNIT, Book, cents, refuse, shown, tidy\n\n\n"
        "def test_unit():\n    assert UNIT == 100\n\n\n"
        "@pytest.mark.parametrize('text, amount', [('1.50', 150), ('2', 200)])\n"
        "def test_cents(text, amount):\n    assert cents(text) == amount\n\n\n"
        "def test_cents_of_nothing():\n    assert cents('0') == 0\n\n\n"
        "def test_shown():\n    assert shown(5) == '0.05'\n\n\n"
        "def test_shown_whole():\n    assert shown(300) == '3.00'\n\n\n"
        "def test_tidy():\n    assert tidy('1.5') == '1.05'\n\n\n"
        "def test_tidy_nonsense():\n    assert tidy('x') == ''\n\n\n"
        "def test_empty():\n    assert Book().rows == {}\n\n\n"
        "def test_total():\n    book = Book()\n    book.add('a', '1')\n    assert book.total() == 100\n\n\n"
        "def test_add_twice():\n    book = Book()\n    book.add('a', '1')\n    book.add('a', '2')\n"
        "    assert book.rows == {'a': 300}\n\n\n"
        "def test_refuse():\n    with pytest.raises(Exception):\n        refuse('x')\n"
    ),
}  # fmt: skip
ORDER = {
    "cents": [], "shown": [], "tidy": ["cents", "shown"], "book-init": [], "book-add": ["cents", "book-init"],
    "book-total": ["book-add"],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that holds the library; built environments are the machine's own, for they take long to make."""
    environments, place = home("environments"), tmp_path_factory.mktemp("home")
    (place / "environments").symlink_to(environments)
    folder = place / "sdists" / "ledgerlib-1.0"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "ledgerlib-1.0.tar.gz", "w:gz") as tar:
        for name, text in FILES.items():
            info = tarfile.TarInfo(f"ledgerlib-1.0/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOURNEYMAN_HOME", str(place))
        yield place


@pytest.fixture(scope="module")
def made(sandboxes: SandboxFactory, tmp_path_factory: pytest.TempPathFactory) -> ProjectReport:
    out = tmp_path_factory.mktemp("projects")
    return make_project("ledgerlib==1.0", modules=["ledgerlib.books"], out=out, sandboxes=sandboxes, jobs=2)


@pytest.fixture
def task(made: ProjectReport) -> Task:
    return load_task(made.folder)


def test_milestones_are_what_the_tests_need(made: ProjectReport, task: Task) -> None:
    """`_unit` runs at import and no test misses what `refuse` does: both stay as they are."""
    assert {m.name: sorted(m.depends_on) for m in task.milestones} == {n: sorted(d) for n, d in ORDER.items()}
    recipe = made.recipe
    assert recipe is not None
    assert recipe.proof == {"reference": "3/3", "noop": "0/3", "in_order": "6/6"}
    assert task.assurance is Assurance.SPLIT
    source = (task.repository / "ledgerlib/books.py").read_text()
    assert source.count("raise NotImplementedError") == recipe.facts["stubbed_functions"] == 6
    assert "return 100" in source and "raise ValueError(text.strip())" in source and "return 1\n" in source
    assert task.pass_to_pass == ("tests/test_books.py::test_unit", "tests/test_books.py::test_refuse")


def test_the_goal_is_told_and_each_milestone_has_its_contract(task: Task) -> None:
    assert task.instruction.startswith("Finish ledgerlib: Keeps books.\n")
    assert "def cents" not in task.instruction
    contracts = {milestone.name: milestone.instruction for milestone in task.milestones}
    assert 'def cents(text):\n    """Read an amount: "1.50" is 150."""' in contracts["cents"]
    assert "class Book:\n    def add(self, name, text):" in contracts["book-add"]
    assert "It builds on: cents, Book.__init__." in contracts["book-add"]
    hidden = (task.hidden or Path()) / "tests/test_books.py"
    shown = (task.repository / "tests/test_books.py").read_text()
    tests = set(re.findall(r"def (test_\w+)", hidden.read_text())) - set(re.findall(r"def (test_\w+)", shown))
    assert tests == {"test_cents_of_nothing", "test_shown_whole", "test_tidy"}
    assert not tests & set(re.findall(r"\w+", "\n".join((task.instruction, *contracts.values()))))


def test_any_order_that_the_edges_allow_closes_them(made: ProjectReport, task: Task, sandboxes: SandboxFactory) -> None:
    """Another one than that of the proof, which is the library's."""
    recipe, library = made.recipe, load_library("ledgerlib==1.0")
    assert recipe is not None
    for closed in (["book-init", "cents", "book-add"], ["shown", "book-init"], ["tidy"]):
        verdict = grade(task, tree_after(recipe, library, closed), sandboxes)
        due = set(closed) - {"tidy"}  # without those it builds on it is not closed
        assert {name for name, done in verdict.milestones.items() if done} == due, verdict.detail


@pytest.mark.slow
def test_orders_are_measured_once(made: ProjectReport, house: Path) -> None:
    """A short run of the benchmark."""
    words = [sys.executable, str(house / "benchmarks/orders.py"), str(made.folder.parent), "--least", "6", "--json"]
    outputs = [subprocess.run(words, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    (row,) = json.loads(outputs[0])
    assert row["tried"] == {"order 1": "6/6", "order 2": "6/6", "alone": "3/3"} and row["odd"] == []
    assert outputs[0] == outputs[1]
    (made.folder.parent / "orders.jsonl").unlink()


def test_it_is_made_once_and_again_from_its_recipe(
    made: ProjectReport, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    out = made.folder.parent
    again = make_project("ledgerlib==1.0", modules=["ledgerlib.books"], out=out, sandboxes=sandboxes)
    (recipe,) = read_projects(out / PROJECTS)
    assert (again.resumed, again.recipe) == (True, recipe) == (True, made.recipe)
    built, first = build_project(recipe, tmp_path / "again"), load_task(made.folder)
    for name in ("instruction", "milestones", "checks", "canary", "metadata", "budget"):
        assert getattr(built, name) == getattr(first, name), name
    with pytest.raises(SourceError, match="make the project again"):
        build_project(replace(recipe, tree="0" * 64), tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["again"]
    assert json.loads(json.dumps(again.as_json()))["milestones"][0]["depends_on"] == []
    assert sorted(path.name for path in out.iterdir()) == ["ledgerlib-project-ledgerlib-books", PROJECTS]


@pytest.mark.slow
def test_a_check_that_says_now_this_and_now_that_is_left_out(
    made: ProjectReport, sandboxes: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One such check does not cost the whole project, nor its assurance."""
    recipe, odd = made.recipe, "tests/test_books.py::test_shown_whole"
    assert recipe is not None and odd in recipe.fail_to_pass

    def check(task: Task, *rest: Any, **more: Any) -> Certificate:
        flaky = (odd,) if odd in task.fail_to_pass else ()
        return replace(check_task(task, *rest, **more), sound=not flaky, reasons=("runs disagree",), flaky=flaky)

    monkeypatch.setattr(project_proof, "check_task", check)
    with ThreadPoolExecutor(2) as pool:
        library = load_library("ledgerlib==1.0")
        unproven = replace(recipe, tree="", proof={})
        proven = prove_project(unproven, library, tmp_path / "again", sandboxes, pool, lambda done, of: None)
    assert set(recipe.fail_to_pass) - set(proven.fail_to_pass) == {odd}
    assert (proven.assurance, proven.proof) == ("split", recipe.proof)


def test_what_gives_no_project_leaves_nothing(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no module 'ledgerlib\.nothing'; there are: ledgerlib/__init__\.py, "):
        find_module(load_library("ledgerlib==1.0"), "ledgerlib.nothing")
    with pytest.raises(SourceError, match=r"fewer than 3 milestones apart in ledgerlib/__init__\.py"):
        make_project("ledgerlib==1.0", modules=["ledgerlib"], out=tmp_path / "out", sandboxes=sandboxes)
    assert not (tmp_path / "out").exists()
    (tmp_path / PROJECTS).write_text('{"project": "x"}\n')
    with pytest.raises(TaskFormatError, match="line 1: not a project"):
        read_projects(tmp_path / PROJECTS)


def test_functions_and_classes_without_their_bodies_are_tasks(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    report = mint("ledgerlib==1.0", count=4, out=tmp_path, sandboxes=sandboxes, source=REMOVAL)
    tasks, recipes = load_tasks(tmp_path), read_recipes(tmp_path / "recipes.jsonl")
    assert len(report.kept) == len(tasks) == 4
    assert {task.metadata["source"] for task in tasks} == {"removal"}
    assert {task.metadata["operator"] for task in tasks} == {"removed_function", "removed_class"}
    assert len({task.metadata["function"] for task in tasks}) == 4
    assert check_task(tasks[0], sandboxes, runs=1).sound
    for recipe in recipes:
        assert recipe.proof == {"reference": "3/3", "noop": "0/3"}
        body = [line.strip() for line in recipe.mutation.original.splitlines() if len(line.strip()) > 15]
        lost = [line for line in body if line not in recipe.mutation.replacement]
        assert not any(line in recipe.instruction for line in lost)
        assert f"`{recipe.mutation.function}` of `ledgerlib/books.py` is a stub" in recipe.instruction
    book = next(recipe for recipe in recipes if recipe.mutation.operator == "removed_class")
    assert "its methods raise" in book.instruction and "def total(self):" in book.instruction
