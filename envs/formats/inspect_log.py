"""Logs of Inspect: `.eval` (a zip of JSON) or `.json`. Each sample is an episode."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from journeyman.envs.episode import Episode, RewardTerm, StopReason
from journeyman.envs.formats.assemble import About, Answer, Call, Said, Turn, assemble
from journeyman.envs.formats.reading import (
    MAX_BYTES,
    TrajectoryError,
    arguments_of,
    may,
    need,
    objects,
    parse_json,
    seconds_of,
    text_of,
)

_MAX_MEMBERS = 20_000
_BITE = 4096
"""Bytes."""
_LIMITS = {"message": StopReason.STEP_LIMIT, "token": StopReason.TOKEN_LIMIT, "time": StopReason.TIME_LIMIT,
           "working": StopReason.TIME_LIMIT}  # fmt: skip
_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Inspect's own letters: correct, partial, incorrect, no answer."""


def unzip(data: bytes) -> dict[str, Any]:
    """An `.eval` file as the JSON log that Inspect would write instead.

    Raises:
        TrajectoryError: it is no such archive, or larger unpacked than we read.
    """
    with suppress(ImportError):
        import zipfile_zstd  # noqa: F401  (Inspect packs with Zstandard, which Python's zipfile knows from 3.14 on)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS or sum(each.file_size for each in members) > MAX_BYTES:
                raise TrajectoryError(f"unpacked it would be larger than {MAX_BYTES // 1024**2} MiB")
            if "header.json" not in archive.namelist():
                raise TrajectoryError("a zip without header.json: no finished log of Inspect")
            header = parse_json(_member(archive, "header.json"))
            samples = [parse_json(_member(archive, name)) for name in archive.namelist() if _is_sample(name)]
    except TrajectoryError:
        raise
    except NotImplementedError as error:
        raise TrajectoryError("packed with Zstandard: pip install 'journeyman[formats]'") from error
    except Exception as error:  # whatever zipfile and the decompressors raise over bytes that mean harm
        raise TrajectoryError(f"not an archive that can be read: {error or type(error).__name__}") from error
    return {**(header if isinstance(header, dict) else {}), "samples": samples}


def read_inspect(data: dict[str, Any], name: str) -> list[Episode]:
    """
    Raises:
        TrajectoryError: it is no log of Inspect, or has no samples.
    """
    head = need(data, "eval", dict)
    samples = list(objects(need(data, "samples", list), "samples"))
    if not samples:
        raise TrajectoryError("the log holds no samples")
    return [_sample(sample, data, head, name) for sample in samples]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """In small bites: one bite of a bomb stays small too, and zipfile stops at the size that the member declares."""
    with archive.open(name) as file:
        return b"".join(iter(lambda: file.read(_BITE), b""))


def _is_sample(name: str) -> bool:
    return name.startswith("samples/") and name.endswith(".json")


def _sample(sample: dict[str, Any], log: dict[str, Any], head: dict[str, Any], name: str) -> Episode:
    lost = {"events beside messages and calls", "usage of models"} if sample.get("events") else set()
    lost |= {field for field in ("store", "metadata", "target", "choices", "files") if sample.get(field)}
    attachments = may(sample, "attachments", dict) or {}
    messages = list(objects(need(sample, "messages", list), "messages"))
    events = [event for message in messages for event in _events(_whole(message, attachments), lost)]
    limit, error = may(sample, "limit", dict) or {}, may(sample, "error", dict) or {}
    stop = StopReason.REPORTED
    if limit or error:
        stop = _LIMITS.get(str(limit.get("type")), StopReason.INTERRUPTED) if limit else StopReason.POLICY_ERROR
    started = seconds_of(sample.get("started_at"))
    took = sample.get("total_time")
    about = About(
        format=f"inspect-{log.get('version', 2)}",
        task=f"{may(head, 'task', str) or name}/{sample.get('id')}",
        policy=f"inspect ({may(head, 'model', str) or 'unknown'})",
        stop=stop,
        started=started,
        ended=started + took if started is not None and isinstance(took, int | float) else None,
        detail=str(error.get("message", ""))[:2000],
        terms=_terms(sample, lost),
        versions={"inspect_ai": str((may(head, "packages", dict) or {}).get("inspect_ai", ""))},
    )
    return assemble(about, events, lost)


def _terms(sample: dict[str, Any], lost: set[str]) -> tuple[RewardTerm, ...]:
    """The one score, where there is one that is a number or one of Inspect's letters."""
    scores = may(sample, "scores", dict) or {}
    values = {name: _value(score) for name, score in scores.items()}
    if len(values) != 1 or None in values.values():
        lost |= {"scores"} if scores else set()
        return ()
    ((scorer, value),) = values.items()
    return (RewardTerm(scorer, 1.0, value or 0.0, f"the scorer {scorer} of Inspect"),)


def _value(score: Any) -> float | None:
    value = score.get("value") if isinstance(score, dict) else None
    if isinstance(value, str):
        return _GRADES.get(value)
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _whole(value: Any, attachments: dict[str, Any], depth: int = 0) -> Any:
    """With the texts that Inspect put aside back in their place."""
    if isinstance(value, str) and value.startswith("attachment://"):
        kept = attachments.get(value.removeprefix("attachment://"))
        return kept if isinstance(kept, str) else value
    if depth > 20:
        return value
    if isinstance(value, dict):
        return {name: _whole(item, attachments, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item, attachments, depth + 1) for item in value]
    return value


def _events(message: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    role, text = need(message, "role", str), text_of(message.get("content"), lost)
    if role == "assistant":
        calls = [
            Call(need(call, "function", str), arguments_of(call.get("arguments")), may(call, "id", str))
            for call in objects(may(message, "tool_calls", list) or [], "tool_calls")
        ]
        yield Turn(text, calls)
    elif role == "tool":
        error = may(message, "error", dict) or {}
        shown = "\n".join(filter(None, (text, str(error.get("message", "")))))
        yield Answer(shown, may(message, "tool_call_id", str), not error)
    elif role in ("user", "system"):
        yield Said(text)
    else:
        raise TrajectoryError(f"a message of the role {role[:40]!r}")
