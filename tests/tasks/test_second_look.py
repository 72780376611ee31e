"""Tests that miss something are run once more with it; what is no better is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.tasks.detect.python import detect
from journeyman.tasks.detect.setup import Config
from journeyman.tasks.sources import second_look as module
from journeyman.tasks.sources.baseline import Baseline, NoTestRuns
from journeyman.tasks.sources.library import Library, prepare
from journeyman.tasks.sources.pack import pack
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.second_look import SecondLook
from tests.tasks.conftest import lay

FILES = {
    "pyproject.toml": (
        "[project]\nname = 'it'\nversion = '1'\n"
        "[project.optional-dependencies]\nhash = ['argon2-cffi']\nweb = ['odd-name']\n"
    ),
    "it.py": "",
    "tests/__init__.py": "",
    "tests/test_it.py": "",
    "tools/helper.py": "",
}
Measure = Callable[[Library], Baseline]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SecondLook, Library]:
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "resolve", lambda lines, *_: (lines, ""))
    tree, settings = lay(tmp_path / "it", FILES), Config()
    detected = detect(tree, "it", settings, "it", "0")
    copy = lay(tmp_path / "copy", FILES)
    return SecondLook(detected, settings, "it", copy), prepare(pack(tree, detected.setup, detected.facts))


def needing(*requirements: str, says: str, folder: str = ".") -> Measure:
    """Tests that run with some requirements and an importable folder; else what they miss is said."""

    def measure(library: Library) -> Baseline:
        environment = library.environment
        if set(requirements) <= set(environment.requirements) and folder in environment.pythonpath:
            return Baseline({"test_it.py::test": 0.1}, {})
        raise NoTestRuns("none runs", (says,))

    return measure


@pytest.mark.parametrize("says", ["argon2", "[hash]"])
def test_what_an_extra_has_is_added(says: str, look: tuple[SecondLook, Library]) -> None:
    library, baseline = look[0].measured(look[1], needing("argon2-cffi", says=says))
    assert baseline.tests and "argon2-cffi" in library.environment.requirements
    assert [finding.line for finding in look[0].findings] == ['add_requirements = ["argon2-cffi"]']


def test_where_no_name_fits_all_that_is_named_is_tried(look: tuple[SecondLook, Library]) -> None:
    look[0].measured(look[1], needing("odd-name", says="module_of_odd_name"))
    assert look[0].added == ("argon2-cffi", "odd-name")


def test_what_has_lost_something_is_taken_in_an_older_version(
    look: tuple[SecondLook, Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a series before the one at hand, until the tests run."""
    chosen = {"": "idna==3.10", "idna<3": "idna==2.8", "idna<2": "idna==1.1"}

    def resolve(lines: tuple[str, ...], *_: object) -> tuple[tuple[str, ...], str]:
        last = next((line for line in reversed(lines) if line in chosen), "")
        return (*(line for line in lines if "idna" not in line), chosen[last]), ""

    monkeypatch.setattr(module, "resolve", resolve)
    look[0].detected.facts.need("extra", ["idna"], "somewhere")
    look[0].added = ("idna",)
    library, _ = look[0].measured(look[0]._packed(("idna",), ()), needing("idna==1.1", says="idna.core.old"))
    assert "idna==1.1" in library.environment.requirements
    assert look[0].added == ("idna", "idna<3", "idna<2")


def test_a_module_of_its_own_becomes_importable(look: tuple[SecondLook, Library]) -> None:
    library, _ = look[0].measured(look[1], needing(says="helper.parts", folder="tools"))
    assert library.environment.pythonpath == (".", "tools")
    assert [finding.line for finding in look[0].findings] == ['pythonpath = [".", "tools"]']


def test_no_folder_is_made_importable_that_hides_a_module_of_pythons(look: tuple[SecondLook, Library]) -> None:
    lay(look[0].tree, {"tools/pickle.py": ""})
    with pytest.raises(NoTestRuns, match="none runs"):
        look[0].measured(look[1], needing(says="helper.parts", folder="tools"))


def test_what_helps_nothing_is_forgotten(look: tuple[SecondLook, Library]) -> None:
    asked: list[tuple[str, ...]] = []

    def measure(library: Library) -> Baseline:
        asked.append(library.environment.requirements)
        return Baseline({"test_it.py::test": 0.1}, {}, missing=("argon2",))

    library, _ = look[0].measured(look[1], measure)
    assert library is look[1] and len(asked) == 2 and not look[0].findings


def test_what_cannot_be_installed_leaves_things_as_they_were(
    look: tuple[SecondLook, Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise SourceError("no versions fit")

    monkeypatch.setattr(module, "resolve", refused)
    with pytest.raises(NoTestRuns, match="none runs"):
        look[0].measured(look[1], needing("argon2-cffi", says="argon2"))
    assert not look[0].tree.with_name("once-more").exists()
