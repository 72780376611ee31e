"""A task that travels: its folders in one archive, unpacked once on each machine, named by content.

    packed/<digest>/{repository,hidden,solution}/…

Only trusted folders are packed: what a task brings, never what a policy left.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from journeyman.sandbox.home import home, locked
from journeyman.sandbox.inside.files import EXCLUDED
from journeyman.tasks.task import Task, TaskError

FOLDERS = ("repository", "hidden", "solution")


def pack(task: Task) -> bytes:
    """The task's folders as an archive; the same files give the same bytes.

    Raises:
        TaskError: a folder cannot be read.
    """
    packed = io.BytesIO()
    try:
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file,
            tarfile.open(fileobj=file, mode="w|") as archive,
        ):
            for name in FOLDERS:
                if (folder := getattr(task, name)) is not None:
                    archive.add(folder, name, filter=_plain)
    except OSError as error:
        raise TaskError(f"the files of task {task.name} cannot be packed: {error}") from error
    return packed.getvalue()


def digest_of(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()[:32]


def unpacked(task: Task, digest: str, fetch: Callable[[], bytes]) -> Task:
    """The task with its folders on this machine; `fetch` brings the archive if they are not here yet."""
    place = home("packed") / digest
    if not place.is_dir():
        with locked(place.with_suffix(".lock")):
            if not place.is_dir():
                _unpack(fetch(), place)
    return task.model_copy(update={name: place / name for name in FOLDERS if getattr(task, name) is not None})


def _unpack(archive: bytes, place: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            tar.extractall(work, filter="tar")
        work.rename(place)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What makes a file the same everywhere; no sockets and devices."""
    folder, _, path = entry.name.partition("/")
    if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
        return None
    if folder == "repository" and Path(path).name in EXCLUDED:  # no sandbox is given them
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
