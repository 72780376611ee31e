"""Harm the episode log in every way that we know, often, and count what was lost.

    python benchmarks/campaigns/log.py [--kills 1000] [--tails 500] [--disks 50] [--results FILE] [--json]

kills   a writing process is killed (SIGKILL) after a random time while another one reads
tails   the last segment ends after each of its last bytes, with noise, zeros or an old block behind it in half of them
disks   a tmpfs of a few pages is filled until it refuses (without the right to mount: files that may not grow)
bytes   each byte of a small run's records and long texts is changed, by a random value

`tests/envs/harm.py` does one of each and asserts what must hold: 0 acknowledged steps lost, 0 doubled, no reader falls
over. A failure is counted and told with its seed. What was done stands in the results file, by kind; the same command
goes on where it was. It ends with exit code 1 when anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from journeyman.envs.store import EpisodeStore
from tests.envs import harm

TOGETHER = 50
"""Of so many tries one is done before the results are written; kills of one such group share a run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--tails", type=int, default=500)
    parser.add_argument("--disks", type=int, default=50)
    parser.add_argument("--results", type=Path, default=Path("runs/log-campaign.json"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(options.results.read_text()) if options.results.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind, group, wanted in (("kills", kills, options.kills), ("tails", tails, options.tails),
                                    ("disks", disks, options.disks), ("bytes", changed_bytes, None)):  # fmt: skip
            _go_on(results.setdefault(kind, {"done": 0, "failures": []}), group, wanted, Path(scratch), options.results,
                   results)  # fmt: skip
            if not options.json:
                print(f"{kind}: {results[kind]}", flush=True)
    figures = {"machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}", **results}
    print(json.dumps(figures) if options.json else figures["machine"])
    sys.exit(any(each["failures"] for each in results.values()))


Group = Callable[[dict[str, Any], range, Path], None]


def _go_on(
    result: dict[str, Any], group: Group, wanted: int | None, scratch: Path, path: Path, results: dict[str, Any]
) -> None:
    while (wanted is None and not result["done"]) or (wanted is not None and result["done"] < wanted):
        first = result["done"]
        seeds = range(first, first + TOGETHER if wanted is None else min(first + TOGETHER, wanted))
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            group(result, seeds, Path(place))
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps(results))
        part.replace(path)


def kills(result: dict[str, Any], seeds: range, place: Path) -> None:
    """Writers of one run, one after the other."""
    told: harm.Told = []
    for seed in seeds:
        with _counted(result, seed):
            told += harm.kill_a_writer(place / "run", seed)
    with _counted(result, seeds[-1], also=0):
        EpisodeStore(place / "run").rebuild_index()
        harm.check(place / "run", told)
    result["acknowledged"] = result.get("acknowledged", 0) + len(told)


def tails(result: dict[str, Any], seeds: range, place: Path) -> None:
    """Each of the last bytes as the end, once with nothing and once with garbage behind."""
    folder = _small_run(place / "run")
    places = harm.cut_places(folder, (seeds[-1] + 2) // 2)
    for seed in seeds:
        with _counted(result, seed):
            harm.tear(folder, place / "torn", seed, places[seed // 2])


def disks(result: dict[str, Any], seeds: range, place: Path) -> None:
    """A small disk is filled, again and again."""
    with _disk(place) as (disk, room):
        result["disk"] = "tmpfs" if disk != place else "files that may not grow"
        for seed in seeds:
            with _counted(result, seed):
                harm.fill_a_disk(disk / f"run{seed}", seed, room)
            room(0)


@contextmanager
def _disk(place: Path) -> Iterator[tuple[Path, Callable[[int], object]]]:
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield disk, harm.filler_of(disk)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    else:
        with harm.limited_files() as room:
            yield place, room


def changed_bytes(result: dict[str, Any], seeds: range, place: Path) -> None:
    """Every byte of the records and the long texts of a small run."""
    folder, rng = _small_run(place / "run"), random.Random(0)
    whole = list(EpisodeStore(folder).episodes())
    result |= {"noticed": 0, "without effect": 0}
    for path in sorted(path for part in ("segments", "blobs") for path in (folder / part).rglob("*") if path.is_file()):
        for at in range(path.stat().st_size):
            with _counted(result, at):
                noticed = harm.change_a_byte(folder, path, at, rng.randrange(1, 256), whole)
                result["noticed" if noticed else "without effect"] += 1


def _small_run(folder: Path) -> Path:
    rng = random.Random(1)
    with EpisodeStore(folder) as store:
        store.add_many([harm.made(rng, 3), harm.made(rng, 2)])
        store.summaries()
    return folder


@contextmanager
def _counted(result: dict[str, Any], seed: int, also: int = 1) -> Iterator[None]:
    try:
        yield
    except Exception:
        result["failures"].append([seed, traceback.format_exc()[-1500:]])
    result["done"] += also


if __name__ == "__main__":
    main()
