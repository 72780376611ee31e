"""How many columns of a terminal a text takes."""

from __future__ import annotations


def display_width(text: str) -> int:
    return len(text)
