"""From a library's archive to proven tasks: the whole way, on a library that a test can read whole."""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.cli_task import find_tasks
from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.sandbox.stock import Kind, stock
from journeyman.tasks import grading
from journeyman.tasks.harbor import load_tasks
from journeyman.tasks.harbor_files import has_canary, walk
from journeyman.tasks.runner import run_tests
from journeyman.tasks.sources import make
from journeyman.tasks.sources.laid import laid_tasks
from journeyman.tasks.sources.make import folder_name
from journeyman.tasks.sources.mint import MintReport, mint
from journeyman.tasks.sources.plan import Wanted
from journeyman.tasks.sources.recipe import Recipe, build_recipe, tree_hash
from journeyman.tasks.sources.recipe_file import read_recipes, write_recipes
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.split_file import SplitReport, split_file
from journeyman.tasks.sources.splitting import Candidate, for_split
from journeyman.tasks.task import Task, TaskFormatError
from journeyman.tasks.twins.objection import Objection
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance

FILES = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: tinylib\nVersion: 1.0\nLicense: MIT\n",
    "tinylib/__init__.py": "from tinylib.numbers import clamp, middle\nfrom tinylib.text import shout\n",
    "tinylib/numbers.py": (
        "def clamp(value, low, high):\n"
        '    """Keep a value between two bounds: 1 < 2."""\n'
        "    if value < low:\n"
        "        return low\n"
        "    return high if value > high else value\n"
        "\n\n"
        "def middle(values):\n"
        "    ordered = sorted(values)\n"
        "    return ordered[len(ordered) // 2]\n"
        "\n\n"
        "def unused(a, b):\n"
        "    return a - b\n"
    ),
    "tinylib/text.py": (
        "def shout(words, mark='!'):\n"
        "    return ' '.join(words).upper() + mark\n"
    ),
    "tests/test_numbers.py": (
        "from pathlib import Path\n\nimport pytest\n\nfrom tinylib import clamp, middle\n\n\n"
        "def test_low():\n    assert clamp(-5, 0, 10) == 0\n\n\n"
        "def test_high():\n    assert clamp(15, 0, 10) == 10\n\n\n"
        "def test_inside():\n    assert clamp(5, 0, 10) == 5\n\n\n"
        "@pytest.mark.parametrize('values, expected', [([3, 1, 2], 2), ([5], 5)])\n"
        "def test_middle(values, expected):\n    assert middle(values) == expected\n\n\n"
        "def test_broken():\n    assert clamp(1, 2, 3) == 99\n\n\n"
        "def test_fickle():\n    marker = Path('/tmp/fickle')\n    assert not marker.exists()\n    marker.touch()\n"
    ),
    "tests/test_text.py": (
        "import unittest\n\nfrom tinylib import shout\n\n\n"
        "class Shouting(unittest.TestCase):\n"
        "    def test_mark(self):\n        self.assertEqual(shout(['a', 'b']), 'A B!')\n\n"
        "    def test_other_mark(self):\n        self.assertEqual(shout(['a'], '?'), 'A?')\n"
    ),
}  # fmt: skip


def put_in_cache(place: Path, files: dict[str, str]) -> None:
    """The library as if it had been downloaded."""
    folder = place / "sdists" / "tinylib-1.0"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "tinylib-1.0.tar.gz", "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"tinylib-1.0/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that holds the library; built environments are the machine's own, for they take long to make."""
    environments, place = home("environments"), tmp_path_factory.mktemp("home")
    (place / "environments").symlink_to(environments)
    put_in_cache(place, FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOURNEYMAN_HOME", str(place))
        yield place


@pytest.fixture(scope="module")
def minted(sandboxes: SandboxFactory, tmp_path_factory: pytest.TempPathFactory) -> MintReport:
    return mint("tinylib==1.0", count=5, out=tmp_path_factory.mktemp("minted"), sandboxes=sandboxes, seed=3)


def test_what_was_minted_is_proven_by_the_grader(minted: MintReport, sandboxes: SandboxFactory) -> None:
    tasks = load_tasks(minted.out)
    assert len(tasks) == len(minted.kept) == 5
    certificate = check_task(tasks[0], sandboxes, runs=1)
    assert certificate.sound, certificate.reasons
    for recipe in read_recipes(minted.out / "recipes.jsonl"):
        assert recipe.proof == {"reference": "3/3", "noop": "0/3"}


def test_it_is_graded_in_two_sandboxes_where_that_can_be(minted: MintReport) -> None:
    assert (minted.split, minted.unsplit) == (5, {})
    assert {task.assurance for task in load_tasks(minted.out)} == {Assurance.SPLIT}


def test_a_recipe_file_is_a_set_of_tasks_as_it_stands(minted: MintReport) -> None:
    recipes = read_recipes(minted.out / "recipes.jsonl")
    tasks = laid_tasks(recipes)
    assert [task.name for task in tasks] == [recipe.name for recipe in recipes]
    assert [tree_hash(task.repository) for task in tasks] == [recipe.tree for recipe in recipes]
    assert find_tasks(str(minted.out / "recipes.jsonl")) == tasks == laid_tasks(recipes)
    one = tasks[0].repository / "tinylib" / "text.py"
    assert one.stat().st_nlink > 1, "what no fault touches is there once"
    (item,) = (item for item in stock() if item.kind is Kind.PACKED)
    assert item.in_use and item.about == "tasks of tinylib==1.0"


def evaluating(task: Task, check: str) -> None:
    """Let a test do what cannot be split."""
    assert task.hidden is not None
    path, name = task.hidden / check.partition("::")[0], check.rpartition("::")[2].partition("[")[0]
    indent = " " * (4 * check.count("::"))
    path.write_text(re.sub(rf"(def {name}\(.*\):\n)", rf"\1{indent}eval('1')\n", path.read_text()))


def test_checks_that_only_guard_are_left_out_where_they_cannot_cross(
    minted: MintReport, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    recipe = read_recipes(minted.out / "recipes.jsonl")[0]
    task = build_recipe(recipe, tmp_path / "task")
    guard = next(check for check in task.pass_to_pass if not check.startswith(task.fail_to_pass[0].partition("[")[0]))
    evaluating(task, guard)
    split = for_split(recipe, task, sandboxes)
    assert split.recipe is not None, split.why
    assert guard in set(recipe.pass_to_pass) - set(split.recipe.pass_to_pass)
    assert split.graded == ()
    evaluating(task, task.fail_to_pass[0])
    assert for_split(recipe, task, sandboxes) == Candidate(None, "the tests run what the code says")


@pytest.mark.parametrize("level", ["twins", "fresh"])
def test_what_cannot_be_split_is_graded_in_one_sandbox_and_says_why(
    level: str, sandboxes: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "for_split", lambda *_: Candidate(None, "it cannot"))
    if level == "fresh":  # as where a check asks no function of the code
        monkeypatch.setattr(grading, "objections", lambda task, tree, edits, passed, _: (Objection(passed, "no"),))
    report = mint("tinylib==1.0", count=1, out=tmp_path, sandboxes=sandboxes)
    (task,), (recipe,) = load_tasks(tmp_path), read_recipes(tmp_path / "recipes.jsonl")
    assert task.assurance == recipe.assurance == level
    assert (report.split, report.twins, dict(report.unsplit)) == (0, level == "twins", {"it cannot": 1})
    assert recipe.proof == {"unsplit": "it cannot", "reference": "3/3", "noop": "0/3"}


def test_only_reliable_tests_and_tested_functions_are_used(minted: MintReport) -> None:
    assert minted.tests == 7
    assert minted.tests_dropped == {"failed": 1, "flaky": 1}
    for task in load_tasks(minted.out):
        assert not [check.id for check in task.checks if "broken" in check.id or "fickle" in check.id]
        assert task.metadata["function"] != "unused"
        assert task.metadata["library"] == "tinylib"
        assert task.metadata["licence"] == "MIT"


def test_the_policy_reads_neither_the_fault_nor_the_fix_nor_the_hidden_tests(minted: MintReport) -> None:
    recipes = {recipe.name: recipe for recipe in read_recipes(minted.out / "recipes.jsonl")}
    cut = 0
    for task in load_tasks(minted.out):
        recipe = recipes[task.name]
        fault = task.repository.joinpath(recipe.mutation.path).read_text().splitlines()[recipe.mutation.line - 1]
        assert fault.strip() not in task.instruction
        assert recipe.mutation.operator not in task.instruction
        assert not any(has_canary(path, task.canary) for _, path in walk(task.repository))
        assert task.hidden is not None
        assert all(has_canary(path, task.canary) for name, path in walk(task.hidden) if name.endswith(".py"))
        for test in recipe.hidden:
            cut += 1
            file, _, name = test.partition("::")
            assert f"def {name.rpartition('::')[2]}(" not in (task.repository / file).read_text()
            assert f"def {name.rpartition('::')[2]}(" in (task.hidden / file).read_text()
            assert test not in task.instruction
    assert cut >= 1


def test_the_instruction_tells_a_failure_that_the_policy_can_see(minted: MintReport, sandboxes: SandboxFactory) -> None:
    task = load_tasks(minted.out)[0]
    shown = task.instruction.splitlines()[1].removesuffix(" fails:")
    assert shown in task.fail_to_pass
    with sandboxes.create(task.environment, task.repository) as sandbox:
        report = run_tests(sandbox, ids=[shown], timeout_s=30)
    assert report.failed == (shown,)


@pytest.mark.slow
def test_a_second_run_goes_on_where_the_first_ended(
    minted: MintReport, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    """One task removed, one line torn, one folder half made: made again, forgotten, cleared. Nothing is tried twice."""
    out = tmp_path / "minted"
    shutil.copytree(minted.out, out)
    shutil.rmtree(out / minted.kept[0])
    lines = (out / "recipes.jsonl").read_bytes().splitlines(keepends=True)
    (out / "recipes.jsonl").write_bytes(b"".join(lines[:-1]) + lines[-1][:-9])
    (out / ".tinylib-half-done.making").mkdir()
    seen: list[int] = []
    report = mint(
        "tinylib==1.0", count=6, out=out, sandboxes=sandboxes, seed=3, progress=lambda r: seen.append(len(r.kept))
    )
    assert report.resumed == 4
    assert not list(out.glob(".*"))
    assert len(report.kept) == len(set(report.kept)) == len(load_tasks(out)) == 6
    assert seen == sorted(seen)
    keys = [recipe.facts["key"] for recipe in read_recipes(out / "recipes.jsonl")]
    keys += [json.loads(line)["key"] for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert len(keys) == len(set(keys))


@pytest.mark.slow
def test_an_interrupted_run_leaves_whole_tasks_only(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    def interrupt(_: MintReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mint("tinylib==1.0", count=3, out=tmp_path / "out", sandboxes=sandboxes, progress=interrupt)
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert names == {folder_name(recipe) for recipe in read_recipes(tmp_path / "out" / "recipes.jsonl")}


def test_a_recipe_gives_the_same_task_again(minted: MintReport, tmp_path: Path) -> None:
    recipes = read_recipes(minted.out / "recipes.jsonl")
    write_recipes(tmp_path / "suite.jsonl", recipes)
    assert read_recipes(tmp_path / "suite.jsonl") == recipes
    tasks = {task.name: task for task in load_tasks(minted.out)}
    for recipe in recipes:
        again = build_recipe(recipe, tmp_path / folder_name(recipe))
        first = tasks[recipe.name]
        assert again.instruction == first.instruction
        assert again.checks == first.checks
        assert again.canary == first.canary
        assert tree_hash(again.repository) == tree_hash(first.repository) == recipe.tree


def test_a_recipe_of_another_time_is_refused(minted: MintReport, tmp_path: Path) -> None:
    recipe = read_recipes(minted.out / "recipes.jsonl")[0]
    with pytest.raises(SourceError, match="mint it again"):
        build_recipe(replace(recipe, tree="0" * 64), tmp_path / "task")
    assert not (tmp_path / "task").exists()
    other = replace(recipe, library=replace(recipe.library, sha256="0" * 64))
    with pytest.raises(SourceError, match="SHA-256"):
        build_recipe(other, tmp_path / "task")


def test_wishes_are_kept(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    wanted = Wanted(one_line=True, max_function_lines=3, named=True)
    report = mint("tinylib==1.0", count=2, out=tmp_path, sandboxes=sandboxes, wanted=wanted)
    for recipe in read_recipes(tmp_path / "recipes.jsonl"):
        assert recipe.mutation.one_line
        assert recipe.facts["function_lines"] <= 3
        assert recipe.facts["named_function"] == recipe.mutation.function
    assert len(report.kept) == 2


def test_tests_that_do_not_run(cache: Path, sandboxes: SandboxFactory, tmp_path: Path) -> None:
    tests = {name: "import no_such_module\n" for name in FILES if name.startswith("tests/")}
    place = cache / "broken"
    (place).mkdir()
    (place / "environments").symlink_to((cache / "environments").resolve())
    put_in_cache(place, FILES | tests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOURNEYMAN_HOME", str(place))
        with pytest.raises(SourceError, match="no_such_module"):
            mint("tinylib==1.0", count=1, out=tmp_path, sandboxes=sandboxes)


@pytest.mark.parametrize("line", ["{", "[]", '{"task": "x"}', '{"library": "unknown==1"}'])
def test_a_recipe_file_that_holds_something_else(line: str, tmp_path: Path) -> None:
    (tmp_path / "suite.jsonl").write_text(line + "\n")
    with pytest.raises(TaskFormatError, match="line 1"):
        read_recipes(tmp_path / "suite.jsonl")


@pytest.fixture
def of_old(minted: MintReport, tmp_path: Path) -> Path:
    """A recipe file from when everything was graded in one sandbox."""
    recipes = [replace(recipe, assurance="fresh") for recipe in read_recipes(minted.out / "recipes.jsonl")[:3]]
    write_recipes(tmp_path / "old.jsonl", recipes)
    return tmp_path / "old.jsonl"


def test_old_recipes_are_proven_again_in_two_sandboxes(of_old: Path, sandboxes: SandboxFactory) -> None:
    """Names, instructions and order stay; what cannot be split is graded with twins, and says why."""
    before = read_recipes(of_old)
    calls: list[int] = []

    def refuse_second(recipe: Recipe, task: Task, sandboxes: SandboxFactory) -> Candidate:
        calls.append(1)
        return Candidate(None, "it cannot") if len(calls) == 2 else for_split(recipe, task, sandboxes)

    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "for_split", refuse_second)
        report = split_file(of_old, sandboxes, progress=lambda report: seen.append(report.done))
    after = read_recipes(of_old)
    same = ("name", "library", "mutation", "fail_to_pass", "hidden", "instruction", "facts", "tree")
    for name in same:
        assert [getattr(recipe, name) for recipe in after] == [getattr(recipe, name) for recipe in before], name
    assert [recipe.assurance for recipe in after] == ["split", "twins", "split"]
    proof = {"reference": "3/3", "noop": "0/3", "unsplit": "it cannot"}
    assert after[1] == replace(before[1], proof=proof, assurance="twins")
    assert report.twins == 1
    assert after[0].proof == {"reference": "3/3", "noop": "0/3"}
    assert (seen, report.recipes, report.split.total(), report.reasons) == ([1, 2, 3], 3, 2, {"it cannot": 1})
    assert [path.name for path in of_old.parent.iterdir()] == ["old.jsonl"]


@pytest.mark.slow
def test_an_interrupted_run_over_recipes_goes_on(of_old: Path, sandboxes: SandboxFactory) -> None:
    before = of_old.read_bytes()

    def interrupt(report: SplitReport) -> None:
        if report.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        split_file(of_old, sandboxes, progress=interrupt)
    assert of_old.read_bytes() == before
    growing = of_old.with_name("old.jsonl.proving")
    growing.write_bytes(growing.read_bytes()[:-9])
    report = split_file(of_old, sandboxes)
    assert (report.resumed, report.done, report.split.total()) == (1, 3, 3)
    assert {recipe.assurance for recipe in read_recipes(of_old)} == {"split"}
    (of_old.with_name("old.jsonl.proving")).write_bytes(of_old.read_bytes())
    write_recipes(of_old, read_recipes(of_old)[1:])
    with pytest.raises(TaskFormatError, match="left by a run over other recipes"):
        split_file(of_old, sandboxes)
