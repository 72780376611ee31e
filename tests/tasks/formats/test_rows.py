"""Rows are read one by one from where data sets lie; what is no row is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from journeyman.tasks.formats.format import FormatError, Row
from journeyman.tasks.formats.rows import read_rows, write_rows

ROWS: list[Row] = [{"instance_id": f"r-{n}", "FAIL_TO_PASS": ["a"], "n": n} for n in range(40)]


def test_json_lines_are_read_lazily(tmp_path: Path) -> None:
    """A broken line far below troubles nobody who stops before it."""
    path = tmp_path / "rows.jsonl"
    write_rows(ROWS, path)
    with path.open("a") as file:
        file.write("\n{broken\n")
    assert list(read_rows(str(path), limit=40)) == ROWS
    with pytest.raises(FormatError, match=r"rows.jsonl, line 42: not JSON"):
        list(read_rows(str(path)))


def test_a_json_list_and_misnamed_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps(ROWS))
    (tmp_path / "lines.json").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    assert list(read_rows(str(tmp_path / "list.json"))) == list(read_rows(str(tmp_path / "lines.json"))) == ROWS


def test_parquet_is_read_in_batches_with_its_splits(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pip install 'journeyman[formats]'")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    for name, rows in (("train-00000-of-00002", ROWS[:20]), ("train-00001-of-00002", ROWS[20:]), ("test", ROWS[:1])):
        parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "data" / f"{name}.parquet")
    assert list(read_rows(str(tmp_path), split="train")) == ROWS
    assert list(read_rows(str(tmp_path), split="test")) == ROWS[:1]
    assert list(read_rows(str(tmp_path / "data" / "test.parquet"))) == ROWS[:1]
    with pytest.raises(FormatError, match="no split 'dev'"):
        read_rows(str(tmp_path), split="dev")
    (tmp_path / "data" / "test.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FormatError, match="not a Parquet file"):
        list(read_rows(str(tmp_path), split="test"))


def test_the_hub_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="pip install 'journeyman[formats]'")
    taken = []

    def stream(name: str, *, split: str, streaming: bool) -> Iterator[Row]:
        assert (name, split, streaming) == ("ada/rows", "train", True)
        for row in ROWS:
            taken.append(row)
            yield row

    monkeypatch.setattr(datasets, "load_dataset", stream)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda name: ["train"])
    assert list(islice(read_rows("ada/rows"), 2)) == ROWS[:2] and len(taken) == 2
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda name: ["dev", "test"])
    with pytest.raises(FormatError, match="--split: dev, test"):
        read_rows("ada/rows")


@pytest.mark.parametrize(
    "where,split,why",
    [
        ("no.jsonl", None, "no such file or folder"),
        ("rows.csv", None, "rows lie in"),
        ("rows.jsonl", "test", "one file has no splits"),
        ("empty", None, "no rows there"),
    ],
)
def test_what_is_no_data_set_is_named(where: str, split: str | None, why: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    write_rows(ROWS, tmp_path / "rows.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=why):
        list(read_rows(str(tmp_path / where), split=split))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(ROWS[:1], path)

    def fails() -> Iterator[Row]:
        yield ROWS[1]
        raise FormatError("no more")

    with pytest.raises(FormatError, match="no more"):
        write_rows(fails(), path)
    assert list(read_rows(str(path))) == ROWS[:1] and [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]
