"""Durations as people write them: 1h30m."""

from __future__ import annotations

from datetime import timedelta


def parse_duration(text: str) -> timedelta:
    raise NotImplementedError


def format_duration(duration: timedelta) -> str:
    raise NotImplementedError
