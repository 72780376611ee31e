"""A repository's history, commit by commit, read with the host's git. Nothing is checked out, nothing is written.

The repository is its owner's, and trusted. Yet nothing that its settings name is run (hooks, a file watcher, another
diff program), and git knows neither the user's settings nor the machine's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # where git is missing, importing this must not fail

import git
from git.exc import ODBError
from git.objects import Commit, Tree

from journeyman.sandbox.history import git as host_git
from journeyman.tasks.sources.sdist import SourceError

MAX_FILES = 20_000
MAX_BYTES = 256 * 1024 * 1024
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.pager=cat",
    "diff.external=",
    "gpg.program=false",
    "safe.directory=*",  # the user named it; it need not be his own account's
)
_VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone's missing objects stay missing
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}


class Unfit(Exception):
    """A commit makes no task; the message is the reason, in a few words, the same for all of its kind."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail
        """What of this commit, for the person who reads the record."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A regular file of a commit's tree."""

    id: str
    executable: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One commit beside its parent. Links and submodules are told by name only."""

    commit: str
    parent: str
    message: str
    changed: dict[str, Blob]
    """Path → file, for files that are new or differ."""
    removed: tuple[str, ...]
    special: tuple[str, ...]
    """Links and submodules that it makes, changes or takes away."""


class History:
    """The commits of one repository. Close it: a git process stands behind it."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            SourceError: git is missing, or there is no repository.
        """
        if not host_git():
            raise SourceError("git is missing; install it, commits are read with it")
        try:
            self._repo = git.Repo(path, expand_vars=False)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise SourceError(f"{path}: no git repository; give the folder that holds .git") from error
        common = Path(self._repo.common_dir).resolve()
        self._repo.git.set_persistent_git_options(c=list(_SETTINGS))
        self._repo.git.update_environment(
            **_VARIABLES, GIT_DIR=str(Path(self._repo.git_dir).resolve()), GIT_OBJECT_DIRECTORY=str(common / "objects")
        )
        self.name = (common.parent if common.name == ".git" else common).name.removesuffix(".git")

    def commits(self, since: str | None = None) -> tuple[str, ...]:
        """Ids of the commits that HEAD has and `since` has not, the newest first.

        Raises:
            SourceError: there are none, or `since` is no commit of it.
        """
        span = "HEAD" if since is None else f"{since}..HEAD"
        if since is not None and (since.startswith("-") or ".." in since):
            raise SourceError(f"--since {since}: name one commit, a tag or a branch")
        try:
            found = tuple(self._repo.git.rev_list("--topo-order", "--end-of-options", span, "--").split())
        except git.GitCommandError as error:
            what = "it has no commits" if since is None else f"it has no commit {since}"
            raise SourceError(f"{self._repo.git_dir}: {what}") from error
        if not found:
            raise SourceError(f"{self._repo.git_dir}: no commits after {since}")
        return found

    def line(self, since: str | None, until: str | None) -> tuple[str, ...]:
        """Ids of the commits from one to another, each the first parent of the next, the oldest first.

        Args:
            since: the last commit before them; else they begin with the first of all.
            until: the last of them; else HEAD.

        Raises:
            SourceError: there are none, or one of the two is no commit.
        """
        ends = [end for end in (since, until) if end is not None]
        if odd := next((end for end in ends if end.startswith("-") or ".." in end), None):
            raise SourceError(f"{odd}: name one commit, a tag or a branch")
        span = f"{since}..{until or 'HEAD'}" if since is not None else until or "HEAD"
        try:
            found = self._repo.git.rev_list("--first-parent", "--reverse", "--end-of-options", span, "--").split()
        except git.GitCommandError as error:
            named = f"it has no commit {' or '.join(ends)}" if ends else "it has no commits"
            raise SourceError(f"{self._repo.git_dir}: {named}") from error
        if not found:
            raise SourceError(f"{self._repo.git_dir}: no commits after {since}")
        return tuple(found)

    def change(self, commit: str, *, merges: bool = False) -> Change:
        """A commit with its one parent; with `merges`, also one of several, beside the first.

        Raises:
            Unfit: it has none or several, or one of its objects cannot be read.
        """
        with _readable():
            entry = self._repo.commit(commit)
            if not entry.parents or (len(entry.parents) > 1 and not merges):
                raise Unfit("merge" if entry.parents else "first commit")
            parent = entry.parents[0]
            difference = _Difference()
            difference.between(parent.tree, entry.tree)
            message = self._message(entry)
        for path in (*difference.changed, *difference.removed):
            _refuse_odd(path)
        return Change(
            commit, parent.hexsha, message, difference.changed, tuple(difference.removed), tuple(difference.special)
        )

    def files(self, commit: str) -> dict[str, Blob]:
        """The regular files of a commit's tree: path → file. Links and submodules are left out.

        Raises:
            Unfit: too many or too large, or a name that is not UTF-8.
        """
        found: dict[str, Blob] = {}
        total = 0
        with _readable():
            for path, size, blob in _files(self._repo.commit(commit).tree, ""):
                _refuse_odd(path)
                found[path] = blob
                total += size
                if len(found) > MAX_FILES or total > MAX_BYTES:
                    raise Unfit(f"more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB")
        return found

    def data(self, blob: Blob) -> bytes:
        """A file's content.

        Raises:
            Unfit: it is not there.
        """
        with _readable():
            return bytes(self._repo.odb.stream(bytes.fromhex(blob.id)).read())

    def close(self) -> None:
        self._repo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _message(self, commit: Commit) -> str:
        """As it was written: in the encoding that it names, else UTF-8, else Latin-1, which can hold any byte."""
        raw = bytes(self._repo.odb.stream(commit.binsha).read()).partition(b"\n\n")[2]
        for encoding in (commit.encoding, "utf-8"):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                continue
        return raw.decode("latin-1")


@contextmanager
def _readable() -> Iterator[None]:
    """What cannot be read in here is missing from the repository, or damaged."""
    try:
        yield
    except (ValueError, LookupError, ODBError, git.GitCommandError) as error:
        raise Unfit("cannot be read (a shallow or partial clone, or an unknown encoding)", str(error)) from error


def _refuse_odd(path: str) -> None:
    if not path.isprintable():
        raise Unfit("a file's name is not plain UTF-8")
    if {".", "..", ".git"} & set(path.lower().split("/")):  # older versions of GitPython let them pass
        raise Unfit("a file's name leads elsewhere", path)


class _Difference:
    """Two trees beside each other; folders that are the same are not opened."""

    def __init__(self) -> None:
        self.changed: dict[str, Blob] = {}
        self.removed: list[str] = []
        self.special: list[str] = []

    def between(self, old: Tree | None, new: Tree | None, prefix: str = "") -> None:
        # By path: a submodule has its name from a file that need not be there.
        before, after = (
            {str(item.path).rpartition("/")[2]: item for item in tree} if tree is not None else {}
            for tree in (old, new)
        )
        for name in sorted(before.keys() | after.keys()):
            was, now = before.get(name), after.get(name)
            path = prefix + name
            if was is not None and now is not None and (was.binsha, was.mode) == (now.binsha, now.mode):
                continue
            if isinstance(was, Tree) or isinstance(now, Tree):
                inside = (item if isinstance(item, Tree) else None for item in (was, now))
                self.between(next(inside), next(inside), f"{path}/")
            files = [item for item in (was, now) if item is not None and not isinstance(item, Tree)]
            if any(not stat.S_ISREG(item.mode) for item in files):
                self.special.append(path)
            elif now is not None and now in files:
                self.changed[path] = Blob(now.hexsha, bool(now.mode & 0o100))
            elif files:
                self.removed.append(path)


def _files(tree: Tree, prefix: str) -> Iterator[tuple[str, int, Blob]]:
    for item in tree:
        if isinstance(item, Tree):
            yield from _files(item, f"{prefix}{item.name}/")
        elif stat.S_ISREG(item.mode):
            yield f"{prefix}{item.name}", item.size, Blob(item.hexsha, bool(item.mode & 0o100))
