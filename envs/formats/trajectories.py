"""Files of other agents' trajectories: which format one is in, by what it holds, and the episodes in it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from journeyman.envs.codec import CodecError
from journeyman.envs.episode import Episode
from journeyman.envs.formats.atif import from_atif, is_ours
from journeyman.envs.formats.atif_foreign import read_atif
from journeyman.envs.formats.inspect_log import read_inspect, unzip
from journeyman.envs.formats.mini_swe_agent import read_mini_swe_agent
from journeyman.envs.formats.openhands import read_openhands
from journeyman.envs.formats.reading import TrajectoryError, parse_documents, read_file
from journeyman.envs.formats.swe_agent import read_swe_agent


class Source(StrEnum):
    ATIF = "atif"
    MINI_SWE_AGENT = "mini-swe-agent"
    SWE_AGENT = "swe-agent"
    INSPECT = "inspect"
    OPENHANDS = "openhands"


def read_trajectories(path: Path, source: Source | None = None) -> list[Episode]:
    """The episodes of a file.

    Args:
        source: its format; None tells it by what the file holds.

    Raises:
        TrajectoryError: it is not of that format, or of none that is known; the message names the file.
    """
    try:
        data = read_file(path)
        documents = [unzip(data)] if data[:4] == b"PK\x03\x04" else parse_documents(data)
        if documents and source in (None, Source.OPENHANDS) and all(map(_is_event, documents)):
            documents = [documents]  # one event a line
        name = path.name.partition(".")[0]
        return [each for document in documents for each in _episodes(document, name, source)]
    except (TrajectoryError, CodecError) as error:
        raise TrajectoryError(f"{path}: {error}") from error
    except RecursionError as error:
        raise TrajectoryError(f"{path}: nested too deeply") from error


def detect(document: Any) -> Source | None:
    """The format of a JSON value, by the fields that only this format has."""
    if isinstance(document, list):
        return Source.OPENHANDS if document and all(map(_is_event, document)) else None
    if not isinstance(document, dict):
        return None
    if str(document.get("schema_version")).startswith("ATIF-v"):
        return Source.ATIF
    if str(document.get("trajectory_format")).startswith("mini-swe-agent"):
        return Source.MINI_SWE_AGENT
    if "eval" in document and "samples" in document:
        return Source.INSPECT
    steps = document.get("trajectory") or document.get("history")
    if isinstance(steps, list) and steps:
        return Source.OPENHANDS if all(map(_is_event, steps)) else Source.SWE_AGENT
    return None


def _is_event(value: Any) -> bool:
    """Whether it is an event of OpenHands: a step of SWE-agent has an action and an observation, a message a role."""
    if not isinstance(value, dict) or "role" in value:
        return False
    return "kind" in value or ("source" in value and ("action" in value or "observation" in value))


def _episodes(document: Any, name: str, source: Source | None) -> list[Episode]:
    known = source or detect(document)
    if known is None:
        raise TrajectoryError(f"no trajectory of a known format; say which with --from: {', '.join(Source)}")
    if known is Source.OPENHANDS and isinstance(document, list):
        return [read_openhands(document, name)]
    if not isinstance(document, dict):
        raise TrajectoryError(f"{known} should be an object, not a {type(document).__name__}")
    if known is Source.INSPECT:
        return read_inspect(document, name)
    if known is Source.ATIF and is_ours(document):
        return [from_atif(document)]
    return [_READERS[known](document, name)]


_READERS: dict[Source, Callable[[Any, str], Episode]] = {
    Source.ATIF: read_atif,
    Source.MINI_SWE_AGENT: read_mini_swe_agent,
    Source.SWE_AGENT: read_swe_agent,
    Source.OPENHANDS: read_openhands,
}
