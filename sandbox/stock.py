"""What Journeyman has built and keeps on this machine, and taking away what was not used for long.

Nothing here is lost for good: what is pruned is built again when it is needed. What a living sandbox needs stays.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from journeyman.sandbox.docker_engine import Engine, engine
from journeyman.sandbox.docker_image import LABEL, notes_of
from journeyman.sandbox.home import home, locked
from journeyman.sandbox.image import lock_of
from journeyman.sandbox.sandbox import SandboxError
from journeyman.sandbox.snapshots import SnapshotStore
from journeyman.sandbox.usage import NOTED_S, is_held, last_use, nobody_holds, users

RECENT_S = 2 * NOTED_S
"""What was used within this time may be about to be used again: it counts as in use."""
UNFINISHED_S = 3600.0
"""What is not whole and was not touched for this long was left by a process that died."""


class Kind(StrEnum):
    ENVIRONMENT = "environment"
    """An interpreter's environment with a set of requirements."""
    TEMPLATE = "template"
    """A repository's pristine files."""
    PACKED = "packed task"
    """A task's files that came from another machine."""
    IMAGE = "image"
    """One of the Docker engine's."""
    SNAPSHOT = "snapshot"
    """The file state of a sandbox."""
    UNFINISHED = "unfinished"
    """What a process that died had not finished building."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is kept."""

    kind: Kind
    name: str
    about: str
    """What it was made of, in words."""
    size: int
    """What it alone takes of the disk, in bytes."""
    made: float
    """When it was made, in seconds since the epoch."""
    used: float
    """When it was last used, in seconds since the epoch, to a minute."""
    shared_by: int
    """Tasks of an environment, repositories of a template, images on top of an image, else 0."""
    in_use: bool
    """A living sandbox needs it, or somebody did a moment ago."""
    where: Path | None = None
    """Its folder; none in a Docker engine."""


def stock() -> list[Item]:
    """All that is kept, by kind; the parts of a kind that were used last first."""
    kinds = (_environments(), _templates(), _packed(), _images(), _snapshots(), unfinished())
    return [item for kind in kinds for item in sorted(kind, key=lambda item: -item.used)]


def to_prune(
    items: Sequence[Item], *, keep_bytes: int | None = None, unused_s: float | None = None, everything: bool = False
) -> list[Item]:
    """What goes, in the order in which it goes; what is in use never does.

    Args:
        keep_bytes: the least recently used go until so much is left.
        unused_s: all go that were not used for so many seconds.
        everything: all go.
    """
    before = time.time() - unused_s if unused_s is not None else 0.0
    left = sum(item.size for item in items)
    chosen = []
    for item in sorted(items, key=lambda item: (item.kind is not Kind.UNFINISHED, item.used, item.shared_by)):
        too_much = keep_bytes is not None and left > keep_bytes
        if not item.in_use and (everything or too_much or item.used < before or item.kind is Kind.UNFINISHED):
            chosen.append(item)
            left -= item.size
    return chosen


def prune(chosen: Iterable[Item]) -> list[Item]:
    """Take them away; returns those that went. One that came into use meanwhile stays."""
    chosen = list(chosen)
    states = [item for item in chosen if item.kind is Kind.SNAPSHOT]
    if states:
        SnapshotStore().forget((tree, base) for tree, _, base in (item.name.partition("-") for item in states))
    return states + [item for item in chosen if item.kind is not Kind.SNAPSHOT and _REMOVE[item.kind](item)]


def disk_bytes(folder: Path) -> int:
    """What a folder takes of the disk, files with several names once."""
    sizes: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in names)):  # noqa: PTH118 (thousands of them)
            with suppress(FileNotFoundError):
                found = os.lstat(path)
                sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def _environments() -> Iterator[Item]:
    for place in _folders("environments"):
        with suppress(OSError, ValueError, KeyError):
            built = json.loads((place / "built.json").read_text())
            about = f"python {built['python']}: {', '.join(built['requirements']) or 'nothing'}"
            yield _item(Kind.ENVIRONMENT, place, about, users(place))


def _templates() -> Iterator[Item]:
    repositories: dict[str, list[str]] = {}
    for lookup in home("lookups").glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            found = json.loads(lookup.read_text())
            repositories.setdefault(found["digest"], []).append(found["repository"])
    for place in _folders("templates"):
        of = sorted(repositories.get(place.name, []))
        about = (
            f"{of[0]}{f' and {len(of) - 1} more' if len(of) > 1 else ''}" if of else "a repository that changed since"
        )
        with suppress(OSError):
            yield _item(Kind.TEMPLATE, place, about, len(of))


def _packed() -> Iterator[Item]:
    for place in _folders("packed"):
        with suppress(OSError, ValueError, KeyError):
            yield _item(Kind.PACKED, place, json.loads((place / "manifest.json").read_text())["task"], 0)


def _item(kind: Kind, place: Path, about: str, shared_by: int) -> Item:
    used = last_use(place)
    in_use = is_held(place) or time.time() - used < RECENT_S
    proof = place / ("built.json" if kind is Kind.ENVIRONMENT else "manifest.json")
    return Item(kind, place.name, about, disk_bytes(place), proof.stat().st_mtime, used, shared_by, in_use, place)


def _folders(kind: str) -> list[Path]:
    return sorted(path for path in home(kind).iterdir() if path.is_dir() and not path.name.startswith("."))


def _images() -> Iterator[Item]:
    try:
        found = engine().images()
    except SandboxError:
        return
    steps = {each["Id"]: {(s["Created"], s["CreatedBy"], s["Size"]) for s in each["Steps"]} for each in found}
    ours = [each for each in found if LABEL in (each["Labels"] or {})]
    for each in ours:
        above = [other for other in ours if _is_below(each, other)]
        shared = set().union(*(steps[other["Id"]] for other in found if other is not each and other not in above))
        size = sum(size for _, _, size in steps[each["Id"]] - shared)
        used = max(_image_used(other) for other in (each, *above))
        in_use = any(other["Users"] for other in (each, *above)) or time.time() - used < RECENT_S
        about = f"{each['Labels'][LABEL]}, {each['Size'] / 1e6:.0f} MB with what is below it"
        yield Item(Kind.IMAGE, _image_name(each), about, size, float(each["Created"]), used, len(above), in_use)


def _is_below(image: Any, other: Any) -> bool:
    """Whether another image was made from this one."""
    own, its = image["Layers"], other["Layers"]
    return len(own) < len(its) and its[: len(own)] == own


def _image_name(image: Any) -> str:
    names = [name for name in image["RepoTags"] or () if name != "<none>:<none>"]
    return str(names[0] if names else image["Id"])


def _image_used(image: Any) -> float:
    notes = notes_of(_image_name(image))
    return max(float(image["Created"]), last_use(notes) if (notes / ".used").exists() else 0.0)


def _snapshots() -> Iterator[Item]:
    for kept in SnapshotStore().kept():
        about = f"of the repository {kept.base_hash[:12]}"
        in_use = time.time() - kept.used < RECENT_S
        name = f"{kept.tree_hash}-{kept.base_hash}"
        yield Item(Kind.SNAPSHOT, name, about, kept.size, kept.used, kept.used, 0, in_use)


def unfinished() -> Iterator[Item]:
    """What is not whole: being built now (in use), or left by a process that died."""
    begun = ("templates/.new-*", "packed/.new-*", "environments/.new-*", "environments/*/.new-*", "scratch/*")
    for path in sorted(path for pattern in begun for path in home().glob(pattern)):
        with suppress(OSError):
            touched = path.stat().st_mtime
            alive = time.time() - touched < UNFINISHED_S
            name, size = str(path.relative_to(home())), disk_bytes(path)
            yield Item(Kind.UNFINISHED, name, "", size, touched, touched, 0, alive, path)


def _remove(item: Item, lock: Path) -> bool:
    assert item.where is not None
    return remove_folder(item.where, item.used, lock)


def remove_folder(place: Path, used: float, lock: Path) -> bool:
    """Take a folder of the cache away; False where somebody holds it, or has used it since `used`.

    Args:
        lock: what is locked while it is made.
    """
    with locked(lock), ExitStack() as alone:
        if not place.is_dir():  # another process was faster
            return True
        if not alone.enter_context(nobody_holds(place)) or last_use(place) > used + NOTED_S:
            return False
        gone = place.with_name(f".new-{place.name}")  # all at once: nobody may find a part of it
        shutil.rmtree(gone, ignore_errors=True)
        place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _remove_image(item: Item) -> bool:
    docker: Engine = engine()
    if docker.remove_image(item.name):
        shutil.rmtree(notes_of(item.name), ignore_errors=True)
        return True
    return False


def _remove_unfinished(item: Item) -> bool:
    assert item.where is not None
    shutil.rmtree(item.where, ignore_errors=True)
    return not item.where.exists()


_REMOVE: dict[Kind, Callable[[Item], bool]] = {
    Kind.ENVIRONMENT: lambda item: _remove(item, lock_of(home("environments") / item.name)),
    Kind.TEMPLATE: lambda item: _remove(item, home("templates") / ".lock"),
    Kind.PACKED: lambda item: _remove(item, home("packed") / f".{item.name}.lock"),
    Kind.IMAGE: _remove_image,
    Kind.UNFINISHED: _remove_unfinished,
}
