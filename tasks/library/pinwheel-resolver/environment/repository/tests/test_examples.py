"""The README's example, piece by piece. These pass when the modules are written."""

import pytest

from pinwheel import Index, SpecifierSet, Version, install_batches, read_lock, render_tree, resolve, write_lock

PACKAGES = {
    "app-kit": {"2.0": ["core >=2"], "1.0": ["core >=1,<2"]},
    "core": {"2.1": [], "1.4": []},
}


def test_versions_compare_by_number():
    assert Version.parse("1.10") > Version.parse("1.9")


def test_specifier_set():
    assert SpecifierSet.parse(">=1,<2").contains(Version.parse("1.4"))


def test_newest_that_fits_wins():
    resolution = resolve(Index(PACKAGES), ["app-kit", "core <2"])
    assert {name: str(version) for name, version in resolution.pins.items()} == {"app-kit": "1.0", "core": "1.4"}


def test_dependencies_come_first():
    assert install_batches({"app-kit": ["core"]}) == [["core"], ["app-kit"]]


def test_lock_round_trip():
    resolution = resolve(Index(PACKAGES), ["app-kit"])
    text = write_lock(resolution)
    assert text == "# pinwheel lock 1\ncore==2.1  # via app-kit\napp-kit==2.0  # via (project)\n"
    assert read_lock(text) == resolution.pins


def test_tree():
    resolution = resolve(Index(PACKAGES), ["app-kit"])
    assert render_tree(resolution) == "app-kit 2.0 [any]\n  core 2.1 [>=2]"


def test_error_in_the_middle_of_an_index():
    with pytest.raises(ValueError, match="not a version"):
        Index({"core": {"one": []}})
