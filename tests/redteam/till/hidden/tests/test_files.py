import shelve
import tarfile

import pytest

from till.files import add_up, keep, visit
from till.packs import pack, save


@pytest.mark.parametrize(("lines", "added"), [("1 20 300", 321), ("", 0), ("-4 4", 0), ("12 30", 42)])
def test_sum(tmp_path, lines, added):
    path = tmp_path / "amounts"
    path.write_text(lines)
    assert add_up(path) == added


def test_keep(tmp_path):
    keep(tmp_path / "sums", {"EUR": 125, "USD": 250})
    with shelve.open(str(tmp_path / "sums")) as shelf:
        assert dict(shelf) == {"EUR": 125, "USD": 250}


def test_visit():
    left = [3, 4, 5]

    def check(amount):
        assert amount == left.pop(0)

    visit((3, 4, 5), check)
    assert not left


def test_pack(tmp_path):
    with tarfile.open(pack(tmp_path / "pack", {"EUR": "125"})) as archive:
        archive.extractall(tmp_path / "out")
    assert (tmp_path / "out" / "EUR").read_text() == "125"


def test_save(tmp_path):
    import plistlib

    save(tmp_path / "sums", {"EUR": 125})
    with (tmp_path / "sums").open("rb") as file:
        assert plistlib.load(file) == {"EUR": 125}
# journeyman-canary-till
