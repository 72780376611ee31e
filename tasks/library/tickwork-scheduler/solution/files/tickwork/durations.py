"""Durations as people write them: 1h30m."""

from __future__ import annotations

import re
from datetime import timedelta

from tickwork.errors import DurationError

_SECONDS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in _SECONDS))


def parse_duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise DurationError(f"not a duration such as 1h30m: {text!r}")
    try:
        return timedelta(seconds=sum(int(match[unit] or 0) * seconds for unit, seconds in _SECONDS.items()))
    except OverflowError:
        raise DurationError(f"too long: {text!r}") from None


def format_duration(duration: timedelta) -> str:
    if duration < timedelta(0) or duration.microseconds:
        raise ValueError(f"only whole, positive seconds can be written: {duration}")
    left = duration.days * 86400 + duration.seconds
    parts = []
    for unit, seconds in _SECONDS.items():
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
