"""A library as its authors published it: fetched from the package index, unpacked safely, made ready as a repository.

`pip` fetches the source distribution, and may run its build back-end to learn its name: mint from libraries that you
would also install. Nothing else of it runs outside a sandbox.

Errors:

    SourceError (TaskError)      no tasks can be made of it; the message says why and what to do
    └── ArchiveError             the archive is cut short, hostile, or no source distribution
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from journeyman.sandbox.calls import call
from journeyman.sandbox.home import home
from journeyman.sandbox.inside.files import encodable
from journeyman.tasks.task import TaskError

MAX_FILES = 20_000
MAX_BYTES = 200 * 1024 * 1024
MAX_HEADER = 1024 * 1024
"""Of one file in an archive, in bytes."""
LINK, ODD_NAME = "link", "name that is no UTF-8"
"""Sorts of what is never copied."""
PACKED = "+source."
"""In the version of what was packed from a repository: before a hash of its content. No index has such versions."""
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*$")


class SourceError(TaskError):
    """No tasks can be made of this library."""


class ArchiveError(SourceError):
    """The archive cannot be unpacked: cut short, hostile, or no source distribution."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """A fetched source distribution."""

    name: str
    """Normalised: lower case, dashes."""
    version: str
    archive: Path
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


def parse_requirement(requirement: str) -> tuple[str, str]:
    """Name and version of `NAME==VERSION`.

    Raises:
        SourceError: no exact version: a task must mean the same tomorrow.
    """
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise SourceError(f"{requirement!r}: give a library with its exact version, such as inflection==0.5.1")
    return re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]


def fetch(requirement: str, *, sha256: str | None = None, timeout_s: float = 300.0) -> Sdist:
    """Download a source distribution into the cache, or find it there.

    Raises:
        SourceError: it cannot be had, or its hash is not `sha256`.
    """
    name, version = parse_requirement(requirement)
    folder = home("sdists") / f"{name}-{version}"
    if not (archive := _archive_in(folder)):
        if PACKED in version:
            raise SourceError(
                f"{requirement}: packed from a repository, which no index has: run `journeyman task add` on it again, "
                f"or put the archive that lies beside its recipes into {folder}"
            )
        _download(name, version, folder, timeout_s)
        archive = _archive_in(folder)
    if archive is None:
        raise SourceError(f"{requirement}: the package index has no .tar.gz source distribution of it")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if sha256 is not None and digest != sha256:
        raise SourceError(
            f"{archive}: SHA-256 is {digest}, expected {sha256}; delete the file and try again, "
            "and if it stays so, the index serves another archive than the one that the tasks were proven on"
        )
    return Sdist(name, version, archive, digest)


def _archive_in(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*.tar.gz"))), None)


def _download(name: str, version: str, folder: Path, timeout_s: float) -> None:
    partial = folder.with_name(f"{folder.name}.{os.getpid()}-{threading.get_ident()}.part")
    # --no-binary for this one name: with :all:, pip would build the library's build tools from source as well.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", name, "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(partial), f"{name}=={version}"]
    try:
        done = call(command, timeout_s=timeout_s, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
            raise SourceError(f"{name}=={version}: pip could not download it: {' '.join(errors[-2:]) or 'no message'}")
        folder.mkdir(parents=True, exist_ok=True)
        for file in partial.iterdir():
            file.replace(folder / file.name)
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{name}=={version}: the download took more than {timeout_s:.0f} s; try again") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _Frugal(gzip.GzipFile):
    """Refuses to read much at once: of a header, `tarfile` reads as many bytes as it claims to have."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MAX_HEADER:
            raise OSError(f"a header of {size} bytes")
        return super().read(size)


def unpack(archive: Path, folder: Path, left_out: dict[str, list[str]] | None = None) -> Path:
    """Unpack an archive into a new folder and return the one folder that it holds.

    Regular files and folders alone are made; links are left out, so nothing can be reached through one.

    Args:
        left_out: gets what was not made: of which sort it is → the names.

    Raises:
        ArchiveError: it is cut short, too large, names a path outside, or holds a device.
    """
    folder.mkdir(parents=True)
    try:
        with _Frugal(archive) as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as tar:
            _extract(tar, archive, folder, {} if left_out is None else left_out)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ArchiveError(
            f"{archive}: cannot be unpacked ({error}); delete it, and it will be fetched again"
        ) from error
    except ArchiveError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    inside = [path for path in folder.iterdir() if path.is_dir()]
    if len(inside) != 1:
        shutil.rmtree(folder, ignore_errors=True)
        raise ArchiveError(f"{archive}: a source distribution holds one folder at its top, this one {len(inside)}")
    return inside[0]


def _extract(tar: tarfile.TarFile, archive: Path, folder: Path, left_out: dict[str, list[str]]) -> None:
    files = total = 0
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            raise ArchiveError(f"{archive}: refused, because it holds the path {member.name!r}")
        if member.issym() or member.islnk():
            left_out.setdefault(LINK, []).append(member.name)
            continue
        if not encodable(member.name):
            left_out.setdefault(ODD_NAME, []).append(member.name.encode("utf-8", "replace").decode())
            continue
        if not (member.isreg() or member.isdir()):
            raise ArchiveError(f"{archive}: refused, because {member.name!r} is neither a file nor a folder")
        files, total = files + 1, total + member.size
        if files > MAX_FILES or total > MAX_BYTES:
            raise ArchiveError(
                f"{archive}: refused, because it unpacks to more than {MAX_FILES} files or {MAX_BYTES} bytes"
            )
        tar.extract(member, folder, filter="data")
