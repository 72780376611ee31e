"""Every format that feedback is imported from, and which of them a file is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from journeyman.envs.feedback.formats.argilla import read_argilla
from journeyman.envs.feedback.formats.code_review import read_code_review
from journeyman.envs.feedback.formats.doccano import read_doccano
from journeyman.envs.feedback.formats.label_studio import read_label_studio
from journeyman.envs.feedback.formats.rankings_csv import read_rankings_csv
from journeyman.envs.feedback.formats.reading import Found, ImportFeedbackError, Reading


class Source(StrEnum):
    """Where feedback comes from."""

    CODE_REVIEW = "code-review"
    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"
    DOCCANO = "doccano"
    CSV = "csv"


_READERS: Mapping[Source, Callable[[Any, Reading], None]] = {
    Source.CODE_REVIEW: read_code_review, Source.LABEL_STUDIO: read_label_studio,
    Source.ARGILLA: read_argilla, Source.DOCCANO: read_doccano, Source.CSV: read_rankings_csv,
}  # fmt: skip


def read_feedback(path: Path, reading: Reading) -> Found:
    """Read a file of the format that `reading.source` names.

    Raises:
        ImportFeedbackError: it cannot be read, or is of another format; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ImportFeedbackError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFeedbackError(f"{path}: {error}") from error
    source = Source(reading.source)
    try:
        _READERS[source](text if source is Source.CSV else _json(text), reading)
    except ImportFeedbackError as error:
        raise ImportFeedbackError(f"{path}: {error}") from error
    return reading.found


def _json(text: str) -> Any:
    """JSON, or JSON Lines as a list."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ImportFeedbackError("it is nested too deep") from error
    except ValueError as error:
        rows = []
        for number, line in enumerate(text.split("\n"), 1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except (ValueError, RecursionError):
                raise ImportFeedbackError(f"neither JSON nor, at line {number}, JSON Lines: {error}") from None
        return rows
