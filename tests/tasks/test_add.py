"""From a folder that nobody prepared to proven tasks: packed once, resumed, rebuilt elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.detect.needs import PYTEST
from journeyman.tasks.harbor import load_tasks
from journeyman.tasks.sources import second_look as module
from journeyman.tasks.sources.add import AddReport, add, adopt
from journeyman.tasks.sources.mint import MintReport
from journeyman.tasks.sources.recipe import build_recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.sdist import SourceError
from tests.tasks.conftest import lay

FILES = {
    "pyproject.toml": "[project]\nname = 'Parcel'\nversion = '0.3'\n[tool.pytest.ini_options]\naddopts = '--no-such'\n",
    "tox.ini": "[testenv]\nsetenv =\n    PARCEL_UNIT = kg\n",
    "src/parcel/__init__.py": (
        "import os\nfrom importlib.metadata import version\n\n__version__ = version('parcel')\n\n\n"
        "def postage(weight, express):\n    price = 3 + weight * 2\n    return price * 2 if express else price\n\n\n"
        "def label(weight):\n    return f'{weight} {os.environ[\"PARCEL_UNIT\"]}'\n"
    ),
    "tests/test_parcel.py": (
        "import time\nfrom pathlib import Path\n\nimport parcel\n\n\n"
        "def test_plain():\n    assert parcel.postage(2, False) == 7\n\n\n"
        "def test_express():\n    assert parcel.postage(2, True) == 14\n\n\n"
        "def test_label():\n    assert parcel.label(4) == '4 kg'\n\n\n"
        "def test_version():\n    assert parcel.__version__ == '0.3'\n\n\n"
        "def test_network():\n    raise OSError('no network')\n\n\n"
        "def test_fickle():\n    marker = Path('/tmp/fickle')\n    assert not marker.exists()\n    marker.touch()\n"
    ),
    "tests/test_other.py": "import nowhere_to_be_had\n",
}


A_TEST = "\n\ndef test_it():\n    pass\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, but for the built environments; requirements are taken as they stand, without an index."""
    environments, place = home("environments"), tmp_path / "home"
    place.mkdir()
    (place / "environments").symlink_to(environments)
    monkeypatch.setenv("JOURNEYMAN_HOME", str(place))
    monkeypatch.setattr(module, "resolve", lambda lines, *_: (lines, ""))
    yield place


def test_a_folder_becomes_tasks_and_a_second_run_goes_on(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    source, out = lay(tmp_path / "checkout", FILES), tmp_path / "out"
    stages: list[str] = []
    report = add(str(source), count=2, sandboxes=sandboxes, out=out, said=lambda stage, _: stages.append(stage))
    assert stages == ["detected", "measured"]
    assert report.tests == 4
    assert report.quarantined == {
        "failed": ["tests/test_parcel.py::test_network"], "flaky": ["tests/test_parcel.py::test_fickle"],
    }  # fmt: skip
    assert report.complaints["failed"] == "OSError: no network"
    assert "nowhere_to_be_had" in report.broken["tests/test_other.py"]
    assert report.minted is not None and len(report.minted.kept) == len(load_tasks(out)) == 2
    assert not list(source.rglob("pytest.ini")), "the source is not written to"

    again = add(str(source), count=2, sandboxes=sandboxes, out=out)
    assert again.minted is not None and again.minted.resumed == 2
    assert (again.requirement, again.quarantined) == (report.requirement, report.quarantined)
    assert list(home("scratch").iterdir()) == []
    assert {finding.key: finding.value for finding in again.findings}["requirements"] == (PYTEST,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "left_out"),
    [("os._exit(3)", "b"), ("os.kill(os.getpid(), 9)", "b"), ("os.closerange(3, 50)", "cb")],  # felt by the next, c
)
def test_what_ends_the_run_is_left_out_and_named(
    end: str, left_out: str, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    tests = f"import os\n\n\ndef test_a():\n    pass\n\n\ndef test_b():\n    {end}\n\n\ndef test_c():\n    pass\n"
    source = lay(tmp_path / "it", {"it.py": "x = 1\n", "test_it.py": tests})
    report = add(str(source), count=0, sandboxes=sandboxes, out=tmp_path / "out")
    assert report.quarantined == {"ends the run": [f"test_it.py::test_{name}" for name in left_out]}
    assert (report.tests, report.ended) == (3 - len(left_out), True)


@pytest.mark.slow
def test_its_own_command_runs(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    project = "[project]\nname = 'stars'\nversion = '1'\n[project.scripts]\ncount-stars = 'stars:main'\n"
    test = "import subprocess\n\n\ndef test_it():\n    assert subprocess.run(['count-stars']).returncode == 3\n"
    files = {"pyproject.toml": project, "stars.py": "def main():\n    return 3\n", "test_stars.py": test}
    assert add(str(lay(tmp_path / "it", files)), count=0, sandboxes=sandboxes, out=tmp_path / "out").tests == 1


@pytest.mark.slow
def test_packages_stand_where_the_build_places_them(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    """In the tests' own process, and in one that they start."""
    project = (
        "[project]\nname = 'stars'\nversion = '1'\n[tool.setuptools.package-dir]\nstars = 'lib'\n'stars.far' = 'deep'\n"
    )
    test = (
        "import subprocess, sys\nfrom stars.far import sky\n\n\ndef test_it():\n    assert sky.N == 3\n"
        "    assert subprocess.run([sys.executable, '-c', 'import stars.far.sky']).returncode == 0\n"
    )
    files = {"lib/__init__.py": "", "deep/__init__.py": "", "deep/sky.py": "N = 3\n", "tests/test_stars.py": test}
    source = lay(tmp_path / "it", {"pyproject.toml": project, **files})
    assert add(str(source), count=0, sandboxes=sandboxes, out=tmp_path / "out").tests == 1


def test_who_interrupts_it_loses_no_proven_task(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    source, out = lay(tmp_path / "checkout", FILES), tmp_path / "out"

    def interrupt(minted: MintReport) -> None:
        if minted.kept:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(str(source), count=3, sandboxes=sandboxes, out=out, progress=interrupt)
    kept = {task.name for task in load_tasks(out)}
    assert kept and not list(out.glob(".*")) and list(home("scratch").iterdir()) == []
    again = add(str(source), count=len(kept) + 1, sandboxes=sandboxes, out=out)
    assert again.minted is not None and again.minted.resumed == len(kept)
    assert kept < {task.name for task in load_tasks(out)}


def test_recipes_are_built_again_where_nothing_is_cached(
    sandboxes: SandboxFactory, tmp_path: Path, cache: Path
) -> None:
    out = tmp_path / "out"
    add(str(lay(tmp_path / "checkout", FILES)), count=1, sandboxes=sandboxes, out=out)
    (recipe,) = read_recipes(out / "recipes.jsonl")
    for folder in ("sdists", "libraries"):
        shutil.rmtree(cache / folder)
    with pytest.raises(SourceError, match="task add"):
        build_recipe(recipe, tmp_path / "again")
    adopt(out)
    assert build_recipe(recipe, tmp_path / "again").checks == load_tasks(out)[0].checks


def test_the_same_files_give_the_same_archive(sandboxes: SandboxFactory, tmp_path: Path, cache: Path) -> None:
    def added(out: str) -> AddReport:
        return add(str(tmp_path / "checkout"), count=0, sandboxes=sandboxes, out=tmp_path / out)

    source = lay(tmp_path / "checkout", FILES)
    first = added("a")
    shutil.rmtree(cache / "sdists")
    assert added("b").requirement == first.requirement
    (source / "src/parcel/more.py").write_text("x = 1\n")
    assert added("b").requirement != first.requirement


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        (
            f"import nowhere_to_be_had\n{A_TEST}",
            "the first trouble: ModuleNotFoundError: No module named 'nowhere_to_be_had'\n",
        ),
        (f"while True:\n    pass\n{A_TEST}", "after 3 s no test had ended"),
        (f"__test__ = False\n{A_TEST}", "the first trouble: pytest found no test in them"),
        ("def helper():\n    pass\n", "ships no tests: 1 file named as tests are"),
    ],
)
def test_where_no_test_runs_nothing_is_left(
    test: str, complaint: str, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    source = lay(tmp_path / "bad", {"bad.py": "", "test_bad.py": test, "journeyman.toml": "suite_limit_s = 3\n"})
    with pytest.raises(SourceError, match=complaint):
        add(str(source), count=1, sandboxes=sandboxes, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(home("scratch").iterdir()) == []


def test_where_pytest_cannot_even_start_it_is_said_why(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    """A module of its own stands in the way of one of Python's."""
    source = lay(tmp_path / "bad", {"bad.py": "", "argparse.py": "", "test_bad.py": f"import bad\n{A_TEST}"})
    with pytest.raises(SourceError, match=r"the first trouble: .*argparse"):
        add(str(source), count=1, sandboxes=sandboxes, out=tmp_path / "out")


def test_a_hanging_test_is_left_out_and_named(
    sandboxes: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where pytest, or a plugin, is slow to tell of it: the limit is the test's, and does not end the session."""
    monkeypatch.setattr("journeyman.tasks.sources.baseline.LIMIT_S", 0.5)
    hanging = "import time\n\n\ndef test_good():\n    pass\n\n\ndef test_hang():\n    time.sleep(99)\n"
    slow = "import time\n\n\ndef pytest_runtest_logreport(report):\n    time.sleep(1.2 * report.failed)\n"
    source = lay(tmp_path / "slow", {"slow.py": "x = 1\n", "conftest.py": slow, "test_slow.py": hanging})
    report = add(str(source), count=0, sandboxes=sandboxes, out=tmp_path / "out")
    assert (report.tests, report.quarantined) == (1, {"failed": ["test_slow.py::test_hang"]})
    assert json.loads((tmp_path / "out" / "added.json").read_text())["report"]["ended"] is True


@pytest.mark.slow
def test_ten_thousand_tests(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    many = "import many, pytest\n\n\n@pytest.mark.parametrize('n', range(10_000))\ndef test(n):\n    assert many.f(n)\n"
    source = lay(tmp_path / "many", {"many.py": "def f(n):\n    return n >= 0\n", "test_many.py": many})
    report = add(str(source), count=0, sandboxes=sandboxes, out=tmp_path / "out")
    assert (report.tests, report.quarantined, report.ended) == (10_000, {}, True)
