"""One spelling per package name."""

import re

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def normalize_name(name: str) -> str:
    """Lower case, with one dash for each run of dashes, dots and underscores.

    Raises:
        ValueError: it is no package name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a package name: {name!r}")
    return re.sub(r"[-_.]+", "-", name).lower()
