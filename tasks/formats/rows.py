"""Data sets of rows, read one by one: JSON Lines, Parquet, or a name on the hub.

rows.jsonl                     JSON Lines; a `.json` file that holds one list is read too
data/test-00000-of-00001.parquet
folder                         its files, those of the split alone where names say it (`test-*`, `test.*`)
owner/name                     the hub, streamed (needs `datasets`: pip install 'journeyman[formats]')
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from journeyman.tasks.formats.format import FormatError, Row, json_object

_KINDS = (".jsonl", ".ndjson", ".json", ".parquet")
_BATCH = 16
"""Rows of a Parquet file in memory at once; some are megabytes."""
_EXTRA = "pip install 'journeyman[formats]'"


def read_rows(where: str, *, split: str | None = None, limit: int | None = None) -> Iterator[Row]:
    """The rows at a place, lazily.

    Args:
        split: of a folder or a hub data set; all files, or the hub's only split, where it is None.

    Raises:
        FormatError: there are none, or a line is no JSON object; the message names file and line.
    """
    path = Path(where)
    if not path.exists():
        found = _hub(where, split)
    elif path.is_dir():
        found = (row for file in _files(path, split) for row in _file(file))
    elif split is not None:
        raise FormatError(f"{where}: one file has no splits; leave --split out, or name its folder")
    else:
        found = _file(path)
    return islice(found, limit)


def write_rows(rows: Iterable[Row], path: Path) -> int:
    """Write rows as JSON Lines, whole or not at all, and say how many.

    Raises:
        FormatError: the file cannot be written.
    """
    number = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}") from error
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
                number += 1
        Path(made).chmod(0o644)
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return number


def _files(folder: Path, split: str | None) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in _KINDS and not path.name.startswith("."))
    if split is not None:
        of_split = [p for p in found if p.stem == split or p.name.startswith(f"{split}-") or p.parent.name == split]
        if found and not of_split:
            raise FormatError(f"{folder}: no split {split!r}; its files are {', '.join(p.name for p in found[:8])}")
        found = of_split
    if not found:
        raise FormatError(f"{folder}: no rows there; they lie in {', '.join(_KINDS)} files")
    return found


def _file(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".json":
        return _json(path)
    if path.suffix in _KINDS:
        return _json_lines(path)
    raise FormatError(f"{path}: rows lie in {', '.join(_KINDS)} files")


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield json_object(line, f"{path}, line {number}")


def _json(path: Path) -> Iterator[Row]:
    """One list of rows, else JSON Lines under another name."""
    try:
        whole = json.loads(path.read_bytes())
    except ValueError:
        yield from _json_lines(path)
        return
    for number, row in enumerate(whole if isinstance(whole, list) else [whole], 1):
        if not isinstance(row, dict):
            raise FormatError(f"{path}, row {number}: not a JSON object")
        yield row


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FormatError(f"{path}: Parquet needs pyarrow: {_EXTRA}") from error
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise FormatError(f"{path}: not a Parquet file that can be read: {error}") from error


def _hub(name: str, split: str | None) -> Iterator[Row]:
    if name.count("/") != 1 or name.endswith(_KINDS) or name.startswith((".", "/")):
        raise FormatError(f"{name}: no such file or folder, nor a hub data set's name (owner/name)")
    try:
        import datasets
    except ImportError as error:
        raise FormatError(f"{name}: data sets of the hub need `datasets`: {_EXTRA}") from error
    try:
        if split is None:
            splits = datasets.get_dataset_split_names(name)
            if len(splits) != 1:
                raise FormatError(f"{name}: choose one of its splits with --split: {', '.join(splits)}")
            split = splits[0]
        rows: Iterable[Any] = datasets.load_dataset(name, split=split, streaming=True)
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FormatError(f"{name}: no such file or folder here, and the hub does not give it: {first}") from error
    return (dict(row) for row in rows)
