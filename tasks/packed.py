"""A task that travels: its folders in one archive, unpacked once on each machine, named by content.

    packed/<digest>/{repository,hidden,solution}/…
    packed/<digest>/manifest.json                      whose they are; there when the rest is

Tasks of recipes, and all that is laid out from little, are kept in the same way.

Only trusted folders are packed: what a task brings, never what a policy left.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from journeyman.sandbox.expiry import expire
from journeyman.sandbox.home import home, locked
from journeyman.sandbox.inside.files import EXCLUDED
from journeyman.sandbox.usage import hold, note_use
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
    place = laid(digest, task.name, lambda work: _unpack(fetch(), work))
    return task.model_copy(update={name: place / name for name in FOLDERS if getattr(task, name) is not None})


def laid(digest: str, name: str, lay: Callable[[Path], object]) -> Path:
    """A folder of the cache with what `lay` puts into it, once on each machine; ours as long as we live.

    Args:
        digest: of all that decides what it puts there.
        name: whose it is, for people.
    """
    place = home("packed") / digest
    with locked(place.with_name(f".{digest}.lock")):
        if not (place / "manifest.json").is_file():
            _lay(place, name, lay)
        hold(place)  # an episode reads a task's files at its end, too
    note_use(place)
    _tidy(home())
    return place


@cache
def _tidy(_place: Path) -> None:
    """Once in a process, and for each cache: take away what nobody uses any more."""
    expire()


def _lay(place: Path, name: str, lay: Callable[[Path], object]) -> None:
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        lay(work)
        (work / "manifest.json").write_text(json.dumps({"task": name}))
        shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _unpack(archive: bytes, work: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        tar.extractall(work, filter="tar")


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
