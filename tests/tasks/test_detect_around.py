"""What tests need around them: a Django that is set up, the repository's own plugin, packages that no file names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.detect.django import HELPER, PLAIN, configured
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.needs import all_named, missed, missing_in
from journeyman.tasks.detect.places import FINDER
from journeyman.tasks.detect.python import Detected, detect
from journeyman.tasks.detect.setup import Config
from journeyman.tasks.sources.pack import conftest_of
from tests.tasks.conftest import lay

APP = {
    "setup.py": "from setuptools import setup\nsetup(name='django-stars', install_requires=['Django>=4'])\n",
    "stars/__init__.py": "",
    "stars/models.py": "from django.db import models\n",
    "stars/tests.py": "from django.test import TestCase\n",
}


def found(tmp_path: Path, files: dict[str, str]) -> Detected:
    return detect(lay(tmp_path / "it", files), "it", Config(), "it", "0")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("tox.ini", "[testenv]\nsetenv =\n    DJANGO_SETTINGS_MODULE=demo.settings\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = 'demo.settings'\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = --ds=demo.settings\n"),
        ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'demo.settings')\n"),
        ("runtests.py", "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'demo.settings'\n"),
        ("Makefile", "test:\n\tdjango-admin test --settings=demo.settings\n"),
    ],
)
def test_the_settings_of_django_are_read_from_wherever_they_stand(place: str, text: str, tmp_path: Path) -> None:
    setup = found(tmp_path, {**APP, place: text, "demo/settings.py": ""}).setup
    assert setup.variables is not None and setup.variables["DJANGO_SETTINGS_MODULE"] == "demo.settings"
    assert "pytest-django" in setup.requirements and setup.plugins == (HELPER, "pytest-django")


def test_settings_that_stand_among_the_tests_are_importable(tmp_path: Path) -> None:
    files = {**APP, "tox.ini": "[testenv]\nsetenv = DJANGO_SETTINGS_MODULE=settings\n", "tests/settings.py": ""}
    assert found(tmp_path, files).setup.pythonpath == (".", "tests")


def test_without_settings_plain_ones_name_the_own_application(tmp_path: Path) -> None:
    detected = found(tmp_path, APP)
    assert detected.setup.variables == {"DJANGO_SETTINGS_MODULE": PLAIN}
    values: dict[str, object] = {}
    exec(detected.facts.files[f"{PLAIN}.py"], values)
    assert str(values["INSTALLED_APPS"]).endswith("'stars']")
    assert any("no file names any" in finding.where for finding in detected.findings if finding.key == "variables")


def test_settings_that_a_script_gives_are_taken_as_far_as_they_are_written_out(tmp_path: Path) -> None:
    script = (
        "from django.conf import settings\nAPPS = ['stars', 'django.contrib.sites']\n"
        "def main():\n    more = {'SITE_ID': 1}\n"
        "    settings.configure(INSTALLED_APPS=APPS, ROOT=find_it(), DEBUG=False, **more)\n"
    )
    values: dict[str, object] = {}
    exec(found(tmp_path, {**APP, "runtests.py": script}).facts.files[f"{PLAIN}.py"], values)
    assert values["INSTALLED_APPS"] == ["stars", "django.contrib.sites"]
    assert (values["SITE_ID"], values["DEBUG"]) == (1, False) and "ROOT" not in values


def test_a_library_that_knows_django_among_others_is_no_application(tmp_path: Path) -> None:
    files = {**APP, "setup.py": "from setuptools import setup\nsetup(name='stars', extras_require={'d': ['Django']})\n"}
    assert HELPER not in found(tmp_path, files).setup.plugins


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("pyproject.toml", "[project]\nname = 'it'\n[project.entry-points.pytest11]\nstars = 'stars.plugin'\n"),
        ("pyproject.toml", "[tool.poetry]\nname = 'it'\n[tool.poetry.plugins.pytest11]\nstars = 'stars.plugin'\n"),
        ("setup.cfg", "[metadata]\nname = it\n[options.entry_points]\npytest11 =\n    stars = stars.plugin\n"),
        (
            "setup.py",
            "from setuptools import setup\nsetup(name='it', entry_points={'pytest11': ['stars = stars.plugin']})",
        ),
        ("it.egg-info/entry_points.txt", "[pytest11]\nstars = stars.plugin\n"),
    ],
)
def test_the_own_plugin_of_pytest_is_loaded(place: str, text: str, tmp_path: Path) -> None:
    files = {place: text, "stars/__init__.py": "", "stars/plugin.py": "", "test_stars.py": ""}
    setup = found(tmp_path, files).setup
    assert setup.plugins == ("it",) and setup.variables == {"PYTEST_PLUGINS": "stars.plugin"}
    assert "('it',)" in conftest_of("", setup)


def test_commands_of_its_own_are_there_where_tests_speak_of_them(tmp_path: Path) -> None:
    project = "[project]\nname = 'it'\n[project.scripts]\nstars = 'it:Sky.main'\nother = 'it:main'\nbad = 'it'\n"
    test = "import subprocess\n\n\ndef test_it():\n    assert subprocess.run(['stars', 'bad']).returncode == 3\n"
    detected = found(tmp_path, {"pyproject.toml": project, "it.py": "", "test_it.py": test})
    assert detected.setup.variables["PATH"].startswith("/workspace/.scripts:/opt/env/bin:")
    assert list(detected.facts.files) == [".scripts/stars"]
    assert "from it import Sky\n\nsys.exit(Sky.main())" in detected.facts.files[".scripts/stars"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("pyproject.toml", "[tool.setuptools.package-dir]\nit = 'lib'\nup = '../up'\nodd = '/'\ngone = 'gone'\n"),
        ("setup.cfg", "[options]\npackage_dir =\n    it = lib\n    up = ../up\n    odd = /\n    gone = gone\n"),
        ("setup.py", "from setuptools import setup\nsetup(package_dir={'it': 'lib', 'up': '../up', 'gone': 'gone'})\n"),
    ],
)
def test_packages_are_found_where_the_build_places_them(place: str, text: str, tmp_path: Path) -> None:
    files = {place: text, "lib/__init__.py": "", "test_it.py": ""}
    detected = found(tmp_path, files)
    assert detected.setup.plugins == (FINDER,)
    assert "PLACES = {'it': 'lib'}\n" in detected.facts.files[f"{FINDER}.py"]
    straight = {"pyproject.toml": "[tool.setuptools.package-dir]\nit = 'it'\n", "it/__init__.py": "", "test_it.py": ""}
    assert not found(tmp_path / "straight", straight).setup.plugins


def test_tests_that_need_the_outside_come_last(tmp_path: Path) -> None:
    names = ("tests/integration_tests/test_a.py", "tests/e2e/test_b.py", "tests/unit/test_c.py", "tests/system_test.py")
    setup = found(tmp_path, {"it.py": ""} | dict.fromkeys(names, "")).setup
    assert setup.tests == ("tests/system_test.py", "tests/unit/test_c.py", names[1], names[0])


def test_marks_and_fixtures_name_their_plugins(tmp_path: Path) -> None:
    tests = (
        "import pytest\n\n\n@pytest.mark.asyncio\nasync def test_it(fs, httpx_mock): ...\n\n\n"
        "@pytest.fixture\ndef fs(): ...\n"
    )
    setup = found(tmp_path, {"it.py": "", "test_it.py": tests}).setup
    assert set(setup.requirements) == {"pytest==8.3.5", "pytest-asyncio", "pytest-httpx"}


def test_lists_with_a_name_in_a_noxfile_are_read(tmp_path: Path) -> None:
    nox = (
        "UNIT: list[str] = ['mock', 'pytest']\n\n\n"
        "def install_unittest_needs(session):\n    more = UNIT + ['responses']\n    session.install(*more, 'flask')\n"
    )
    setup = found(tmp_path, {"it.py": "", "test_it.py": "", "noxfile.py": nox}).setup
    assert {"mock", "responses", "flask"} <= set(setup.requirements)


def test_a_part_of_a_namespace_is_another_package(tmp_path: Path) -> None:
    files = {
        "azure/it/__init__.py": "",
        "test_it.py": "import azure.it\nimport azure.core.pipeline\nimport google.auth\n",
    }
    assert {"azure-core", "google-auth"} <= set(found(tmp_path, files).setup.requirements)


SAID = """ImportError while loading conftest: No module named 'argon2'
Is it installed? Try to run `pip install it[speed, web]`
No module named 'yaml.nodes'; 'yaml' is not a package"""


def test_what_is_missing_is_told_from_what_was_said_and_found_among_what_is_named(tmp_path: Path) -> None:
    assert list(missing_in(SAID)) == ["argon2", "yaml.nodes", "[speed]", "[web]"]
    facts = Facts(tmp_path)
    facts.group("hash", ["argon2-cffi>=23"], "here")
    facts.group("speed", ["orjson", "mypy"], "here")
    facts.group("docs", ["sphinx-theme-of-ours"], "here")
    assert missed(facts, missing_in(SAID), "3.11") == ("argon2-cffi>=23", "PyYAML", "orjson")
    assert missed(facts, ["nobody_knows_this", "json.missing"], "3.11") == ()
    assert all_named(facts, "3.11") == ("argon2-cffi>=23", "orjson")


def test_a_conftest_keeps_its_own_plugins(tmp_path: Path) -> None:
    setup = replace(found(tmp_path, {"it.py": "", "test_it.py": ""}).setup, plugins=("pytest-none",))
    for own, kept in (("pytest_plugins = 'pytester'\n", ["pytester"]), ("pytest_plugins = ('a', 'b')\n", ["a", "b"])):
        values: dict[str, object] = {}
        exec(conftest_of(own, setup), values)
        assert values["pytest_plugins"] == kept


@given(st.text())
def test_nothing_that_a_script_or_a_test_says_can_break_the_reading(text: str) -> None:
    class One(Facts):
        def text(self, _: str) -> str:
            return f"settings.configure({text}"

    facts = One(Path(__file__).parent)
    configured(facts, "runtests.py")
    facts.announce("pytest11", text)
    facts.announce("pytest11", [text, 1])
    missed(facts, missing_in(f"No module named {text}"), "3.11")
