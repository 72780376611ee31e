"""What was laid from recipes goes by itself once nobody has used it for a day; it is laid again when it is asked for.

A task that is played has a template of its own, though all but a few files are those of its library's other tasks.
They cannot share files on the disk: link counts, inode and device numbers or ctimes would tell a policy which of them
are its task's own, and so where the fault is. The room is had back in time instead.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from journeyman.sandbox.home import home
from journeyman.sandbox.stock import remove_folder
from journeyman.sandbox.usage import last_use

UNUSED_S = 86_400.0
"""How long nobody must have used it, in seconds."""


def expire(now: float | None = None) -> None:
    """Take away tasks' folders and templates that lie unused, with what would find them. What somebody holds stays.

    Args:
        now: in seconds since the epoch, where it is not the present.
    """
    before = (time.time() if now is None else now) - UNUSED_S
    packed, templates = home("packed"), home("templates")
    laid, others = defaultdict[str, list[Path]](list), set[str]()
    for lookup in home("lookups").glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(lookup.read_text())
            if Path(found["repository"]).is_relative_to(packed):
                laid[found["digest"]].append(lookup)
            else:
                others.add(found["digest"])
    for digest, lookups in laid.items():
        if digest not in others and _went(templates / digest, templates / ".lock", before):
            for lookup in lookups:
                lookup.unlink(missing_ok=True)
    for place in packed.iterdir():
        if not place.name.startswith("."):
            _went(place, packed / f".{place.name}.lock", before)


def _went(place: Path, lock: Path, before: float) -> bool:
    """Whether it is gone, now or already."""
    try:
        used = last_use(place)
    except FileNotFoundError:
        return True
    return used < before and remove_folder(place, used, lock)
