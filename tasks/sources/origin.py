"""Where a repository comes from: a folder, a git URL, an archive or the package index; copied as plain files.

git runs on what its owner named, never on what an agent left, and without hooks, filters, submodules or prompts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from journeyman.sandbox.inside.files import encodable
from journeyman.sandbox.sandbox import ImageError
from journeyman.sandbox.toolchain import run_npm
from journeyman.tasks.harbor_files import LEFT_OUT
from journeyman.tasks.sources.sdist import (
    MAX_BYTES,
    MAX_FILES,
    ArchiveError,
    SourceError,
    fetch,
    parse_requirement,
    unpack,
)

GIT_S = 600.0
"""Wall clock of a clone, in seconds."""
MAX_FILE = 8 * 1024 * 1024
"""Larger files are left out, in bytes."""
_URL = re.compile(r"^(\w[\w+.-]*://|[\w.-]+@[\w.-]+:)")
_NPM = re.compile(r"^(@[\w.~-]+/)?[\w.~-]+@\d[\w.+-]*$")
_LFS = b"version https://git-lfs.github.com/spec/"
_NEVER = LEFT_OUT | {".venv", "venv", "node_modules", ".nox", ".eggs"}
_SAFE = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.ext.allow=never", "filter.lfs.smudge=",
    "filter.lfs.process=", "filter.lfs.required=false", "submodule.recurse=false", "core.quotePath=false",
)  # fmt: skip


@dataclass(slots=True)
class Origin:
    """A repository's files, copied where nobody else writes."""

    folder: Path
    kind: str
    """folder, git folder, git URL, archive, package index or npm."""
    name: str
    """What to call it where it does not say so itself."""
    notes: list[str] = field(default_factory=list)
    """What was left behind, a line each."""


def obtain(source: str, scratch: Path) -> Origin:
    """Copy a repository to a new folder below `scratch`.

    Raises:
        SourceError: there is none, it cannot be had, or it is too large; the message says what to do.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _of_folder(path.resolve(), source, scratch)
    if path.is_file():
        return _of_archive(path, scratch)
    if _URL.match(source):
        return _of_url(source, scratch)
    if _NPM.match(source):
        return _of_npm(source, scratch)
    if "==" in source:
        sdist = fetch(source)
        return _named(
            Origin(unpack(sdist.archive, scratch / "unpacked"), "package index", parse_requirement(source)[0])
        )
    raise SourceError(
        f"{source}: no such folder or file, and neither a git URL nor NAME==VERSION nor NAME@VERSION of npm; "
        "a git URL begins with https://, ssh://, file:// or user@host:"
    )


def _of_archive(path: Path, scratch: Path) -> Origin:
    if not path.name.endswith((".tar.gz", ".tgz", ".crate")):
        raise SourceError(
            f"{path}: give a source distribution (.tar.gz, .tgz, .crate), a folder, a git URL or NAME==VERSION"
        )
    try:
        folder = unpack(path, scratch / "unpacked")
    except ArchiveError as error:
        why = str(error).replace("; delete it, and it will be fetched again", "; fetch it again")
        raise ArchiveError(why) from error
    return _named(Origin(folder, "archive", re.sub(r"-\d.*$", "", path.name)))


def _of_npm(source: str, scratch: Path) -> Origin:
    """The archive that npm keeps of a package, of which npm unpacks or runs nothing."""
    if (npm := shutil.which("npm")) is None:
        raise SourceError(f"{source}: needs npm, and there is none on PATH (Debian, Ubuntu: apt install npm)")
    folder = scratch / "npm"
    folder.mkdir()
    try:
        run_npm([npm, "pack", "--silent", "--ignore-scripts", source], folder, scratch / "npm.log", GIT_S)
    except ImageError as error:
        raise SourceError(f"{source}: {error}") from error
    archive = next(folder.glob("*.tgz"))
    return _named(Origin(unpack(archive, scratch / "unpacked"), "npm", source.lstrip("@").partition("@")[0]))


def _named(origin: Origin) -> Origin:
    origin.notes += _pointers(origin.folder)
    return origin


def _of_url(url: str, scratch: Path) -> Origin:
    target = scratch / "clone"
    arguments = ["clone", "--quiet", "--depth=1", "--single-branch", "--no-tags", "--template=", "--", url, str(target)]
    _git(arguments, scratch, url)
    name = re.sub(r"\.git$", "", url.rstrip("/")).rpartition("/")[2].rpartition(":")[2]
    origin = _of_folder(target, url, scratch)
    shutil.rmtree(target)
    origin.kind, origin.name = "git URL", name
    return origin


def _git(arguments: list[str], folder: Path, source: str) -> str:
    if (git := shutil.which("git")) is None:
        raise SourceError(f"{source}: needs git, and there is none on PATH")
    settings = [word for setting in _SAFE for word in ("-c", setting)]
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith("GIT_SSH")}
    variables = own | {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [git, *settings, *arguments], cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=GIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"{source}: git took more than {GIT_S:.0f} s; clone it yourself and give the folder"
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise SourceError(f"{source}: git could not read it: {said[-1]}")
    return os.fsdecode(done.stdout)


def _of_folder(folder: Path, source: str, scratch: Path) -> Origin:
    is_git = (folder / ".git").exists()
    origin = Origin(scratch / "files", "git folder" if is_git else "folder", folder.name)
    origin.folder.mkdir()
    files = bytes_ = 0
    odd, links, large = [], [], []
    for name in _tracked(folder, source) if is_git else _walk(folder, ""):
        path = folder / name
        if not encodable(name):
            odd.append(name.encode("utf-8", "replace").decode())
        elif path.is_symlink():
            links.append(name)
        elif path.is_file():
            size = path.stat().st_size
            files, bytes_ = files + 1, bytes_ + size
            if files > MAX_FILES or bytes_ > MAX_BYTES:
                raise SourceError(
                    f"{source}: more than {MAX_FILES} files or {MAX_BYTES // 2**20} MiB; "
                    "give the folder of one package, with its tests"
                )
            if size > MAX_FILE:
                large.append(name)
                continue
            target = origin.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    for what, names in (
        ("name that is no UTF-8", odd),
        ("link", links),
        (f"file above {MAX_FILE // 2**20} MiB", large),
    ):
        origin.notes += _left_out(what, names)
    origin.notes += _submodules(folder)
    return _named(origin)


def _left_out(what: str, names: list[str]) -> list[str]:
    return [f"left out: {len(names)} × {what}, such as {names[0]!r}"] if names else []


def _tracked(folder: Path, source: str) -> Iterator[str]:
    """What git keeps or would keep: no build products, no caches."""
    listed = _git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], folder, source)
    for name in sorted(set(listed.split("\0")) - {""}):
        if not _NEVER & set(PurePosixPath(name).parts):
            yield name


def _walk(folder: Path, below: str) -> Iterator[str]:
    with os.scandir(folder / below) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in _NEVER or entry.name.endswith(".egg-info"):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder, f"{below}{entry.name}/")
            else:
                yield below + entry.name


def _submodules(folder: Path) -> list[str]:
    modules = folder / ".gitmodules"
    if not modules.is_file():
        return []
    names = re.findall(r"^\s*path\s*=\s*(.+?)\s*$", modules.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return [f"submodule {name} is not part of it; tests that need it are left out" for name in names]


def _pointers(folder: Path) -> list[str]:
    """Files that git-lfs would have to fetch."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1024:
            with path.open("rb") as file:
                if file.read(len(_LFS)) == _LFS:
                    found.append(path.relative_to(folder).as_posix())
    more = "; `git lfs pull` in the folder first if tests need them"
    return [f"{len(found)} × a Git LFS pointer without its content, such as {found[0]}{more}"] if found else []
