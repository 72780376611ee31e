"""The system's calls as they are before a test replaces any: this package's own, on both sides."""

from __future__ import annotations

import os as _os
import types
from select import POLLIN, POLLOUT, poll
from time import monotonic

__all__ = ["POLLIN", "POLLOUT", "monotonic", "os", "poll"]

os = types.SimpleNamespace(**vars(_os))
