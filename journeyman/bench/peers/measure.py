"""One row's measurements. Times in ms unless a name says otherwise; every function opens and closes its own boxes."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import host
from .box import EDIT, EDITED, LIST, LONG_S, SHOW, TESTS, Box, Peer, Ran

TRUES = 5
"""How often a round runs `true`."""
LIMIT_S = 1.0
"""Time limit of the command with the hostile tree, in seconds."""
GRACE_S = 0.4
"""How long after it what survives is counted, in seconds."""
HOSTILE = "trap '' TERM INT HUP; sleep {0} & setsid sleep {0} & (setsid sleep {0} &); sleep {0}"
HOSTILE_S = 12
"""How long its processes live if nobody ends them, in seconds."""
CHANGES = {
    "bytes": "mkdir big && for n in 0 1 2 3 4 5 6 7 8 9; do head -c 10485760 /dev/urandom > big/$n; done",
    "files": "python -c \"import pathlib as p; [(p.Path('big', str(d)).mkdir(parents=True),"
    " [p.Path('big', str(d), str(n)).write_text(str(n)) for n in range(100)]) for d in range(100)]\"",
}
"""100 MB in ten files, and 10,000 files."""


class Timer:
    """Measurements by name."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = {}

    def take(self, name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        self.ms.setdefault(name, []).append((time.perf_counter() - start) * 1000)
        return result


def must(ran: Ran, what: str, shows: str = "") -> Ran:
    """A measurement of something that does not work is none."""
    if ran.exit_code or shows not in ran.output:
        raise RuntimeError(f"{what} ended with {ran.exit_code}: {ran.output[-500:]}")
    return ran


def one_round(peer: Peer) -> dict[str, Any]:
    """Each step once, one after the other, with nothing else going on."""
    timer = Timer()
    box = timer.take("reset", peer.open)
    runners = set[str]()
    try:
        for _ in range(TRUES):
            must(timer.take("true", lambda: box.run("true", LONG_S)), "true")
        box.write(EDITED, EDIT)
        timer.take("restore", box.restore)
        if EDIT in must(box.run(SHOW, LONG_S), "cat", "* 7").output:
            raise RuntimeError("restore brought nothing back")
        ran = must(timer.take("pytest", lambda: box.tests(warm=False)), "pytest", "5 passed")
        if peer.has_warm_tests():
            runners.add(must(timer.take("warm", lambda: box.tests(warm=True)), "pytest", "5 passed").runner)
    finally:
        timer.take("close", box.close)
    suite = re.search(r"in ([\d.]+)s", ran.output)
    return {"ms": timer.ms, "suite_s": float(suite[1]) if suite else None, "runners": sorted(runners)}


def episode(peer: Peer, *, warm: bool) -> None:
    """Reset, ls, cat, edit, pytest, close; what was done and printed is recorded where the peer has a record."""
    with peer.recording() as record:
        box = peer.open()
        try:
            record("run", LIST, must(box.run(LIST, LONG_S), "ls", "shop").output)
            record("run", SHOW, must(box.run(SHOW, LONG_S), "cat", "* 7").output)
            box.write(EDITED, EDIT)
            record("write", EDIT, "")
            record("test", TESTS, must(box.tests(warm=warm), "pytest", "5 passed").output)
        finally:
            box.close()


def rate(peer: Peer, processor: host.Processor, lanes: int, seconds: float, *, warm: bool) -> dict[str, float]:
    """Episodes one after the other on each of many lanes; each lane finishes what it began before the time was up.

    A peer that keeps sandboxes ready has them ready: its lanes have worked as long before the clock starts.
    """
    done: list[int] = []
    failures: list[BaseException] = []
    begun: list[float] = []
    marks: list[tuple[float, dict[str, float]]] = []

    def begin() -> None:
        marks.append(processor.mark())
        begun.append(time.perf_counter())

    start = threading.Barrier(lanes, begin)

    def work(since: float) -> int:
        for number in itertools.count(1):
            episode(peer, warm=warm)
            if failures or time.perf_counter() - since > seconds:
                return number
        raise AssertionError  # the count has no end

    def lane() -> None:
        try:
            if peer.keeps_ready:
                work(time.perf_counter())
            start.wait()
            done.append(work(begun[0]))
        except BaseException as error:
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=lane) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    took, cpu, count = time.perf_counter() - begun[0], processor.since(marks[0]), sum(done)
    return {"per_minute": count / took * 60, "cpu_s": cpu / count, "episodes": count, "seconds": took}


def idle(peer: Peer, count: int) -> dict[str, float | None]:
    """Memory of a box that does nothing, in MiB: of all that is there for `count` boxes, each box's share.

    What all share (a process that others are forked from, those that wait in reserve) is in it by the same share, and
    told apart as what is there with one box, less one more box.
    """
    first = peer.open()
    boxes = [first]
    try:
        must(first.run("true", LONG_S), "true")
        time.sleep(0.5)
        one = _memory(peer)
        while len(boxes) < count:
            boxes.append(peer.open())
            must(boxes[-1].run("true", LONG_S), "true")
        time.sleep(0.5)
        many = _memory(peer)
    finally:
        for box in boxes:
            box.close()
    if one is None or many is None:
        return {"mib": None, "engine_mib": None, "shared_mib": None}
    each = (sum(many) - sum(one)) / (count - 1)
    return {
        "mib": sum(many) / count,
        "engine_mib": many[1] / count,
        "shared_mib": max(0.0, sum(one) - each),
    }


def _memory(peer: Peer) -> tuple[float, float] | None:
    """MiB of its processes, and of those that the engine keeps beside its containers."""
    containers = peer.containers()
    shims = host.shims(containers)
    own = host.pss_mib((host.below(os.getpid()) | host.inside(containers)) - shims)
    theirs = host.pss_mib(shims)
    return None if own is None or theirs is None else (own, theirs)


def hostile(peer: Peer, token: str) -> dict[str, float]:
    """A command whose children ignore signals and leave its session: who survives its time limit, how late it returns.

    Survivors are counted shortly after the limit, also while the command has not returned.
    """
    words = f"{HOSTILE_S}.{token}"
    survivors = 0

    def count() -> None:
        nonlocal survivors
        survivors = len(host.saying(f"sleep\0{words}"))

    box = peer.open()
    counter = threading.Timer(LIMIT_S + GRACE_S, count)
    try:
        start = time.perf_counter()
        counter.start()
        box.run(HOSTILE.format(words), LIMIT_S)
        late = time.perf_counter() - start - LIMIT_S
        counter.join()
    finally:
        with suppress(Exception):  # what still runs there may be in its way
            box.close()
    for pid in host.saying(f"sleep\0{words}"):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return {"late_s": late, "survivors": survivors}


def forked(peer: Peer, change: str) -> float:
    """A fork, until it has answered, of a box with so much changed."""
    box: Box = peer.open()
    try:
        must(box.run(CHANGES[change], LONG_S), "the change")
        timer = Timer()

        def fork() -> Box:
            other = box.fork()
            must(other.run("test -f big/9 -o -f big/99/99", LONG_S), "the fork")
            return other

        timer.take("fork", fork).close()
        return timer.ms["fork"][0]
    finally:
        box.close()


def opened(peer: Peer, repository: str) -> float:
    """A reset over another repository."""
    timer = Timer()
    timer.take("reset", lambda: peer.open(repository)).close()
    return timer.ms["reset"][0]
