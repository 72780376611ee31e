"""A suite from its TOML file: libraries and counts become proven tasks and a card, whatever comes between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_tasks
from journeyman.tasks.sources import suite_file
from journeyman.tasks.sources.mint import SOURCES
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.suite_card import CARD, PAGE
from journeyman.tasks.sources.suite_file import proven_projects, proven_recipes, read_suite
from journeyman.tasks.sources.suite_make import SuiteReport, make_suite
from journeyman.tasks.sources.suites import SUITES, suite_recipes
from journeyman.tasks.task import TaskError, TaskFormatError
from tests.tasks.test_mint import FILES, put_in_cache

TINY = """\
about = "Two libraries, one of which is nowhere."

[[library]]
requirement = "TinyLib==1.0"
mutation = 3
removal = 1
projects = ["tinylib.nothing"]

[[library]]
requirement = "nowhere==1.0+source.0123456789ab"
mutation = 2
"""
NO_SANDBOXES: SandboxFactory = None  # type: ignore[assignment]  # whoever uses it fails


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds the tiny library; built environments are the machine's own."""
    environments, place = home("environments"), tmp_path / "home"
    place.mkdir()
    (place / "environments").symlink_to(environments)
    put_in_cache(place, FILES)
    monkeypatch.setenv("JOURNEYMAN_HOME", str(place))
    return place


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.toml").write_text(TINY)
    return str(tmp_path / "tiny.toml")


def test_the_suites_that_come_along_hold_and_ask_for_enough_and_share_no_library() -> None:
    starter, heldout = (read_suite(name) for name in SUITES)
    assert len(starter.library) >= 20 and starter.total >= 1000
    assert sum(len(wish.projects) for wish in starter.library) >= 50
    singles = [r for w in starter.library for source in SOURCES for r in proven_recipes(w.requirement, source)]
    projects = [project for wish in starter.library for project in proven_projects(wish.requirement)]
    assert len(singles) + len(projects) >= 1000
    assert len(projects) >= 50 and len([project for project in projects if len(project.parts) >= 8]) >= 40
    assert starter.apart_from == ("heldout",) and heldout.apart_from == ("starter",)
    for name, suite in zip(SUITES, (starter, heldout), strict=True):
        asked = {wish.requirement: wish.mutation for wish in suite.library}
        for recipe in suite_recipes(name):
            asked[recipe.library.requirement] -= recipe.source == "mutation"
        assert min(asked.values()) >= 0, "every task that comes along has its place"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "library: Field required"),
        ("library = []", "library: Tuple should have at least 1 item"),
        ("[[library]]\nrequirement = 'toolz>=1'", r"library.1.requirement: .*exact version"),
        ("[[library]]\nrequirement = 'toolz==1'\nmutations = 3", "library.1.mutations: Extra inputs"),
        ("[[library]]\nrequirement = 'toolz==1'\nremoval = -1", "library.1.removal: "),
        ("[[library]]\nrequirement = 'toolz==1'\nrequirements = ['six>=1']", "names no exact version"),
        ("[[library]]\nrequirement = 'toolz==1'\nrequirements = ['!']", "requirements"),
        ("[[library]]\nrequirement = 'toolz==1'\n[[library]]\nrequirement = 'Toolz==2'", "toolz is there twice"),
        ("wanted = {lines = 3}\n[[library]]\nrequirement = 'toolz==1'", "wanted.lines"),
        ("[[library", "not a suite"),
        ("apart_from = ['starter']\n[[library]]\nrequirement = 'toolz==1'", "shares toolz with starter"),
        ("apart_from = ['nightmare']\n[[library]]\nrequirement = 'toolz==1'", "suites are heldout, starter"),
    ],
)
def test_a_file_that_asks_for_nonsense(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(TaskError, match=complaint) as caught:
        read_suite(str(tmp_path / "odd.toml"))
    assert "\n" not in str(caught.value)


def test_what_is_no_suite(tmp_path: Path, tiny: str) -> None:
    with pytest.raises(TaskError, match="suites are heldout, starter"):
        read_suite("nightmare")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TaskFormatError, match="not a suite"):
        read_suite(str(tmp_path / "bytes.toml"))
    with pytest.raises(TaskError, match="has no library toolz; there are tinylib, nowhere"):
        make_suite(tiny, tmp_path / "out", NO_SANDBOXES, only=["toolz"])


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_suite_is_made_with_its_card_and_then_stands(
    jobs: int, sandboxes: SandboxFactory, tmp_path: Path, tiny: str
) -> None:
    out = tmp_path / "out"
    report = make_suite(tiny, out, sandboxes, jobs=jobs)
    assert (report.total, report.wanted, report.kept) == (4, 7, {"tinylib": 4})
    assert "task add" in report.failed["nowhere"]
    assert len(load_tasks(out)) == 4 and not list(out.rglob(".*"))
    card = json.loads((out / CARD).read_text())
    assert card["by_source"] == {"mutation": 3, "removal": 1}
    assert card["by_licence"] == {"MIT": 4} and card["by_language"] == {"python": 4}
    assert card["proofs"] == {"reference 3/3, nothing 0/3": 4}
    tinylib, nowhere = card["made_from"]
    assert tinylib["made"] == {"mutation": 3, "removal": 1, "project": 0} and len(tinylib["sha256"]) == 64
    assert "no module 'tinylib.nothing'" in tinylib["unmade"]["project tinylib.nothing"]
    assert nowhere["unmade"] == {"everything else": report.failed["nowhere"]}
    page = (out / PAGE).read_text()
    assert "4 proven tasks of 1 library; the suite's file asks for 7." in page
    assert "| tinylib==1.0 | MIT | 3 of 3 | 1 of 1 | 0 of 1 |" in page

    again = make_suite(tiny, out, NO_SANDBOXES, jobs=jobs)
    assert (again.total, json.loads((out / CARD).read_text())) == (4, card), "nothing runs a second time"


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_who_interrupts_it_loses_nothing(jobs: int, sandboxes: SandboxFactory, tmp_path: Path, tiny: str) -> None:
    out = tmp_path / "out"

    def interrupt(report: SuiteReport) -> None:
        if report.total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_suite(tiny, out, sandboxes, jobs=jobs, progress=interrupt)
    kept = {task.name for task in load_tasks(out)}
    assert json.loads((out / CARD).read_text())["tasks"] == len(kept) > 0
    assert make_suite(tiny, out, sandboxes, jobs=jobs).total == 4
    assert kept < {task.name for task in load_tasks(out)}


@pytest.mark.slow
def test_what_comes_along_proven_is_taken_and_the_rest_is_made(
    sandboxes: SandboxFactory, tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ["tinylib"]
    make_suite(tiny, tmp_path / "first", sandboxes, only=only)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    lines = (tmp_path / "first/tinylib-1.0/recipes.jsonl").read_text().splitlines(keepends=True)
    (bundle / "some.jsonl").write_text("".join(lines[:3]))
    monkeypatch.setattr(suite_file, "_folder", lambda: bundle)
    known = {recipe.name for recipe in proven_recipes("tinylib==1.0", "mutation")}
    assert len(known) == 2 and not proven_projects("tinylib==1.0")

    proven = make_suite(tiny, tmp_path / "second", NO_SANDBOXES, proven_only=True)
    assert not proven.failed, "a library of which nothing is proven is not fetched"
    assert proven.total == 2 and {task.name for task in load_tasks(tmp_path / "second")} == known
    whole = make_suite(tiny, tmp_path / "second", sandboxes, only=only)
    recipes = read_recipes(tmp_path / "second/tinylib-1.0/recipes.jsonl")
    assert whole.total == len(recipes) == 4 and known < {recipe.name for recipe in recipes}
