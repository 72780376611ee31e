"""Format every table of a document."""

from __future__ import annotations


def format_document(text: str) -> str:
    raise NotImplementedError
