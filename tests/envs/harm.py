"""What is done to a run to see that it bears it: writers killed, ends torn, disks filled, bytes changed.

Each function does one such thing, as the seed says, and asserts what must hold. The suite does a few of each; the
campaign `benchmarks/campaigns/log.py` does hundreds.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.codec import LONG_TEXT
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.log import HEADER, LogWriteError, Record, SegmentWriter, scan
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from journeyman.tasks.verdict import Assurance, Outcome, Verdict

Told = list[tuple[str, int]]
"""What was acknowledged: an episode, and how many of its steps; -1 once it had ended."""


def made(rng: random.Random, steps: int | None = None) -> Episode:
    """An episode with short texts and long ones."""
    some = tuple(_step(rng, number) for number in range(rng.randrange(1, 6) if steps is None else steps))
    verdict = Verdict({"t.py::a": Outcome.PASSED}, {}, True, Assurance.FRESH, "t")
    return Episode(
        new_episode_id(), "till", "oracle", rng.randrange(99), Observation("go"), some, StopReason.REPORTED, 1.0,
        (RewardTerm("outcome", 1.0, 1.0, "checks"),), verdict, "2025-01-01T00:00:00Z", 1.5,
    )  # fmt: skip


def _step(rng: random.Random, number: int) -> Step:
    text = f"{rng.random()} " * (1 + (LONG_TEXT // 10 if rng.random() < 0.2 else rng.randrange(20)))
    tokens = TokenTurn((1, 2), (rng.randrange(999),), (-rng.random(),))
    call = Action("view", {"path": "a.py", "line": number + 1}, tokens=tokens)
    return Step(call, Observation(text, "view", True, number + 1, 9), tree_hash="t", tests=TestRun(("a::b",)))


def begun(whole: Episode) -> Episode:
    return replace(whole, steps=(), stop=StopReason.INTERRUPTED, reward=None, terms=(), verdict=None, duration_s=0.0)


def write(store: EpisodeStore, rng: random.Random, tell: Callable[[str, int], None]) -> None:
    """Record one episode and tell of each thing that was acknowledged."""
    whole = made(rng)
    store.begin(begun(whole))
    tell(whole.id, 0)
    for number, step in enumerate(whole.steps, 1):
        store.step(whole.id, step)
        tell(whole.id, number)
    store.finish(whole)
    tell(whole.id, -1)


def check(folder: Path, told: Told) -> None:
    """All that was acknowledged is there, once, and nothing else but what was on its way."""
    store = EpisodeStore(folder)
    summaries = Counter(each.id for each in store.summaries())
    assert set(summaries.values()) <= {1}, "an episode is there twice"
    ended = {name for name, steps in told if steps < 0}
    least = {name: max(steps for other, steps in told if other == name) for name, _ in told}
    for name, steps in least.items():
        episode = store.get(name)
        assert [step.observation.step for step in episode.steps] == list(range(1, len(episode.steps) + 1))
        assert steps <= len(episode.steps) <= steps + 1 or name in ended, "at most the one on its way was not told"
        assert (name not in ended) or episode.stop is StopReason.REPORTED
    assert {each.id for each in store.summaries() if each.state is State.DAMAGED} == set()


def kill_a_writer(folder: Path, seed: int) -> Told:
    """A process writes episodes, and now and then lists them, until it is killed; returns what it acknowledged."""
    rng = random.Random(seed)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.close(reading)
            _write_on(folder, random.Random(seed), writing)
        finally:
            os._exit(1)
    os.close(writing)
    deadline = time.monotonic() + rng.uniform(0.0, 0.12)
    while time.monotonic() < deadline:
        EpisodeStore(folder).summaries()  # whatever it finds, it must not fall over it
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    told = [(name, int(steps)) for name, _, steps in (line.partition(" ") for line in lines)]
    check(folder, told)
    return told


def _write_on(folder: Path, rng: random.Random, pipe: int) -> None:
    store = EpisodeStore(folder)
    while True:
        write(store, rng, lambda name, steps: _tell(pipe, name, steps))
        if rng.random() < 0.1:
            store.summaries()


def _tell(pipe: int, name: str, steps: int) -> None:
    os.write(pipe, f"{name} {steps}\n".encode())  # a line is whole or not there: pipes take so few bytes at once


def tear(folder: Path, scratch: Path, seed: int, cut: int) -> None:
    """A run's only segment ends after `cut` bytes, with garbage for every second seed: what is before is there."""
    rng = random.Random(seed)
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(folder, scratch)
    (segment,) = (scratch / "segments").glob("*.log")
    data = segment.read_bytes()
    records = [item for item in scan(segment) if isinstance(item, Record)]
    whole = [item for item in records if item.end <= cut]
    segment.write_bytes(data[:cut] + (_garbage(rng, data, records) if seed % 2 else b""))
    if rng.random() < 0.5:  # with an index that knows more than is there, or none
        (scratch / "index.sqlite").unlink(missing_ok=True)
    originals = {each.id: each for each in EpisodeStore(folder).episodes()}
    kept = list(EpisodeStore(scratch).episodes())
    assert len({each.id for each in kept}) == len(kept)
    for each in kept:
        original = originals[each.id]
        assert each.steps == original.steps[: len(each.steps)], "steps are as they were, each once"
    EpisodeStore(scratch).problems()
    with SegmentWriter(segment) as writer:
        writer.append(b"later")
    after = [item.payload for item in scan(segment) if isinstance(item, Record)]
    assert after[: len(whole)] == [item.payload for item in whole] and after[-1] == b"later"
    with EpisodeStore(scratch) as store:
        store.add(new := made(rng))
        assert store.get(new.id) == new


def _garbage(rng: random.Random, data: bytes, records: list[Record]) -> bytes:
    """What a disk may leave at the end of a file: noise, zeros, the rest of an old block."""
    old = rng.choice(records)
    return rng.choice(
        (rng.randbytes(rng.randrange(1, 200)), bytes(rng.randrange(1, 5000)), data[old.offset : old.end + 5])
    )


def cut_places(folder: Path, count: int) -> list[int]:
    """So many places to cut a run's only segment: each byte from its end backwards, then those of its header."""
    (segment,) = (folder / "segments").glob("*.log")
    size = segment.stat().st_size
    last = list(range(size, max(size - count, len(HEADER)), -1))
    return [*last, *range(len(HEADER) + 1)][:count]


def fill_a_disk(folder: Path, seed: int, room: Callable[[int], object]) -> int:
    """Write until the disk refuses, read, make room, go on; returns how often it refused.

    Args:
        room: called with how many bytes the disk may take from now on; 0 for as many as are wanted.
    """
    rng, told = random.Random(seed), Told()
    refused = 0
    with EpisodeStore(folder) as store:
        room(rng.randrange(2_000, 60_000))
        while not refused:
            whole = made(rng, 5)
            try:
                store.begin(begun(whole))
                told.append((whole.id, 0))
                for number, step in enumerate(whole.steps, 1):
                    store.step(whole.id, step)
                    told.append((whole.id, number))
                store.finish(whole)
                told.append((whole.id, -1))
            except LogWriteError:
                refused += 1
        check(folder, told)
        room(0)
        if told and told[-1][0] == whole.id:  # it had begun: it goes on where it was
            for number in range(told[-1][1], len(whole.steps)):
                store.step(whole.id, whole.steps[number])
            store.finish(whole)
        else:
            store.add(whole)
        assert store.get(whole.id) == whole, "what was refused is written when there is room"
        told.append((whole.id, -1))
    check(folder, told)
    assert EpisodeStore(folder).problems() == []
    return refused


@contextmanager
def limited_files() -> Iterator[Callable[[int], object]]:
    """Files of this process grow by so much at most: a full disk that needs no privilege."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size or soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def filler_of(disk: Path) -> Callable[[int], object]:
    """Leaves so many bytes of a small disk free, by a file that takes the rest."""
    filler = disk / "filler"

    def leave(size: int) -> None:
        filler.unlink(missing_ok=True)
        if size:
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            os.truncate(filler, max(filler.stat().st_size - size, 0))

    return leave


def change_a_byte(folder: Path, path: Path, at: int, by: int, whole: list[Episode]) -> bool:
    """Whether a changed byte (xor `by`) is noticed. Where it is not, the episodes must be what they were."""
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ by]) + data[at + 1 :])
    try:
        store = EpisodeStore(folder)
        if store.problems():
            return True
        assert list(store.episodes()) == whole, f"byte {at} of {path.name} was changed, and nobody noticed"
        return False
    finally:
        path.write_bytes(data)
