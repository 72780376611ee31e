"""The user's own clones, out of which the files of a commit are read, blob by blob.

Nothing is checked out, fetched or run there: no hook, no filter, no helper of its configuration. A clone is found by
its repository's name: `owner__name`, `owner/name` or `name`, each also with `.git` (a mirror).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else a machine without git could not even load this file
from git import Repo
from git.exc import GitError, ODBError
from git.objects import Blob, Commit

from journeyman.sandbox.sandbox import File
from journeyman.tasks.formats.format import FormatError, Source, checked_path
from journeyman.tasks.harbor_files import LEFT_OUT

MAX_FILE_BYTES = 32 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?")
_COMMIT = re.compile(r"HEAD|[0-9a-f]{7,64}\^?")
_LFS = b"version https://git-lfs.github.com/spec/"
_SETTINGS = {"safe.directory": "*", "core.hooksPath": os.devnull, "core.fsmonitor": "false", "gc.auto": "0"}
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(_SETTINGS.values())},
}


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """The files of one commit."""

    repository: str
    commit: str
    """Its full hash."""
    files: dict[str, File]
    unmapped: tuple[str, ...]
    """What of it is no plain file, in words."""


@dataclass
class Repositories:
    """A folder of clones."""

    folder: Path | None
    """None: the user named none, and every row says what to clone."""
    _open: dict[Path, Repo] = field(default_factory=dict)

    def read(self, sources: Sequence[Source]) -> CommitFiles:
        """The files of the first source that is there.

        Raises:
            FormatError: no clone, or not that commit; the message says what to clone where.
        """
        said = []
        for source in sources:
            if not _NAME.fullmatch(source.repository) or not _COMMIT.fullmatch(source.commit):
                raise FormatError(f"{source.repository!r} at {source.commit!r}: not a repository's name and a commit")
            place = self._find(source.repository)
            if place is None:
                continue
            try:
                repo = self._opened(place)
                commit = repo.commit(source.commit)
                return CommitFiles(source.repository, commit.hexsha, *_files(commit))
            except (GitError, ODBError, ValueError, OSError) as error:
                said.append(f"{place}: {_first_line(error)}")
        wanted = sources[0]
        if said:
            raise FormatError(
                f"{wanted.repository} at {wanted.commit} cannot be read: {'; '.join(said)}; fetch it there"
            )
        raise FormatError(
            f"{wanted.repository}: no clone of it; run `git clone --mirror URL {self._place(wanted.repository)}` "
            "with its address" + ("" if self.folder else ", and name that folder with --repositories")
        )

    def close(self) -> None:
        for repo in self._open.values():
            repo.close()
        self._open.clear()

    def _find(self, repository: str) -> Path | None:
        names = [repository.replace("/", "__"), repository, repository.rpartition("/")[2]]
        if self.folder is None:
            return None
        places = [place for name in names for place in (self.folder / name, self.folder / f"{name}.git")]
        if "/" not in repository:  # a format without owners: any owner's, if there is but one
            ends = (f"*__{repository}", f"*__{repository}.git", f"*/{repository}", f"*/{repository}.git")
            found = [place for end in ends for place in self.folder.glob(end) if _is_clone(place)]
            places += found if len(found) == 1 else []
        return next((place for place in places if _is_clone(place)), None)

    def _place(self, repository: str) -> str:
        return str((self.folder or Path("clones")) / f"{repository.replace('/', '__')}.git")

    def _opened(self, place: Path) -> Repo:
        if place not in self._open:
            repo = Repo(place)
            repo.git.update_environment(**_QUIET)
            self._open[place] = repo
        return self._open[place]


def _is_clone(place: Path) -> bool:
    return (place / ".git").exists() or (place / "objects").is_dir()


def _files(commit: Commit) -> tuple[dict[str, File], tuple[str, ...]]:
    found: dict[str, File] = {}
    unmapped = []
    for item in _items(commit):
        name = str(item.path)
        why = _why_not(item, name)
        if not why:
            data = item.data_stream.read()
            why = "a pointer to a large file that is stored elsewhere (LFS)" if data.startswith(_LFS) else ""
            if not why:
                found[name] = File(data, 0o755 if item.mode & 0o100 else 0o644)
        if why and why is not _TOOLS:
            unmapped.append(f"{name.encode('utf-8', 'backslashreplace').decode()}: {why}; left out")
    return found, tuple(unmapped)


_TOOLS = "git's or a tool's own"


def _items(commit: Commit) -> Iterator[Blob]:
    for item in commit.tree.traverse():
        if item.type != "tree":  # type: ignore[union-attr]
            yield item  # type: ignore[misc]


def _why_not(item: Blob, name: str) -> str:
    parts = PurePosixPath(name).parts
    if item.type != "blob":
        return "a submodule"
    if item.mode & 0o170000 == 0o120000:
        return "a link"
    if LEFT_OUT & set(parts):
        return _TOOLS
    if any(0xD800 <= ord(c) <= 0xDFFF for c in name):
        return "its name is not UTF-8"
    try:
        checked_path(name)
    except FormatError:
        return "a name that a task cannot hold"
    if item.size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES >> 20} MiB"
    return ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
