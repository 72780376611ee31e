"""Lanes on the host side, and the pools in which they wait: what makes a reset cost a fork and not a start.

A lane (`inside/lane.py`) makes one sandbox at a time, one after the other. Whoever asks for a sandbox takes an idle
lane of the right kind, or has one made; when the sandbox ends the lane goes back. A pool that is asked again and again
keeps one lane ready ahead of demand. A lane serves `RETIRE_AFTER` sandboxes at the most, and one whose files live on in
a fork is not used again.

All of it belongs to one process: a fork of it has pools of its own. What is idle ends with the process (`dismiss`).
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Protocol

from journeyman.sandbox.channel import Channel, SocketStream
from journeyman.sandbox.inside.cgroup import Cgroup
from journeyman.sandbox.inside.lane import MAX_HANDLES
from journeyman.sandbox.inside.launch import MAX_MESSAGE
from journeyman.sandbox.sandbox import Limits, SandboxError, SandboxLost

RETIRE_AFTER = 500
"""Sandboxes that one lane makes."""
MAX_POOLS = 8
"""Kinds of lanes that a process keeps; idle ones of the kind that was not asked for longest are ended."""
IDLE_S = 60.0
"""How long a lane may wait unused where others wait too, in seconds."""
ANSWER_S = 20.0
"""How long a lane may take for an answer before it counts as hung, in seconds."""


class Lane:
    """One lane. Only one thread uses it at a time, but for `end`.

    Args:
        connection: to the lane, a socket of packets.
        retire: ends the lane and whatever it stands in; called once.
        group: its control group, if it has one.
        bounded: whether something limits the memory of all that is in it together.
    """

    def __init__(
        self, connection: socket.socket, retire: Callable[[], None], *, group: Cgroup | None = None, bounded: bool
    ) -> None:
        self._group, self._bounded = group, bounded or group is not None
        self._connection, self._retire = connection, retire
        self._served, self._exported = 0, False
        self._limits: Limits | None = None
        self._killed = 0
        self._status: int | None = None
        self._ended = False
        self._receiving = threading.Lock()
        self.idle_since = time.monotonic()

    def launch(self, template: str, limits: Limits, layers: Sequence[int]) -> tuple[Channel, dict[str, str]]:
        """Make a sandbox; returns the channel to its process 1, and how it keeps its promises here.

        Raises:
            SandboxError: the kernel refuses something; the message says what. The lane is no good then.
        """
        self._served += 1
        self._status, self._ended = None, False
        if self._group is not None:
            if limits != self._limits:
                self._group.limit(limits.memory_mb << 20, limits.processes + 8)
                self._limits = limits
            self._killed = self._group.out_of_memory()
        ours, theirs = socket.socketpair()
        channel = Channel(SocketStream(ours), self._why)
        request = {"op": "launch", "template": template, "limits": asdict(limits), "bounded": self._bounded}
        try:
            with theirs:
                self._send(request, [theirs.fileno(), *layers])
            answer, _ = channel.ask("hello")
        except BaseException:
            channel.close()
            raise
        return channel, {name: str(answer[name]) for name in ("workspace", "landlock")}

    def share(self, image: int, *, empty: bool) -> int:
        """Hold in common with other lanes what it has loaded, see `inside/twins.py`; before the first `launch`.

        Args:
            image: a descriptor from `new_image`.
            empty: whether this lane is to fill it.

        Returns:
            Bytes of its memory that are the image's from now on; 0 where that cannot be.

        Raises:
            SandboxError: the lane is lost.
        """
        self._send({"op": "share", "empty": empty}, [image])
        answer, _ = self._receive(ANSWER_S)
        return int(answer["shared"])

    @property
    def memory(self) -> str:
        """How memory is limited, in words."""
        if self._group is not None:
            return f"cgroup v{self._group.version}, whole sandbox"
        return "container" if self._bounded else "address space, per process"

    def freeze(self) -> list[int]:
        """Freeze what the sandbox has written as a layer; returns mounts of all its layers, for `launch`.

        Raises:
            SandboxError: it cannot be done; the sandbox may be lost.
        """
        self._exported = True
        self._send({"op": "freeze"})
        answer, handles = self._receive(ANSWER_S)
        if "frozen" not in answer or not handles:
            raise SandboxError(f"the files could not be frozen: {answer.get('error', 'no answer')}")
        return handles

    def end(self) -> bool:
        """End the sandbox and all that is in it; says whether the lane can make another one."""
        try:
            self._send({"op": "end"})
            deadline = time.monotonic() + ANSWER_S
            while not self._ended:  # another thread, which asks why it ended, may have had the answer
                self._receive(max(0.0, deadline - time.monotonic()))
        except SandboxError:
            return False
        return self._served < RETIRE_AFTER and not self._exported

    def is_idle(self) -> bool:
        """Whether it lives: an idle lane has nothing to say, and one that is dead has hung up."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return not poll.poll(0)

    def retire(self) -> None:
        """End the lane. Idempotent."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # also where a forked process holds a copy
        self._connection.close()
        self._retire()

    def _why(self) -> str:
        """Why process 1 ended, once its stream has."""
        if self._status is None:
            try:
                self._receive(5.0)
            except SandboxError:
                return "its lane was killed"
        if self._group is not None and self._group.out_of_memory() > self._killed:
            return "out of memory"
        return "it was killed" if self._group is not None else "out of memory, or killed from outside"

    def _send(self, request: dict[str, Any], handles: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._connection, [json.dumps(request).encode()], handles)
        except OSError as error:
            raise SandboxLost(f"the sandbox's lane is gone: {error.strerror or error}") from error

    def _receive(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """One packet; none when the sandbox has ended already. Raises SandboxLost when none comes, or never will."""
        with self._receiving:
            if self._ended:
                return {}, []
            poll = select.poll()
            try:
                poll.register(self._connection, select.POLLIN)
                if not poll.poll(seconds * 1000):
                    raise SandboxLost("the sandbox's lane does not answer")
                data, handles, _, _ = socket.recv_fds(self._connection, MAX_MESSAGE, MAX_HANDLES)
            except (OSError, ValueError) as error:
                raise SandboxLost(f"the sandbox's lane is gone: {error}") from error
            if not data:
                raise SandboxLost("the sandbox's lane was killed")
            answer: dict[str, Any] = json.loads(data)
            if "died" in answer:
                self._status = int(answer["died"])
            self._ended |= "ended" in answer
            return answer, handles


class Source(Protocol):
    """Where lanes of one kind come from."""

    max_idle: int
    """How many of its lanes may wait."""

    def lane(self) -> Lane:
        """A new one. Raises SandboxUnavailable."""
        ...

    def close(self) -> None:
        """End what lanes come from; none is in use. It may be asked for another lane later. Idempotent."""
        ...


class Pool:
    """Lanes of one kind."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._idle: list[Lane] = []
        self._lock = threading.Lock()
        self._maker: threading.Thread | None = None
        self._taken = 0
        self.in_use = 0

    def take(self) -> Lane:
        """An idle lane, the one used last first, else a new one."""
        with self._lock:
            self._taken += 1
            self.in_use += 1
            again = self._taken > 1
            lane = self._idle.pop() if self._idle else None
            while lane is not None and not lane.is_idle():
                lane.retire()
                lane = self._idle.pop() if self._idle else None
            short = not self._idle
        try:
            lane = lane or self._source.lane()
        except BaseException:
            with self._lock:
                self.in_use -= 1
            raise
        if short and again:
            self._prepare()
        return lane

    def give(self, lane: Lane, good: bool) -> None:
        """Take a lane back, whose sandbox has ended."""
        with self._lock:
            self.in_use -= 1
            keep = good and len(self._idle) < self._source.max_idle
            if keep:
                lane.idle_since = time.monotonic()
                self._idle.append(lane)
            stale = self._idle.pop(0) if self._is_stale() else None
        for each in (stale, None if keep else lane):
            if each is not None:
                each.retire()

    def _is_stale(self) -> bool:
        """Whether the lane that was used longest ago is not needed: those used last are taken first."""
        return len(self._idle) > 1 and time.monotonic() - self._idle[0].idle_since > IDLE_S

    def idle(self) -> int:
        return len(self._idle)

    def dismiss(self) -> None:
        """End the lanes that are idle and, with no other, what they come from."""
        if (maker := self._maker) is not None:
            maker.join()
        with self._lock:
            idle, self._idle = self._idle, []
            for lane in idle:
                lane.retire()
            if not self.in_use:
                self._source.close()

    def _prepare(self) -> None:
        """Have one ready before long."""
        with self._lock:
            if self._maker is None or not self._maker.is_alive():
                self._maker = threading.Thread(target=self._make, name="sandbox lane", daemon=True)
                self._maker.start()

    def _make(self) -> None:
        if self._idle:  # another came back meanwhile
            return
        with suppress(SandboxError):
            lane = self._source.lane()
            with self._lock:
                self._idle.append(lane)


_pools: dict[tuple[int, Hashable], Pool] = {}
"""By process id, since a fork must not take its parent's lanes, and by what the lanes are for."""
_pools_lock = threading.Lock()


def pool_for(key: Hashable, source: Callable[[], Source]) -> Pool:
    """This process's pool of that key; `source` is called once, to make what it draws from."""
    with _pools_lock:
        place = os.getpid(), key
        pool = _pools.pop(place) if place in _pools else Pool(source())
        _pools[place] = pool  # the last one is the one asked for last
        others = _ours()[:-MAX_POOLS]
    for other in others:
        other.dismiss()
    return pool


def _ours() -> list[Pool]:
    return [pool for (process, _), pool in list(_pools.items()) if process == os.getpid()]


def idle_lanes() -> int:
    """How many lanes of this process wait."""
    return sum(pool.idle() for pool in _ours())


@atexit.register
def dismiss() -> None:
    """End every lane of this process that is idle, and what nobody uses of what lanes come from."""
    for pool in _ours():
        pool.dismiss()
