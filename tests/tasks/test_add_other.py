"""Libraries in JavaScript, Go and Rust become proven tasks, as Python's do: graded, resumed, built again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment, ImageError, SandboxFactory
from journeyman.tasks.audit.audit import audit_task
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import load_task, load_tasks, save_task
from journeyman.tasks.sources import add as module
from journeyman.tasks.sources.add import add, adopt
from journeyman.tasks.sources.baseline import Baseline
from journeyman.tasks.sources.recipe import build_recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import Check, Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.validation import check_task, stronger
from tests.tasks.conftest import lay

FIXTURES = Path(__file__).parents[1] / "fixtures"
PARCEL = {
    "package.json": '{"name": "parcel", "version": "1.0.0"}',
    "parcel.js": (
        "function postage(weight, express) {\n  const price = 3 + weight * 2;\n"
        "  if (express) {\n    return price * 2;\n  }\n  return price;\n}\n\n"
        "function isFree(total) {\n  return total >= 50;\n}\n\nmodule.exports = { postage, isFree };\n"
    ),
    "test/parcel.test.js": (
        "const { test } = require('node:test');\nconst assert = require('node:assert');\n"
        "const { postage, isFree } = require('../parcel');\n\n"
        "test('plain', () => assert.strictEqual(postage(2, false), 7));\n\n"
        "test('heavy', () => assert.strictEqual(postage(10, false), 23));\n\n"
        "test('express', () => assert.strictEqual(postage(2, true), 14));\n\n"
        "test('free from fifty on', () => {\n  assert.ok(isFree(50));\n  assert.ok(!isFree(49));\n});\n\n"
        "test('network', () => { throw new Error('no network'); });\n\n"
        "test('fickle', () => {\n  const fs = require('fs');\n  assert.ok(!fs.existsSync('/tmp/fickle'));\n"
        "  fs.writeFileSync('/tmp/fickle', '');\n});\n"
    ),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, but for the built environments."""
    environments, place = home("environments"), tmp_path / "home"
    place.mkdir()
    (place / "environments").symlink_to(environments)
    monkeypatch.setenv("JOURNEYMAN_HOME", str(place))
    yield place


def prove_again(task: Task, sandboxes: SandboxFactory) -> None:
    """What the mint has proven holds for the folder that it left."""
    assert task.assurance == "fresh" and stronger(task, sandboxes) == ()
    certificate = check_task(task, sandboxes, 1)
    assert certificate.sound, certificate.reasons


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_javascript_becomes_tasks_and_a_second_run_goes_on(
    sandboxes: SandboxFactory, tmp_path: Path, cache: Path
) -> None:
    source, out = lay(tmp_path / "checkout", PARCEL), tmp_path / "out"
    report = add(str(source), count=2, sandboxes=sandboxes, out=out)
    assert report.tests == 4 and report.requirement.startswith("parcel==1.0.0+source.")
    assert report.quarantined == {
        "failed": ["test/parcel.test.js::network"], "flaky": ["test/parcel.test.js::fickle"],
    }  # fmt: skip
    assert report.complaints["failed"] == "no network"
    tasks = load_tasks(out)
    assert report.minted is not None and len(report.minted.kept) == len(tasks) == 2
    prove_again(tasks[0], sandboxes)
    for task in tasks:
        shown = task.instruction.splitlines()
        assert shown[1].startswith("test/parcel.test.js::") and shown[2].lstrip().startswith(("test(", "assert"))
        assert "parcel.js:" not in task.instruction.replace("test/parcel.test.js", ""), "never where the fault is"

    again = add(str(source), count=2, sandboxes=sandboxes, out=out)
    assert again.minted is not None and again.minted.resumed == 2

    shutil.rmtree(cache / "sdists")
    shutil.rmtree(cache / "libraries")
    adopt(out)
    recipe = read_recipes(out / "recipes.jsonl")[0]
    assert build_recipe(recipe, tmp_path / "again").checks == load_task(out / recipe.name.replace("/", "-")).checks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "tests"),
    [
        pytest.param("strcase", 16, marks=pytest.mark.toolchain("go")),
        pytest.param("strsim", 96, marks=pytest.mark.toolchain("rust")),
    ],
)
def test_a_real_library_gives_a_proven_task(
    library: str, tests: int, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    report = add(str(FIXTURES / library), count=1, sandboxes=sandboxes, out=tmp_path / "out")
    assert report.tests == tests and not report.quarantined and not report.broken
    prove_again(load_tasks(tmp_path / "out")[0], sandboxes)


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_a_package_of_npm_with_what_its_tests_need(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    report = add("minimist@1.2.8", count=0, sandboxes=sandboxes, out=tmp_path / "out")
    assert (report.kind, report.tests, report.quarantined) == ("npm", 61, {})
    assert any(finding.line == 'requirements = ["tape@^5.6.3"]' for finding in report.findings)


def test_what_npm_does_not_have_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\necho 'npm error 404 Not Found' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SourceError, match=r"no-such@1.0.0: getting packages of npm failed: 404 Not Found$"):
        add("no-such@1.0.0", count=0, sandboxes=None, out=tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists() and list(home("scratch").iterdir()) == []


def test_where_no_versions_fit_the_newest_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As for Python: an index may lack a version that a file asks for."""
    asked: list[dict[str, str]] = []

    def ask(wishes: dict[str, str], scratch: Path) -> tuple[str, ...]:
        asked.append(wishes)
        if wishes["tape"] != "*":
            raise ImageError("no such version")
        return ("tape@5.9.0",)

    monkeypatch.setattr(module, "pinned_modules", ask)
    monkeypatch.setattr(module, "measured", lambda *_: Baseline({"test/parcel.test.js::plain": 0.1}, {}))
    files = PARCEL | {
        "package.json": '{"name": "parcel", "devDependencies": {"tape": "^99"}}', "test/more.js": "require('tape');\n",
    }  # fmt: skip
    report = add(str(lay(tmp_path / "checkout", files)), count=0, sandboxes=Nowhere(), out=tmp_path / "out")
    assert asked == [{"tape": "^99"}, {"tape": "*"}]
    assert any("newest" in note and "no such version" in note for note in report.notes)


class Nowhere:
    """Sandboxes that are never looked into."""

    name = "nowhere"

    def create(self, *_: object, **__: object) -> MagicMock:
        return MagicMock()


def tiny_javascript(folder: Path, **changes: object) -> Task:
    """`>` where `>=` belongs; one hidden test shows it."""
    hidden = "require('node:test')('fifty', () => require('node:assert').ok(require('./parcel').isFree(50)));\n"
    fields: dict[str, object] = {
        "name": "tiny-parcel",
        "instruction": "A parcel worth exactly 50 should travel free.",
        "repository": lay(folder / "repository", {"parcel.js": PARCEL["parcel.js"].replace(">=", ">")}),
        "solution": lay(folder / "solution", {"parcel.js": PARCEL["parcel.js"]}),
        "hidden": lay(folder / "hidden", {"free.test.js": hidden}),
        "environment": Environment(requirements=(), toolchain="node"),
        "checks": (Check(id="free.test.js::fifty"),),
        "editable": ("*.js",),
        "assurance": "fresh",
    }
    return Task(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.toolchain("node")
def test_only_edits_of_code_count(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    task = tiny_javascript(tmp_path)
    verdict = grade(task, solution_tree(task), sandboxes)
    assert verdict.resolved and verdict.assurance == "fresh"
    assert grade(task, pristine_tree(), sandboxes).resolved is False
    forged = lay(tmp_path / "forged", {
        "free.test.js": "require('node:test')('fifty', () => {});\n",
        "package.json": '{"type": "module"}', "node_modules/x/index.js": "", "jest.config.js": "",
        "other.test.js": "", "parcel.js": PARCEL["parcel.js"].replace(">=", ">") + "// nothing\n",
    })  # fmt: skip
    verdict = grade(task, solution_tree(tiny_javascript(tmp_path, solution=forged)), sandboxes)
    assert verdict.resolved is False
    assert set(verdict.ignored) == {
        "free.test.js", "jest.config.js", "node_modules/x/index.js", "other.test.js", "package.json",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_an_audit_tries_faults_in_its_language_and_no_hacks_of_another(
    sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    found = audit_task(save_task(tiny_javascript(tmp_path), tmp_path / "task"), sandboxes, runs=1, mutants=3)
    assert (found.reference_resolved, found.noop_resolved, found.hacks, found.paid) == (1, 0, 0, {"fresh": ()})
    assert found.mutants > 0 and all("parcel.js:" in survivor for survivor in found.survivors)


def test_a_task_folder_keeps_its_toolchain_and_its_canary(tmp_path: Path) -> None:
    saved = save_task(tiny_javascript(tmp_path), tmp_path / "task")
    assert saved.environment.toolchain == "node" and load_task(tmp_path / "task").environment == saved.environment
    text = (tmp_path / "task" / "tests" / "files" / "free.test.js").read_text()
    assert text.endswith(f"// {saved.canary}\n")
    assert "nodejs" in (tmp_path / "task" / "environment" / "Dockerfile").read_text()
    assert "Journeyman's own grader" in (tmp_path / "task" / "tests" / "test.sh").read_text()


def test_what_cannot_be_graded_apart_says_the_line_to_write(tmp_path: Path) -> None:
    for level in ("split", "twins"):
        with pytest.raises(ValueError, match='write assurance = "fresh"'):
            tiny_javascript(tmp_path, assurance=level)
