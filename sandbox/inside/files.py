"""Files of the sandbox, seen from inside: paths that cannot leave, whole writes, and the tree with its hashes.

Nothing else is alive while a file is looked at (every command's processes are dead when it ends), so a path cannot
be swapped between a check and its use; and the helper has no right that the commands lack.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import errno
import json
import os
import stat
import time

from . import kernel

try:
    from _sha256 import sha256  # type: ignore[import-not-found]  # loads in a tenth of hashlib's time
except ImportError:
    from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from collections.abc import Iterator
    from typing import Any

WORKSPACE = "/workspace"
WRITABLE = (WORKSPACE, "/tmp")
EXCLUDED = frozenset({"__pycache__", ".pytest_cache", ".git"})
"""Names that are no part of a tree: caches that a stale or planted file could hide in, and history."""
MAX_PATH = 1024
MAX_DEPTH = 64
"""Folders above a file. Each costs time at every look at the file, and a policy may make tens of thousands."""
MAX_SKIPPED = 1000
MAX_MANIFEST_BYTES = 48 * 1024 * 1024
"""What a manifest may weigh as JSON: many long names must not break the bound of a message."""
ENTRY_BYTES = 100
"""Of it, what a file takes beside its path."""
NO_OPENAT2 = (errno.ENOSYS, errno.EPERM)
"""What a kernel says that has no such call, and a container's filter that does not know it."""
SETTLED_NS = 50_000_000
"""A file whose ctime is younger than this when hashed may change again within one tick of the kernel's clock."""


class PathError(Exception):
    """A path leaves the writable folders, does not exist, or is not what was asked for."""


def read_exactly(handle: int, size: int) -> bytes | bytearray:
    """`size` bytes, or fewer where the stream or file ends before."""
    data = bytearray()
    while len(data) < size and (chunk := os.read(handle, min(size - len(data), 1 << 20))):
        data += chunk
    return data


def write_all(handle: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def check(path: str) -> None:
    if not path or "\0" in path or ".." in path.split("/") or not encodable(path):
        raise PathError(f"{path!r} is not a path inside the workspace")


def locate(path: str) -> str:
    """The absolute path, links resolved, of something below the workspace or /tmp that may not exist yet."""
    check(path)
    real = os.path.realpath(path if path.startswith("/") else f"{WORKSPACE}/{path}")
    if not any(real == root or real.startswith(root + "/") for root in WRITABLE):
        raise PathError(f"{path!r} leaves the workspace")
    return real


def open_parent(real: str, make: bool = False) -> tuple[int, str]:
    """The parent's descriptor and the last name; no link is followed on the way."""
    parent, _, name = real.rpartition("/")
    for top in WRITABLE:
        if parent.startswith(top + "/"):
            try:
                return _open_below(top, parent[len(top) + 1 :]), name
            except OSError as error:
                if error.errno not in NO_OPENAT2 and not (make and error.errno == errno.ENOENT):
                    raise
    return _walk(parent, make), name


def _open_below(top: str, path: str) -> int:
    folder = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        return kernel.open_beneath(folder, path, os.O_PATH | os.O_DIRECTORY)
    finally:
        os.close(folder)


def _walk(path: str, make: bool) -> int:
    """The same one component at a time, making those that are not there if asked to."""
    folder = os.open("/", os.O_PATH | os.O_DIRECTORY)
    for part in filter(None, path.split("/")):
        try:
            if make:
                try:
                    os.mkdir(part, 0o755, dir_fd=folder)
                except OSError as error:
                    if error.errno not in (errno.EEXIST, errno.EROFS):
                        raise
            deeper = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        folder = deeper
    return folder


def read_file(path: str, limit: int) -> bytes | bytearray:
    """A regular file's bytes. A FIFO or device is refused, and never waited for."""
    folder, name = open_parent(locate(path))
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    with open(handle, "rb", buffering=0) as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise PathError(f"{path!r} is not a regular file")
        if found.st_size > limit:
            raise PathError(f"{path!r} has {found.st_size} bytes, more than the limit of {limit}")
        return read_exactly(file.fileno(), found.st_size)


def write_file(path: str, data: bytes | memoryview, mode: int) -> None:
    """Make the file whole or not at all: a temporary file beside it, renamed over it."""
    folder, name = open_parent(locate(path), make=True)
    temporary = f".journeyman-{os.getpid()}-{time.monotonic_ns()}"
    try:
        try:
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise PathError(f"{path!r} is not a regular file")
        except FileNotFoundError:
            pass
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        try:
            with open(handle, "wb", buffering=0) as file:
                write_all(file.fileno(), data)
                os.fchmod(handle, mode & 0o777)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise
    finally:
        os.close(folder)


def remove_file(path: str) -> None:
    """Delete a file, or a link itself."""
    check(path)
    parent, _, name = path.rpartition("/")
    if name in ("", "."):
        raise PathError(f"{path!r} is not a path inside the workspace")
    folder, name = open_parent(locate(parent or ("/" if path.startswith("/") else ".")) + "/" + name)
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise PathError(f"{path!r} is a folder")
        os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def open_folder(path: str) -> int:
    """A descriptor of a folder to start a command in."""
    if path == ".":  # nearly always
        return os.open(WORKSPACE, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    folder, name = open_parent(locate(path))
    try:
        return os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


class Tree:
    """A folder's regular files with their hashes; what did not change since is not read again."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def seed(self, files: dict[str, list[Any]]) -> None:
        """Take hashes that are known already: path → [size, mtime_ns, ctime_ns, sha256].

        A ctime cannot be set from inside, so a file with the same one still holds the same bytes.
        """
        for path, (size, mtime, ctime, digest) in files.items():
            self._known[path] = ((size, mtime, ctime), digest)

    def manifest(
        self, max_file: int, max_total: int, settled: bool = False
    ) -> tuple[dict[str, list[Any]], list[list[str]]]:
        """Every regular file as path → [mode, sha256, size], and what was skipped, with the reason.

        Files over `max_file` bytes, those by which the sum passes `max_total`, and those whose names would make the
        manifest too long are skipped and not read.
        `settled` says that nobody will write to the tree any more, so that fresh files may be remembered too.
        """
        files: dict[str, list[Any]] = {}
        skipped: list[list[str]] = []
        known: dict[str, tuple[tuple[int, ...], str]] = {}
        linked: dict[tuple[int, ...], str] = {}
        total, weight = 0, 0
        for path, found in sorted(self._walk(skipped)):
            if found.st_size > max_file or total + found.st_size > max_total:
                skip(skipped, path, f"{found.st_size} bytes are too many")
                continue
            if (heavier := weight + len(json.dumps(path)) + ENTRY_BYTES) > MAX_MANIFEST_BYTES:
                skip(skipped, path, "the names are too many and too long")
                continue
            total, weight = total + found.st_size, heavier
            signature = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            cached, now = self._known.get(path), time.time_ns()
            inode = (found.st_dev, found.st_ino, *signature)  # one file may have thousands of names
            digest = cached[1] if cached and cached[0] == signature else linked.get(inode, "")
            digest = digest or self._hash(path, found.st_mode)
            if found.st_nlink > 1:
                linked[inode] = digest
            if settled or now - found.st_ctime_ns > SETTLED_NS:
                known[path] = (signature, digest)
            files[path] = [found.st_mode & 0o777, digest, found.st_size]
        self._known = known
        return files, skipped

    def signatures(self) -> dict[str, list[Any]]:
        """What another tree's `seed` takes, after a `manifest`."""
        return {path: [*signature, digest] for path, (signature, digest) in self._known.items()}

    def _walk(self, skipped: list[list[str]]) -> Iterator[tuple[str, os.stat_result]]:
        """Regular files below the root; the rest goes to `skipped`."""
        folders = [""]
        while folders:
            folder = folders.pop()
            for entry in entries(f"{self.root}/{folder}"):
                path = folder + entry.name
                if entry.name in EXCLUDED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if len(os.fsencode(path)) < MAX_PATH and path.count("/") < MAX_DEPTH:
                        folders.append(path + "/")
                    else:
                        skip(skipped, path, "too deep")
                elif not encodable(path):
                    skip(skipped, path, "its name is not UTF-8")
                elif len(os.fsencode(path)) > MAX_PATH:
                    skip(skipped, path, "its path is too long")
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False)
                else:
                    skip(skipped, path, "a link" if entry.is_symlink() else "not a regular file")

    def _hash(self, path: str, mode: int) -> str:
        full = f"{self.root}/{path}"
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            handle = os.open(full, flags)
        except PermissionError:  # a command took its own right away; give it back to see what the file holds
            os.chmod(full, stat.S_IMODE(mode) | 0o400)
            handle = os.open(full, flags)
        with open(handle, "rb", buffering=0) as file:
            digest = sha256()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        return str(digest.hexdigest())

    def prune(self, wanted: dict[str, list[Any]], links: list[str], history: dict[str, list[int]]) -> None:
        """Delete everything that `wanted` (files) and `links` do not name: files, links, caches, emptied folders.

        Of history (path → size, mtime, ctime) stays what nobody touched: it is never read, and a ctime cannot be set.
        """
        keep, folders, index = {*wanted, *links}, [""], 0
        while index < len(folders):
            folder = folders[index]
            index += 1
            for entry in entries(f"{self.root}/{folder}"):
                path = folder + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if len(os.fsencode(path)) >= MAX_PATH:  # nothing wanted is so deep: bring it within reach
                        path = f".journeyman-deep-{index}-{len(folders)}"
                        os.rename(entry.path, f"{self.root}/{path}")
                    folders.append(path + "/")
                elif path in history and dates(entry.path) == history[path]:
                    continue
                elif path not in keep or (path in wanted) != entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)
        for folder in reversed(folders[1:]):
            try:
                os.rmdir(f"{self.root}/{folder}")
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise


def entries(folder: str) -> list[os.DirEntry[str]]:
    """A folder's entries. A command may have taken away its own rights to the folder: they are given back."""
    for attempt in range(2):
        try:
            if not attempt and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                os.chmod(folder, 0o755)
            with os.scandir(folder) as found:
                return list(found)
        except OSError:
            continue
    return []


def dates(path: str) -> list[int]:
    """What changes whenever a file does: its size, mtime and ctime."""
    found = os.lstat(path)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def skip(skipped: list[list[str]], path: str, why: str) -> None:
    if len(skipped) < MAX_SKIPPED:
        skipped.append([path.encode("utf-8", "backslashreplace").decode()[:MAX_PATH], why])
