"""The pristine files of a repository, copied once per content, that every sandbox starts from.

    templates/<digest>/tree/…          the files, readable and writable by whoever a sandbox runs as, all of one date
    templates/<digest>/committed/…     the same files (hard links) with a `.git` of one commit, for a policy's sandbox
    templates/<digest>/manifest.json   their hashes, so that nobody hashes them again
    lookups/<name>.json                a repository's stat signature → digest

`.git`, caches, empty folders, sockets and names that are not UTF-8 stay outside. Links are copied as links.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journeyman.sandbox.history import INDEX, HistoryError, git, make_commit
from journeyman.sandbox.home import home, locked
from journeyman.sandbox.inside.files import EXCLUDED, MAX_PATH, Tree, dates, encodable
from journeyman.sandbox.sandbox import ImageError
from journeyman.sandbox.usage import note_use
from journeyman.sandbox.watch import watch

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Larger files are listed as skipped in a snapshot."""
MAX_TREE_BYTES = 1024 * 1024 * 1024
"""Files beyond this sum, in path order, are listed as skipped too."""
US = os.geteuid()
OWNER = US if US else 100_000
"""Who owns a template's files, and is the user of commands outside their sandbox; as root, one that nobody else is."""
COMMITTED = "committed"
DATE_S = 946_684_800
"""Every template file's modification time (2000-01-01), so that a listing reads the same in every sandbox."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree."""

    executable: bool
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Template:
    """A repository's pristine files on the host. Read-only by agreement: sandboxes see it through an overlay."""

    digest: str
    folder: Path
    """The tree itself."""
    tree_hash: str
    files: Mapping[str, Entry]
    links: tuple[str, ...]
    """Paths of symbolic links; they are no part of the tree hash."""
    seed: bytes
    """JSON for the helper, by which it knows the hash of every file that no command touched."""
    history: Mapping[str, list[int]] = field(default_factory=dict)
    """Files below `.git`, where it has one: path → size, mtime and ctime while nobody touched them."""


def tree_hash(files: Mapping[str, Entry]) -> str:
    """SHA-256 over every (path, executable bit, content hash), in path order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        entry = files[path]
        digest.update(f"{path}\0{'x' if entry.executable else '-'}\0{entry.sha256}\n".encode())
    return digest.hexdigest()


def with_commit(repository: Path) -> Path:
    """The folder to make a policy's sandbox from: the repository's files, and a `.git` of one commit.

    The repository itself where there is no git on this machine. Where git refuses the files, a warning says why.

    Raises:
        ImageError: the folder does not exist or cannot be read.
    """
    folder = template_of(repository).folder.with_name(COMMITTED)
    return folder if folder.is_dir() else repository


def template_of(repository: Path) -> Template:
    """The template of a repository folder as it stands now, copied if it is not there yet.

    What `with_commit` gives is its own template.

    Raises:
        ImageError: the folder does not exist or cannot be read.
    """
    root = Path(repository).absolute()
    if not root.is_dir():
        raise ImageError(f"repository {root} is not a folder")
    place = home("templates"), root
    is_ours = root.name == COMMITTED and root.parent.parent == place[0]
    if (known := _unchanged(place)) is not None:
        return known
    try:
        with _looking:
            return _unchanged(place) or _looked_at(place, is_ours)
    except OSError as error:
        raise ImageError(f"repository {root} cannot be copied: {error}") from error


_by_signature: dict[tuple[Path, Path], tuple[str, Template]] = {}
_looking = threading.Lock()


def _unchanged(place: tuple[Path, Path]) -> Template | None:
    """The template that is known, if the kernel says that nothing has changed since."""
    if not watch().is_still(place[1]):  # asked first: once it is watched anew, what was known is gone
        return None
    _, template = _by_signature.get(place, ("", None))
    if template is None or not template.folder.is_dir():
        return None
    note_use(template.folder.parent)
    return template


def _looked_at(place: tuple[Path, Path], is_ours: bool) -> Template:
    root = place[1]
    known = _by_signature.pop(place, None)  # from here on it is watched, and what is known is of before
    if not is_ours:
        watch().begin(root, _folders(root))
    found = [] if is_ours else list(_walk(root))
    signature = hashlib.sha256(repr([OWNER, *((path, *_signature(info)) for path, info in found)]).encode()).hexdigest()
    if known is None or known[0] != signature or not known[1].folder.is_dir():
        template = _load(root.parent.name, COMMITTED) if is_ours else _looked_up(root, signature)
        if template is None and is_ours:
            raise ImageError(f"the template {root} was removed while it was used")
        known = signature, template or _copied(root, signature, found)
    _by_signature[place] = known
    note_use(known[1].folder.parent)
    return known[1]


def _signature(info: os.stat_result) -> tuple[int, ...]:
    return info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino


def _folders(root: Path) -> Iterator[str]:
    """The folders of which `_walk` tells the files."""
    for folder, names, _ in os.walk(root):
        names[:] = [name for name in names if name not in EXCLUDED]
        yield os.path.relpath(folder, root)


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Files and links with their stat, in path order within each folder."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = folder + entry.name
                if not encodable(path) or len(os.fsencode(path)) > MAX_PATH or entry.name in EXCLUDED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False)


def _lookup_file(root: Path) -> Path:
    return home("lookups") / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.json"


def _looked_up(root: Path, signature: str) -> Template | None:
    try:
        entry = json.loads(_lookup_file(root).read_text())
        return _load(entry["digest"]) if entry["signature"] == signature else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _load(digest: str, name: str = "tree") -> Template | None:
    """The template of that digest, or None where it is missing or torn, or was made before there was a git."""
    folder = home("templates") / digest
    try:
        data: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        files = {path: Entry(*entry) for path, entry in data["files"].items()}
        seed = json.dumps(data["seed"]).encode()
        history = data["history"] if name == COMMITTED else {}
        is_old = not data["tried git"] and git()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    called = digest if name == "tree" else f"{digest}-{name}"
    template = Template(called, folder / name, tree_hash(files), files, tuple(data["links"]), seed, history)
    return None if is_old or not template.folder.is_dir() else template


def _copied(root: Path, signature: str, found: list[tuple[str, os.stat_result]]) -> Template:
    templates = home("templates")
    with locked(templates / ".lock"):
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=templates))
        try:
            work.chmod(0o755)  # whoever sandboxes run as goes through here; nobody else comes as far
            tree = work / "tree"
            tree.mkdir()
            links = {path: str(_copy(root / path, tree / path).readlink()) for path, info in found if _is_link(info)}
            for path, info in found:
                if not _is_link(info):
                    _copy(root / path, tree / path)
            _settle_folders(tree)
            if git():
                _commit(root, tree, work / COMMITTED)
            digest = _describe(work, links)
            if (template := _load(digest)) is None:
                shutil.rmtree(templates / digest, ignore_errors=True)
                work.rename(templates / digest)
                template = _load(digest)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        lookup = _lookup_file(root)
        temporary = lookup.with_suffix(".new")  # one at a time: we hold the lock
        temporary.write_text(json.dumps({"repository": str(root), "signature": signature, "digest": digest}))
        temporary.replace(lookup)
    if template is None:
        raise ImageError(f"{templates / digest} was removed while it was made")
    return template


def _is_link(info: os.stat_result) -> bool:
    return (info.st_mode & 0o170000) == 0o120000


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_symlink():
        _copy_bytes(source, target)
        _settle(target, 0o777 if source.stat().st_mode & 0o100 else 0o666)
        return target
    target.symlink_to(source.readlink())
    if OWNER != US:
        os.lchown(target, OWNER, OWNER)
    os.utime(target, (DATE_S, DATE_S), follow_symlinks=False)
    return target


def _copy_bytes(source: Path, target: Path) -> None:
    """By the kernel where it can: on Btrfs and XFS the copy then takes no room."""
    with source.open("rb") as original, target.open("wb") as copy:
        try:
            while os.copy_file_range(original.fileno(), copy.fileno(), 1 << 30):
                pass
        except OSError:
            shutil.copyfile(source, target)


def _commit(root: Path, tree: Path, target: Path) -> None:
    """Make the same files once more, with a commit of them."""
    for folder, folders, names in os.walk(tree):
        there = target / Path(folder).relative_to(tree)
        there.mkdir()
        # In order, so that no ctime stands out.
        for name in sorted((*names, *(name for name in folders if Path(folder, name).is_symlink()))):
            os.link(Path(folder, name), there / name, follow_symlinks=False)
    try:
        make_commit(target, DATE_S)
    except HistoryError as error:
        shutil.rmtree(target)
        warnings.warn(f"{root}: a policy will find no commit there: {error}", stacklevel=2)
        return
    for folder, _, names in os.walk(target / ".git"):
        for name in names:
            _settle(Path(folder, name), 0o666)
    os.utime(target / INDEX, (DATE_S + 2, DATE_S + 2))  # later than the files, else git would read them again
    _settle_folders(target)


def _settle_folders(tree: Path) -> None:
    for folder, _, _ in os.walk(tree):
        _settle(Path(folder), 0o777)


def _settle(path: Path, mode: int) -> None:
    path.chmod(mode)
    if OWNER != US:
        os.chown(path, OWNER, OWNER)
    os.utime(path, (DATE_S, DATE_S))


def _describe(work: Path, links: dict[str, str]) -> str:
    """Hash the copy, write its manifest, and return its digest."""
    tree, committed = Tree(str(work / "tree")), work / COMMITTED
    found, _ = tree.manifest(MAX_FILE_BYTES, MAX_TREE_BYTES, settled=True)
    files = {path: Entry(bool(mode & 0o100), digest, size) for path, (mode, digest, size) in found.items()}
    manifest = {
        "files": {path: [entry.executable, entry.sha256, entry.size] for path, entry in files.items()},
        "links": sorted(links),
        "seed": tree.signatures(),
        "history": {
            str(path.relative_to(committed)): dates(str(path))
            for path in sorted((committed / ".git").rglob("*"))
            if path.is_file()
        },
        "tried git": bool(git()),
    }
    (work / "manifest.json").write_text(json.dumps(manifest))
    name = json.dumps([OWNER, tree_hash(files), links], sort_keys=True)
    return hashlib.sha256(name.encode()).hexdigest()[:32]
