"""A file of evaluations, one a line, to be added to and shared: who resolved how much of which tasks, at what cost.

Rows of the same set of tasks (by content) can be ranked together, no others. The same evaluation has one row, however
often it is run: who acts, with which weights and settings, on which tasks, seeds, backend and version of Journeyman.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journeyman.envs.lines import locked_lines
from journeyman.training.checkpoint import TrainingError
from journeyman.training.evaluate import Evaluation
from journeyman.training.measures import Prices

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class LeaderboardError(TrainingError):
    """The file cannot be read or written, or a row of it is none; the message names the row."""


class _Data(BaseModel):
    # What a later version adds to a row is passed over.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Measured(_Data):
    """A mean over tasks, or a rate."""

    value: Share | None
    """None without trials."""
    interval_95: tuple[Share, Share]


class PerSolved(_Data):
    """What one resolved episode took; None where nothing was resolved or it is not known."""

    tokens_sampled: Amount | None = None
    tokens_read: Amount | None = None
    episode_seconds: Amount | None = None
    wall_seconds: Amount | None = None
    cost: Amount | None = None


class Row(_Data):
    """One evaluation."""

    id: str = Field(min_length=1)
    """Hash of what the evaluation is; see `identity`."""
    at: str
    """When the row was written: UTC, ISO 8601."""
    policy: str
    weights: str = ""
    """Digest or revision of the model's weights; empty where no local model acts."""
    versions: dict[str, tuple[str, ...]]
    """Of Journeyman, its code, the model, its settings, its prompt."""
    suite: str = Field(min_length=1)
    """Content hash of the tasks."""
    tasks_from: str = ""
    """What `--tasks` said."""
    tasks: Annotated[int, Field(ge=1)]
    seeds: tuple[int, ...]
    backend: str
    config: dict[str, Any]
    """The environment's settings."""
    resolved: Count
    scored: Count
    unscored: Count
    resolve_rate: Measured
    pass_at_k: dict[int, Measured]
    pass_hat_k: dict[int, Measured]
    milestone_closure: Measured
    self_correction: Measured
    per_solved: PerSolved
    contamination: dict[str, Any]


def row_of(evaluation: Evaluation, prices: Prices | None = None) -> Row:
    """The row of an evaluation that was run by this version.

    Raises:
        LeaderboardError: it lacks what a row must say.
    """
    if not evaluation.scored:
        raise LeaderboardError("nothing was scored, so there is nothing to rank: run it again once the policy can act")
    data, facts = evaluation.to_dict(prices), evaluation.facts
    if not evaluation.suite or "versions" not in facts:
        raise LeaderboardError("this result does not say which tasks it was measured by; run it anew, in another --out")
    row = {
        **data, "id": identity(evaluation), "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "resolve_rate": {"value": data["resolve_rate"], "interval_95": data["interval_95"]},
        "per_solved": data["spent"]["per_solved"], "weights": facts.get("weights", ""), "versions": facts["versions"],
        "tasks_from": facts.get("tasks_from", ""), "tasks": facts["tasks"], "seeds": facts["seeds"],
        "backend": facts["backend"], "config": facts["config"],
        "contamination": {"lineage": facts.get("lineage", {}), "canary": data["canary"]},
    }  # fmt: skip
    return Row.model_validate(row)


def identity(evaluation: Evaluation) -> str:
    """Hash of what makes an evaluation the same as another, which is not how it came out."""
    facts = evaluation.facts
    about = [
        evaluation.policy, facts.get("weights", ""), facts["versions"], evaluation.suite, facts["seeds"],
        facts["backend"], facts["config"],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def read_rows(path: Path) -> list[Row]:
    """All rows, in the order in which they were written.

    Raises:
        LeaderboardError: there is no such file, or a row is broken.
    """
    try:
        return _rows(path, path.read_bytes())
    except OSError as error:
        raise LeaderboardError(f"{path}: cannot be read ({error.strerror})") from error


def add_row(path: Path, row: Row) -> Row | None:
    """Write a row at the end, unless the same evaluation has one: then that is returned, and nothing written.

    Raises:
        LeaderboardError: a row is broken, or the disk refused; the file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked_lines(path) as file:
            for known in _rows(path, file.read()):
                if known.id == row.id:
                    return known
            file.append(row.model_dump_json().encode())
    except OSError as error:
        raise LeaderboardError(f"{path}: cannot be written ({error.strerror}); it is as it was") from error
    return None


def ranked(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """By suite, in the order in which they turn up: its rows, the highest rate first, then the higher lower bound."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.suite].append(row)
    return {suite: sorted(group, key=_rank) for suite, group in found.items()}


def _rank(row: Row) -> tuple[float, float, str, str]:
    rate = row.resolve_rate
    return -(rate.value if rate.value is not None else -1.0), -rate.interval_95[0], row.policy, row.at


def _rows(path: Path, content: bytes) -> list[Row]:
    rows: dict[str, Row] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                row = Row.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                why = f"{where}: {first['msg']}" if where else first["msg"]
                raise LeaderboardError(f"{path}, row {number}: {why}; mend or remove that line") from error
            if row.id in rows:
                raise LeaderboardError(f"{path}, row {number}: the same evaluation stands above; remove that line")
            rows[row.id] = row
    return list(rows.values())
