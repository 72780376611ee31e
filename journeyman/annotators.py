"""The names under which people say what they think of episodes."""

from __future__ import annotations

import getpass
import re

NAME = re.compile(r"[\w.@+-]{1,64}")
"""What an annotator's name looks like."""


def login_name() -> str:
    """Who uses this machine, as an annotator's name."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        name = ""
    return re.sub(r"[^\w.@+-]+", "-", name)[:64] or "me"
