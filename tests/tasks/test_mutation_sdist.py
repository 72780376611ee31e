"""Archives come from strangers: what is unpacked is regular files below one folder, or nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.tasks.sources import sdist as module
from journeyman.tasks.sources.library import load_library, prepare
from journeyman.tasks.sources.sdist import ArchiveError, Sdist, SourceError, fetch, parse_requirement, unpack

Member = tuple[str, bytes] | tarfile.TarInfo


def archive(place: Path, *members: Member) -> Path:
    """A .tar.gz of these files, or of members as they are."""
    with tarfile.open(place, "w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return place


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def sdist(place: Path, *members: Member) -> Sdist:
    packed = archive(place / "lib-1.0.tar.gz", *members)
    return Sdist("lib", "1.0", packed, hashlib.sha256(packed.read_bytes()).hexdigest())


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_plain_archive(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz", ("lib-1.0/lib.py", b"x = 1\n"), ("lib-1.0/sub/y.py", b""))
    root = unpack(packed, tmp_path / "out")
    assert root == tmp_path / "out" / "lib-1.0"
    assert (root / "lib.py").read_bytes() == b"x = 1\n"


@pytest.mark.parametrize(
    "member",
    [
        ("../outside.py", b""),
        ("lib-1.0/../../outside.py", b""),
        ("/outside.py", b""),
        ("lib-1.0\\..\\outside.py", b""),
        special("lib-1.0/device", tarfile.CHRTYPE),
        special("lib-1.0/pipe", tarfile.FIFOTYPE),
    ],
)
def test_a_hostile_member_refuses_the_whole_archive(member: Member, tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz", ("lib-1.0/lib.py", b""), member)
    with pytest.raises(ArchiveError, match="refused"):
        unpack(packed, tmp_path / "box" / "out")
    assert not (tmp_path / "box" / "out").exists()
    assert not list(tmp_path.rglob("outside.py"))


def test_nothing_is_reached_through_a_link(tmp_path: Path) -> None:
    packed = archive(
        tmp_path / "a.tar.gz",
        special("lib-1.0/door", tarfile.SYMTYPE, str(tmp_path)),
        special("lib-1.0/twin", tarfile.LNKTYPE, "/etc/passwd"),
        ("lib-1.0/door/outside.py", b""),
    )
    root = unpack(packed, tmp_path / "out")
    assert not (tmp_path / "outside.py").exists()
    assert (root / "door").is_dir()
    assert not (root / "door").is_symlink()
    assert not (root / "twin").exists()


def test_what_is_not_made_is_told(tmp_path: Path) -> None:
    odd = "lib-1.0/\udcff\udcfe.py"  # as tarfile reads bytes that are no UTF-8
    packed = archive(
        tmp_path / "a.tar.gz",
        ("lib-1.0/lib.py", b""),
        (odd, b"x = 1\n"),
        special("lib-1.0/door", tarfile.SYMTYPE, "/"),
    )
    left_out: dict[str, list[str]] = {}
    root = unpack(packed, tmp_path / "out", left_out)
    assert [path.name for path in root.iterdir()] == ["lib.py"]
    assert left_out == {"link": ["lib-1.0/door"], "name that is no UTF-8": ["lib-1.0/??.py"]}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_as_large_as_a_bomb_is_not_read(kind: bytes, tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 4 * module.MAX_HEADER
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"0" * header.size))
    with pytest.raises(ArchiveError, match=f"a header of {header.size} bytes"):
        unpack(packed, tmp_path / "out")


def test_an_archive_that_grows_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    packed = archive(tmp_path / "a.tar.gz", ("lib-1.0/zeros", b"\0" * 2000))
    with pytest.raises(ArchiveError, match="more than"):
        unpack(packed, tmp_path / "out")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"not a tar"])
def test_an_archive_that_is_cut_short(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz", ("lib-1.0/lib.py", bytes(range(256)) * 400))
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(ArchiveError, match="delete it"):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_folders_at_the_top(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="one folder"):
        unpack(archive(tmp_path / "a.tar.gz", ("a/x.py", b""), ("b/y.py", b"")), tmp_path / "out")


@pytest.mark.parametrize("requirement", ["inflection", "inflection>=0.5", "a==1 --index-url x", "", "-r==1", "../a==1"])
def test_a_requirement_without_an_exact_version(requirement: str) -> None:
    with pytest.raises(SourceError, match="exact version"):
        parse_requirement(requirement)


def test_names_are_written_one_way() -> None:
    assert parse_requirement(" More_Itertools == 10.5.0 ") == ("more-itertools", "10.5.0")


def test_another_archive_than_the_proven_one(own_cache: Path) -> None:
    folder = own_cache / "sdists" / "lib-1.0"
    folder.mkdir(parents=True)
    archive(folder / "lib-1.0.tar.gz", ("lib-1.0/lib.py", b""))
    assert fetch("lib==1.0").requirement == "lib==1.0"
    with pytest.raises(SourceError, match="SHA-256"):
        fetch("lib==1.0", sha256="0" * 64)


def test_a_library_as_a_repository(tmp_path: Path) -> None:
    library = prepare(
        sdist(
            tmp_path,
            ("lib-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: lib\nVersion: 1.0\nLicense: MIT\n"),
            ("lib-1.0/setup.py", b""),
            ("lib-1.0/setup.cfg", b"[tool:pytest]\naddopts = --cov\n"),
            ("lib-1.0/src/lib/__init__.py", b""),
            ("lib-1.0/src/lib/deep/core.py", b"def f(): pass\n"),
            ("lib-1.0/src/lib/tests/test_core.py", b""),
            ("lib-1.0/tests/test_lib.py", b""),
            ("lib-1.0/docs/conf.py", b""),
            ("lib-1.0/.github/x.yml", b""),
        )
    )
    assert library.licence == "MIT"
    assert library.sources == ("src/lib/__init__.py", "src/lib/deep/core.py")
    assert library.editable == ("src/lib/*.py", "src/lib/deep/*.py")
    assert library.tests == ("src/lib/tests/test_core.py", "tests/test_lib.py")
    assert library.environment.pythonpath == ("src",)
    assert not (library.root / "docs").exists()
    assert not (library.root / ".github").exists()
    assert (library.root / "pytest.ini").is_file()
    assert (library.root / "src" / "lib.egg-info" / "PKG-INFO").is_file()


def test_modules_without_a_package(tmp_path: Path) -> None:
    library = prepare(sdist(tmp_path, ("lib-1.0/lib.py", b""), ("lib-1.0/setup.py", b""), ("lib-1.0/test_lib.py", b"")))
    assert library.sources == ("lib.py",)
    assert library.editable == ("*.py",)
    assert library.environment.pythonpath == (".",)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ([("lib-1.0/lib/__init__.py", b"")], "holds no tests"),
        ([("lib-1.0/tests/test_x.py", b"")], "no importable package"),
    ],
)
def test_what_no_tasks_can_be_made_of(members: list[Member], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=complaint):
        prepare(sdist(tmp_path, *members))


@pytest.mark.slow
def test_a_library_from_the_index() -> None:
    library = load_library("inflection==0.5.1")
    assert library.sources == ("inflection/__init__.py",)
    assert library.tests == ("test_inflection.py",)
    assert library.licence == "MIT"
    with pytest.raises(SourceError, match="pip could not download"):
        load_library("inflection==0.0.0.1")
