"""What was acknowledged survives: some of what `make campaign-log` does hundreds of times."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from journeyman.envs.store import EpisodeStore
from tests.envs.harm import (
    Told,
    change_a_byte,
    check,
    cut_places,
    fill_a_disk,
    kill_a_writer,
    limited_files,
    made,
    tear,
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small run, one long text in it."""
    rng = random.Random(1)
    with EpisodeStore(tmp_path / "run") as store:
        store.add_many([made(rng, 3), made(rng, 2)])
        store.summaries()
    assert [*(tmp_path / "run" / "blobs").rglob("*")]
    return tmp_path / "run"


def test_writers_that_are_killed_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    told: Told = []
    for seed in range(12):
        told += kill_a_writer(tmp_path, seed)
    check(tmp_path, told)
    EpisodeStore(tmp_path).rebuild_index()
    check(tmp_path, told)


def test_whatever_is_torn_off_or_left_at_the_end_costs_nothing_before_it(run: Path, tmp_path: Path) -> None:
    places = cut_places(run, 500)
    for seed in range(12):
        tear(run, tmp_path / "torn", seed, places[seed * 40])


@pytest.mark.parametrize("seed", range(4))
def test_a_full_disk_refuses_and_everything_before_is_kept(tmp_path: Path, seed: int) -> None:
    with limited_files() as room:
        assert fill_a_disk(tmp_path, seed, room) == 1


def test_a_changed_byte_is_noticed_or_changes_nothing(run: Path) -> None:
    rng = random.Random(0)
    whole = list(EpisodeStore(run).episodes())
    (segment,) = (run / "segments").iterdir()
    for at in rng.sample(range(segment.stat().st_size), 25):
        assert change_a_byte(run, segment, at, rng.randrange(1, 256), whole), f"byte {at}"
    (blob, *_) = (path for path in sorted((run / "blobs").rglob("*")) if path.is_file())
    noticed = [change_a_byte(run, blob, at, 1, whole) for at in range(0, blob.stat().st_size, 5)]
    assert all(noticed)
    index = run / "index.sqlite"
    for at in range(0, 4096, 200):
        change_a_byte(run, index, at, 255, whole)
