"""Templates and environments: built once, found again, and never half."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from journeyman.sandbox import image, template
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.image import environment_of, interpreter_for
from journeyman.sandbox.sandbox import Environment, ImageError
from journeyman.sandbox.template import template_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, empty."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_template_is_copied_once_per_content(home: Path, repository: Path, tmp_path: Path) -> None:
    first = template_of(repository)
    assert template_of(repository) is first
    template._by_signature.clear()
    again = template_of(repository)
    assert again == first
    assert (again.folder / "tool.sh").stat().st_mode & 0o777 == 0o777
    assert again.links == ("link.txt",)
    assert not list(again.folder.rglob("__pycache__"))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").write_text("a")
    assert template_of(other).digest != first.digest
    assert len([entry for entry in (home / "templates").iterdir() if not entry.name.startswith(".")]) == 2


def test_many_may_ask_for_a_new_template_at_once(home: Path, tmp_path: Path) -> None:
    changing = tmp_path / "changing"
    changing.mkdir()
    for round_ in range(10):
        (changing / "new.txt").write_text(str(round_))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: template_of(changing), range(8)))
        assert len({each.digest for each in found}) == 1


def test_a_lost_or_torn_cache_is_made_again(home: Path, repository: Path) -> None:
    first = template_of(repository)
    (first.folder.parent / "manifest.json").write_text("{")
    for lookup in (home / "lookups").iterdir():
        lookup.write_text("torn")
    template._by_signature.clear()
    again = template_of(repository)
    assert (again.digest, again.files) == (first.digest, first.files)


def test_an_environment_says_where_it_will_stand() -> None:
    built = environment_of(Environment(requirements=("pytest",)))
    assert str((built.folder / "bin" / "python").readlink()) == "/opt/python/bin/python3.11"
    assert (built.folder / "bin" / "pytest").read_text().startswith("#!/opt/env/bin/python")
    assert str(built.folder.parent.parent) not in (built.folder / "pyvenv.cfg").read_text()
    assert (built.site_packages / "pytest" / "__pycache__").is_dir()
    assert environment_of(Environment(requirements=("pytest",))) is built


def test_a_requirement_that_cannot_be_installed_is_named(home: Path) -> None:
    environment = Environment(requirements=("./no-such-folder-here",))
    with pytest.raises(ImageError, match=r"installing the requirements failed(.|\n)*no-such-folder-here"):
        environment_of(environment)
    assert not list(home.glob("environments/*/built.json"))
    assert not list(home.glob("environments/*/.new-*"))
    with pytest.raises(ImageError, match="only plain requirements"):
        environment_of(Environment(requirements=("--index-url=x",)))


def test_the_culprit_is_found_in_pips_words() -> None:
    lines = ["Collecting a", "ERROR: No matching distribution found for Some_Pkg==9"]
    assert image._culprit(lines, ("a==1", "some-pkg==9")) == "some-pkg==9"
    assert image._culprit(["ERROR: disk"], ("a==1",)) == ""


def test_interpreters_are_found_by_version() -> None:
    here = interpreter_for("3.11")
    assert (here.version, here.executable.exists()) == ("3.11", True)
    with pytest.raises(ImageError, match=r"no python3\.4"):
        interpreter_for("3.4")


def test_backends_have_names() -> None:
    assert open_backend("namespace").name == "namespace"
    assert open_backend("docker").name == "docker"
    assert open_backend().name in ("namespace", "docker")
    with pytest.raises(ValueError, match="auto, namespace, docker"):
        open_backend("vm")
