"""States that are kept on the disk: whole or not there, each content once, the least used ones first to go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.blobs import PART
from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.sandbox.snapshots import SnapshotMissing, SnapshotStore
from tests.processes import eventually
from tests.sandbox.conftest import BARE

hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
files = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(File, st.binary(max_size=64), st.sampled_from([0o644, 0o755])),
    max_size=4,
)
snapshots = st.builds(
    Snapshot, hashes, hashes, files, st.frozensets(st.text(min_size=1, max_size=8)), st.lists(st.text()).map(tuple)
)


def state(number: int, size: int = 100) -> Snapshot:
    """A state with a file of its own, which hardly compresses, and one that all have."""
    own = b"".join(f"{number * 7919 + i * 104729:x}".encode() for i in range(size))
    return Snapshot(f"{number:064x}", "b" * 64, {"own.txt": File(own), "all.txt": File(b"same")})


def names(store: SnapshotStore) -> list[int]:
    return [int(kept.tree_hash, 16) for kept in store.kept()]


def stored(store: SnapshotStore) -> list[Path]:
    return list(store.folder.glob("*/*/*"))


@given(states=st.lists(snapshots, unique_by=lambda each: (each.tree_hash, each.base_hash)))
def test_what_is_put_is_what_is_got(states: list[Snapshot], tmp_path_factory: pytest.TempPathFactory) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    for each in [*states, *states]:
        assert store.put(each) == each.tree_hash
    again = SnapshotStore(store.folder)
    for each in states:
        assert again.get(each.tree_hash, each.base_hash) == each
    assert len(again.kept()) == len(states)
    contents = {file.data for each in states for file in each.changed.values()}
    assert len(list((store.folder / "blobs").glob("*/*"))) == len(contents), "each content once"


@given(data=st.data())
def test_pruning_keeps_what_was_used_last_and_nothing_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    sizes = data.draw(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
    for number, size in enumerate(sizes):
        store.put(state(number, size))
    order = data.draw(st.permutations(range(len(sizes))))
    for age, number in enumerate(order):
        (path,) = (store.folder / "states").glob(f"*/{number:064x}-*")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert names(store) == order
    bound = data.draw(st.integers(0, sum(kept.size for kept in store.kept())))
    before = store.prune(10**9) + sum(kept.size for kept in store.kept())
    freed = store.prune(bound)
    left = store.kept()
    assert names(store) == order[: len(left)]
    assert sum(kept.size for kept in left) == before - freed <= bound
    for number in order[: len(left)]:
        assert store.get(f"{number:064x}") == state(number, sizes[number])
    assert left or not stored(store)


def test_one_tree_of_two_repositories(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    one = Snapshot("a" * 64, "b" * 64, {"x": File(b"1")})
    two = Snapshot("a" * 64, "c" * 64, {"y": File(b"2")})
    store.put(one)
    store.put(two)
    assert store.get("a" * 64, "b" * 64) == one
    assert store.get("a" * 64, "c" * 64) == two
    assert store.get("a" * 64) in (one, two)


def test_what_is_missing_or_damaged_is_missing_and_can_be_put_again(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for name in ("f" * 64, "../../etc", ""):
        with pytest.raises(SnapshotMissing):
            store.get(name)
    store.put(state(1))
    for path in [*(tmp_path / "states").glob("*/*"), *(tmp_path / "blobs").glob("*/*")]:
        whole = path.read_bytes()
        for torn in (
            b"",
            whole[: len(whole) // 2],
            bytes([whole[0] ^ 1]) + whole[1:],
            whole[:-1] + bytes([whole[-1] ^ 1]),
        ):
            path.write_bytes(torn)
            with pytest.raises(SnapshotMissing):
                store.get(state(1).tree_hash)
            store.put(state(1))
            assert store.get(state(1).tree_hash) == state(1)


def test_a_store_bounds_itself(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, max_bytes=200_000)
    for number in range(60):
        store.put(state(number, size=3000))
    assert sum(kept.size for kept in store.kept()) < 200_000 * 1.2
    assert store.get(state(59).tree_hash)
    assert 0 not in names(store)


def test_states_that_nobody_used_for_long_are_forgotten(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for number in range(3):
        store.put(state(number))
    (old,) = (tmp_path / "states").glob(f"*/{1:064x}-*")
    os.utime(old, (1, 1))
    assert store.prune(10**9, unused_since=1000.0) > 0
    assert sorted(names(store)) == [0, 2]
    assert store.forget([(state(2).tree_hash, state(2).base_hash)]) > 0
    assert names(store) == [0]
    assert store.get(state(0).tree_hash) == state(0), "what they share stays"


PUTS = """
import sys
from pathlib import Path
from journeyman.sandbox.snapshots import SnapshotStore
from tests.sandbox.test_snapshots import state
store = SnapshotStore(Path(sys.argv[1]))
print("up", flush=True)
for number in range(10_000):
    store.put(state(number, size=20_000))
"""


def test_a_killed_process_leaves_only_whole_states(tmp_path: Path, house: Path) -> None:
    for delay_s in (0.05, 0.1, 0.15, 0.2):
        process = subprocess.Popen([sys.executable, "-c", PUTS, str(tmp_path)], stdout=subprocess.PIPE, cwd=house)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert eventually(lambda: bool(names(SnapshotStore(tmp_path))), 60), "there is something that can be half done"
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    store = SnapshotStore(tmp_path)
    assert names(store)
    for number in names(store):
        assert store.get(f"{number:064x}") == state(number, size=20_000)
    store.prune(10**9)
    assert not [path for path in stored(store) if path.name.endswith(PART)]
    blobs = {file.data for number in names(store) for file in state(number, size=20_000).changed.values()}
    assert len(list((tmp_path / "blobs").glob("*/*"))) == len(blobs), "nothing is left of the half-done"


def _work(folder: Path, seed: int) -> int:
    store, whole = SnapshotStore(folder), 0
    for step in range(60):
        number = (seed * 31 + step * 7) % 20
        store.put(state(number))
        try:
            assert store.get(f"{(number + seed) % 20:064x}") == state((number + seed) % 20)
            whole += 1
        except SnapshotMissing:
            pass
        if step % 10 == 0:
            store.prune(30_000)
    return whole


def test_many_processes_may_put_get_and_prune(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        whole = list(pool.map(partial(_work, tmp_path), range(4)))
    assert all(whole)
    store = SnapshotStore(tmp_path)
    for number in names(store):
        assert store.get(f"{number:064x}") == state(number)


def test_a_real_state_travels_through_the_store(factory: SandboxFactory, repository: Path, tmp_path: Path) -> None:
    with factory.create(BARE, repository) as sandbox:
        sandbox.write("src/new.py", b"x = 1\n", mode=0o755)
        sandbox.remove("tool.sh")
        name = SnapshotStore(tmp_path).put(sandbox.snapshot())
    with factory.create(BARE, repository) as another:
        another.restore(SnapshotStore(tmp_path).get(name))
        assert another.snapshot().tree_hash == name
        assert another.read("src/new.py") == b"x = 1\n"
