"""The formats by name."""

from __future__ import annotations

from journeyman.tasks.formats.commit0 import Commit0
from journeyman.tasks.formats.format import Format, FormatError
from journeyman.tasks.formats.r2e_gym import R2eGym
from journeyman.tasks.formats.swe_bench import SweBench
from journeyman.tasks.formats.swe_rebench import SweRebench
from journeyman.tasks.formats.swe_smith import SweSmith

FORMATS: dict[str, Format] = {kind.name: kind for kind in (SweBench(), SweSmith(), SweRebench(), R2eGym(), Commit0())}

HARBOR = "harbor"
"""Folders, not rows: see `harbor_steps`."""


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        FormatError: there is none.
    """
    if name not in FORMATS:
        raise FormatError(f"no format {name!r}; there are: {', '.join((*FORMATS, HARBOR))}")
    return FORMATS[name]
