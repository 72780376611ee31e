"""What a repository says of itself is read from its files, whichever tool they were written for; nothing of it runs."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.languages import toolchain_for
from journeyman.tasks.detect.needs import PYTEST, choose, missing_in
from journeyman.tasks.detect.pyproject import poetry_range
from journeyman.tasks.detect.python import READERS, Detected, choose_python, detect
from journeyman.tasks.detect.setup import Config, Finding, Setup, read_config
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import TaskFormatError
from tests.tasks.conftest import lay

CODE = {"lib/__init__.py": "__version__ = '2.5'\n", "tests/test_lib.py": "def test_it():\n    pass\n"}
HERE = "{}.{}".format(*sys.version_info)


def found(folder: Path, files: dict[str, str], config: Config | None = None) -> Detected:
    return detect(lay(folder, CODE | files), "it", config or Config.model_validate({}), "folder", "0")


def needs(folder: Path, files: dict[str, str]) -> set[str]:
    """The names and versions that would be installed beside pytest."""
    return set(found(folder, files).setup.requirements) - {PYTEST}


def test_an_extra_that_tests_import_is_needed(tmp_path: Path) -> None:
    extras = (
        "[project]\nname='lib'\n[project.optional-dependencies]\nquick=['val-key>=6; os_name==\"nt\"', 'slow-one']\n"
    )
    assert needs(tmp_path, {"pyproject.toml": extras, "tests/conftest.py": "import val_key\n"}) == {"val-key>=6"}


def test_what_tests_share_is_looked_at_too(tmp_path: Path) -> None:
    files = {"tests/helpers.py": "import dotenv\nimport pkg_resources\n", "lib/more.py": "import flask\n"}
    assert needs(tmp_path, files) == {"python-dotenv", "setuptools<81"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, set()),
        (
            {
                "pyproject.toml": (
                    "[project]\nname='lib'\ndependencies=['idna>=3', 'mypy_extensions; python_version<\"3\"']\n"
                    "[dependency-groups]\ntest=['mock', {include-group='more'}]\nmore=['hypothesis>=6', 'pytest-cov']\n"
                    "docs=['sphinx']\n"
                )
            },
            {"idna>=3", "mock", "hypothesis>=6"},
        ),
        (
            {
                "pyproject.toml": (
                    "[project]\nname='My.Lib'\n[project.optional-dependencies]\n"
                    "dev=['my-lib[more]', 'ruff']\nmore=['attrs']\n"
                )
            },
            {"attrs"},
        ),
        (
            {
                "pyproject.toml": (
                    "[tool.poetry]\nname='lib'\n[tool.poetry.dependencies]\npython='^3.9'\nidna='^2.1'\n"
                    "six={version='*', optional=true}\n[tool.poetry.group.test.dependencies]\nmock={version='~5.1'}\n"
                )
            },
            {"idna<3,>=2.1", "mock<5.2,>=5.1"},
        ),
        ({"pyproject.toml": "[tool.hatch.envs.test]\ndependencies=['mock']\n"}, {"mock"}),
        ({"pyproject.toml": "[tool.pdm.dev-dependencies]\ntest=['mock']\n"}, {"mock"}),
        (
            {"setup.cfg": "[options]\ninstall_requires =\n    idna\n[options.extras_require]\ntests =\n    mock>4\n"},
            {"idna", "mock>4"},
        ),
        (
            {
                "setup.py": (
                    "import os\nfrom setuptools import setup\nNEEDS = ['idna']\nEXTRAS = {'test': ['mock']}\n"
                    "1/0\nsetup(name='lib', install_requires=NEEDS + ['six'], "
                    "extras_require=EXTRAS, version=os.environ['X'])\n"
                )
            },
            {"idna", "six", "mock"},
        ),
        (
            {
                "tox.ini": "[testenv]\ndeps =\n    mock\n    py27: unittest2\n    -r{toxinidir}/extra.txt\n    .[x]\n",
                "extra.txt": "six  # a remark\n--index-url https://elsewhere\n",
            },
            {"mock", "six"},
        ),
        (
            {"noxfile.py": "def tests(session):\n    session.install('-e', '.', 'mock')\n    session.run('pytest')\n"},
            {"mock"},
        ),
        ({"requirements.txt": "idna\n", "requirements-test.txt": "-r requirements.txt\nmock\n"}, {"idna", "mock"}),
        (
            {"tests/test_lib.py": "import yaml, strange_unknown\n\n\ndef test_it(mocker):\n    pass\n"},
            {"PyYAML", "pytest-mock"},
        ),
    ],
)  # fmt: skip
def test_requirements_are_read_from_wherever_they_stand(
    files: dict[str, str], expected: set[str], tmp_path: Path
) -> None:
    assert needs(tmp_path, files) == expected


def test_what_is_on_no_index_is_noted_not_installed(tmp_path: Path) -> None:
    detected = found(tmp_path, {"requirements.txt": "idna @ git+ssh://host/idna\n???\n"})
    assert detected.setup.requirements == (PYTEST,)
    assert ["idna comes from git+ssh" in note or "'???'" in note for note in detected.notes] == [True, True]


def test_name_version_folder_and_settings(tmp_path: Path) -> None:
    pyproject = (
        "[project]\nname='Big.Lib'\ndynamic=['version']\n[tool.setuptools.packages.find]\nwhere=['lib-src']\n"
        "[tool.pytest.ini_options]\npython_files=['check_*.py']\npythonpath='helpers'\n"
    )
    files = {"lib-src/big/__init__.py": "", "lib-src/big/_version.py": "__version__ = '1.9'\n", "helpers/h.py": ""}
    tox = "[testenv]\nsetenv =\n    LANG = C\n    HOME = {envtmpdir}\ncommands = pytest {posargs:tests}\n"
    more = {"pyproject.toml": pyproject, "tox.ini": tox, "tests/check_more.py": "", "docs/test_docs.py": ""}
    (tmp_path / "lib").mkdir()
    detected = found(tmp_path, files | more)
    setup = detected.setup
    assert (setup.name, setup.version, setup.pythonpath) == ("big-lib", "2.5", ("lib-src", "helpers"))
    assert setup.sources == ("lib-src/big/__init__.py",)
    assert setup.tests == ("tests/check_more.py", "tests/test_lib.py")
    assert setup.variables == {"LANG": "C"}
    assert detected.facts.get("command") == "pytest tests"


def test_each_finding_is_a_line_that_says_the_same(tmp_path: Path) -> None:
    """Put back as the config file, the lines change nothing."""
    files = {"requirements.txt": "idna\n", "tox.ini": "[testenv]\nsetenv =\n    LANG = C\n"}
    detected = found(tmp_path / "a", files)
    lines = "\n".join(finding.line for finding in detected.findings)
    again = found(tmp_path / "a", {}, Config.model_validate(tomllib.loads(lines)))
    assert again.setup == detected.setup
    assert {finding.where for finding in again.findings} == {"the config file"}


def test_the_config_file_decides(tmp_path: Path) -> None:
    config = Config.model_validate({
        "tests": ["checks/*.py"], "sources": ["lib"], "skip": ["**/slow.py"], "add_requirements": ["six"],
    })  # fmt: skip
    files = {"checks/one.py": "", "checks/slow.py": "", "lib/deep/er.py": "", "other.py": ""}
    setup = found(tmp_path, files, config).setup
    assert setup.tests == ("checks/one.py",)
    assert setup.sources == ("lib/__init__.py", "lib/deep/er.py")
    assert setup.requirements == (PYTEST, "six")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("pyhton = '3.11'", "pyhton"), ("python = '2.7'", "python"), ("tests = 3", "tests"), ("][", "cannot be read")],
)
def test_a_config_line_that_means_nothing_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "journeyman.toml").write_text(text)
    with pytest.raises(TaskFormatError, match=complaint):
        read_config(tmp_path / "journeyman.toml")


def test_files_that_are_broken_are_noted(tmp_path: Path) -> None:
    broken = {"pyproject.toml": "][", "setup.cfg": "x\n", "setup.py": "print 1\n", "noxfile.py": "(", "tox.ini": "x\n"}
    detected = found(tmp_path, broken)
    assert len(detected.notes) == 5 and all("passed over" in note for note in detected.notes)


def test_no_tests_and_no_code_are_refused_with_the_line_to_write(tmp_path: Path) -> None:
    for files, line in (({"lib/__init__.py": ""}, r"tests = \["), ({"tests/test_x.py": ""}, r"sources = \[")):
        folder = lay(tmp_path / line[:3], files)
        with pytest.raises(SourceError, match=line):
            detect(folder, "it", read_config(None), "it", "0")


def test_what_pytest_is_made_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="pytest itself runs on iniconfig"):
        found(tmp_path, {"pyproject.toml": "[project]\nname='iniconfig'\n"})


@pytest.mark.parametrize(
    ("file", "language"),
    [("pom.xml", "Java"), ("Gemfile", "Ruby"), ("a.go", "go mod init"), ("a.txt", "no language found")],
)
def test_another_language_is_named_and_refused(file: str, language: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=language):
        toolchain_for(lay(tmp_path, {file: ""}), "it")


@pytest.mark.parametrize(
    ("files", "toolchain"),
    [
        (["go.mod"], "go"), (["Cargo.toml"], "rust"), (["package.json"], "node"),
        (["package.json", "setup.py"], ""), (["Cargo.toml", "pyproject.toml"], ""), (["a.py"], ""),
    ],
)  # fmt: skip
def test_the_files_at_the_top_tell_the_language(files: list[str], toolchain: str, tmp_path: Path) -> None:
    assert toolchain_for(lay(tmp_path, dict.fromkeys(files, "")), "it") == toolchain


def test_the_python_that_suits() -> None:
    assert choose_python("", "it") == choose_python(">=3.8,<4", "it") == choose_python("nonsense", "it") == HERE
    with pytest.raises(SourceError, match="asks for Python <3"):
        choose_python("<3", "it")


def test_a_setup_survives_being_written() -> None:
    setup = Setup("a", "1", "MIT", "3.11", ("x==1",), (".",), ("a.py",), ("t.py",), ("pytest-mock",), {"A": "ü"})
    assert Setup.from_json(setup.to_json()) == setup
    with pytest.raises(TaskFormatError):
        Setup.from_json("{}")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.sampled_from("^~"))
def test_a_range_of_poetry_is_one_of_the_standard(numbers: list[int], sign: str) -> None:
    wish = ".".join(map(str, numbers))
    lower, _, upper = poetry_range(sign + wish).partition(",<")
    assert lower == f">={wish}"
    assert [int(part) for part in upper.split(".")] > numbers


@given(st.sampled_from(["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py", "PKG-INFO"]), st.text())
def test_no_file_can_break_the_reading(name: str, text: str) -> None:
    class One(Facts):
        def text(self, asked: str) -> str:
            return text if asked == name else ""

    facts = One(Path(__file__).parent)
    for read in READERS:
        read(facts)
    choose(facts, "3.11")


def test_a_finding_says_its_line() -> None:
    assert Finding("tests", ("a.py",), "").line == 'tests = ["a.py"]'
    assert Finding("variables", {"A": "b"}, "").line == 'variables = { A = "b" }'


def test_a_plugin_is_no_mere_tool_where_tests_import_it(tmp_path: Path) -> None:
    extras = "[project]\nname = 'lib'\n[project.optional-dependencies]\ntest = ['pytest-randomly', 'pytest-cov']\n"
    assert needs(tmp_path / "a", {"pyproject.toml": extras}) == set()
    more = {
        "pyproject.toml": extras,
        "tests/conftest.py": "import randomly\nfrom xdist.scheduler import LoadScheduling\n",
    }
    assert needs(tmp_path / "b", more) == {"pytest-randomly", "pytest-xdist"}


def test_what_a_message_says_is_missing() -> None:
    said = (
        "E   ImportError: cannot import name 'old' from 'lib.deep' (/opt/env/lib/lib/deep.py)\n"
        "E   ImportError: cannot import name 'new' from 'own' (/workspace/own.py)\n"
        "ModuleNotFoundError: No module named 'other.part'\nplease run: pip install it[web, hash]\n"
    )
    assert list(missing_in(said)) == ["other.part", "lib.deep.old", "[web]", "[hash]"]
