"""A folder of compiled rows: written whole or not at all, with a manifest that says what went in.

FOLDER/manifest.json    inputs with their digests, rules, and how much was left out for which reason
FOLDER/pairs.jsonl, labels.jsonl, steps.jsonl, scores.jsonl, corrected.jsonl, claims.jsonl
FOLDER/left_out.jsonl   entries (or a part of them) that are in no row, with the reason
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.rows import FILES

MANIFEST = "manifest.json"
FORMAT = 1


class CompiledError(TrainingError):
    """A folder holds no compiled feedback, or not what it says; the message says the mend."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunRead(_Data):
    name: str
    folder: str
    """Seen from the folder of the rows."""
    sha256: str
    """Of its feedback."""
    entries: int


class EpisodeRead(_Data):
    run: str
    digest: str
    """Of the episode as it was (`digest_of`)."""


class GuidelineNow(_Data):
    version: int
    items: Mapping[str, str]
    """Item → digest of what it means."""
    weights: Mapping[str, float]


class FileWritten(_Data):
    rows: int
    simulated: int
    """Of those, so many with a part that a program said in the place of a person."""
    sha256: str


class Manifest(_Data):
    format: int = FORMAT
    runs: tuple[RunRead, ...]
    episodes: Mapping[str, EpisodeRead]
    guidelines: Mapping[str, GuidelineNow]
    rules: tuple[str, ...]
    simulated: bool
    """Whether what programs said in the place of people was taken."""
    files: Mapping[str, FileWritten]
    left_out: Mapping[str, int]
    """Reason → how many entries."""
    undecided: tuple[str, ...] = ()
    """Episodes of which people say both that they are desirable and that they are not."""

    @property
    def digest(self) -> str:
        """Names all that is in the folder."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


_OURS = {"format", "runs", "episodes", "files", "left_out"}
"""Fields that a manifest of any version has."""


def write(out: Path, manifest: Manifest, texts: Mapping[str, str]) -> None:
    """Write a folder. What was compiled there before is gone; nothing of it stays.

    Raises:
        CompiledError: something else is there, or the disk refuses.
    """
    _require_replaceable(out)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        _remove_partial(out)
        partial.mkdir(parents=True)
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    except OSError as error:
        raise CompiledError(
            f"cannot write {out}: {error.strerror}; free some space, or choose another --out"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove(out: Path) -> None:
    """Take away what was compiled into a folder, if anything was; nothing of it stays.

    Raises:
        CompiledError: something else is there, or the disk refuses.
    """
    _require_replaceable(out)
    try:
        _remove_partial(out)
        if out.exists():
            shutil.rmtree(out)
    except OSError as error:
        raise CompiledError(f"cannot remove {out}: {error.strerror}; remove it yourself") from error


def _remove_partial(out: Path) -> None:
    """Of somebody who died while writing."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*.partial"):
        shutil.rmtree(left)


def _require_replaceable(out: Path) -> None:
    if out.exists() and not _may_be_replaced(out):
        raise CompiledError(f"{out} holds something else than compiled feedback; choose another --out")


def _may_be_replaced(out: Path) -> bool:
    """Whether a folder is empty, or holds compiled feedback, of whichever version, and nothing else: many other things
    have a `manifest.json`, and all that is there will be gone."""
    if not out.is_dir():
        return False
    names = {path.name for path in out.iterdir()}
    try:
        return not names or (names <= {MANIFEST, *FILES} and json.loads((out / MANIFEST).read_bytes()).keys() >= _OURS)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def lines(rows: Sequence[BaseModel]) -> str:
    """Rows as they are written: one line of JSON each, the same bytes for the same rows."""
    dumped = (row.model_dump(mode="json") for row in rows)
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in dumped)


def written(rows: Sequence[BaseModel], text: str) -> FileWritten:
    simulated = sum(bool(getattr(row, "simulated", False)) for row in rows)
    return FileWritten(rows=len(rows), simulated=simulated, sha256=hashlib.sha256(text.encode()).hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """Raises: CompiledError: there is none, or it is of another version."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise CompiledError(f"{folder} holds no compiled feedback; `journeyman feedback compile` makes some") from error
    except ValidationError as error:
        raise CompiledError(f"{folder / MANIFEST} is damaged, or of another version; compile again") from error


def read_rows(folder: Path, manifest: Manifest, name: str) -> list[BaseModel]:
    """The rows of one of the files.

    Raises:
        CompiledError: they are not those that were compiled.
    """
    try:
        data = (folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != manifest.files[name].sha256:
            raise CompiledError(f"{folder / name} was changed after it was compiled; compile again")
        return [FILES[name].model_validate_json(line) for line in data.split(b"\n") if line]
    except (OSError, KeyError, ValidationError) as error:
        raise CompiledError(f"{folder / name} cannot be read ({type(error).__name__}); compile again") from error
