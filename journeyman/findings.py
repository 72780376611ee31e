"""What `journeyman doctor` tells: one finding a line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is broken."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    """"versions", "sandbox", "pools", "images", "disk" or "leftovers"."""
    name: str
    health: Health
    detail: str
    mend: str = ""
    """What to do; empty when nothing needs doing."""
