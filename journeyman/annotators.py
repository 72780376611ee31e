"""Names of those who say something of episodes: given on the command line, or taken from the machine."""

from __future__ import annotations

import getpass
import re

NAME = re.compile(r"[\w.@+-]{1,64}")
"""What an annotator's name looks like (`journeyman.envs.feedback.entry.Annotator`)."""
WHAT_IT_IS = "a name of up to 64 letters, digits, and the characters _ . @ + -"


def login_name() -> str:
    """Who uses this machine, as an annotator's name."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        name = ""
    return re.sub(r"[^\w.@+-]+", "-", name)[:64] or "me"
