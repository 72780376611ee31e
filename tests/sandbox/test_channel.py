"""The supervisor believes nothing that comes out of a sandbox until it has looked at it."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.sandbox import channel as channel_module
from journeyman.sandbox.channel import Channel, SocketStream
from journeyman.sandbox.inside.agent import HEADER, encode
from journeyman.sandbox.inside.commands import Capture
from journeyman.sandbox.link import link
from journeyman.sandbox.remote import RemoteSandbox
from journeyman.sandbox.sandbox import SandboxError, SandboxLost, SandboxPathError
from journeyman.sandbox.template import Template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(message=st.dictionaries(st.text(), JSON), payload=st.binary())
def test_a_message_survives_the_wire(message: dict[str, Any], payload: bytes) -> None:
    wire = encode(message, len(payload)) + payload
    sizes = HEADER.unpack(wire[: HEADER.size])
    text, rest = wire[HEADER.size :][: sizes[0]], wire[HEADER.size :][sizes[0] :]
    assert (json.loads(text), rest, len(rest)) == (message, payload, sizes[1])


@given(parts=st.lists(st.binary(max_size=300), max_size=20), keep=st.integers(1, 400))
def test_captured_output_is_whole_or_head_and_tail(parts: list[bytes], keep: int) -> None:
    capture = Capture(keep)
    for part in parts:
        capture.add(part)
    text, dropped = capture.result()
    whole = b"".join(parts)
    if not dropped:
        assert text == whole
        return
    half = max(1, keep // 2)
    assert text == whole[:half] + f"\n[... {dropped} bytes left out ...]\n".encode() + whole[-half:]
    assert dropped == len(whole) - 2 * half


def far_end(answers: bytes | Callable[[socket.socket], None]) -> Channel:
    """A channel whose far end takes what comes and says this."""
    ours, theirs = socket.socketpair()

    def speak() -> None:
        with theirs:
            theirs.recv(1 << 16)
            answers(theirs) if callable(answers) else theirs.sendall(answers)

    threading.Thread(target=speak, daemon=True).start()
    return Channel(SocketStream(ours))


@settings(max_examples=60)
@given(noise=st.binary(max_size=200))
def test_noise_is_a_lost_sandbox_and_nothing_worse(noise: bytes) -> None:
    channel = far_end(noise)
    try:
        answer, payload = channel.ask("hello")
    except SandboxError:
        return
    finally:
        channel.close()
    assert isinstance(answer, dict)
    assert payload == b""


@pytest.mark.parametrize(
    "answer",
    [b"", HEADER.pack(1 << 31, 0), HEADER.pack(2, 1) + b"{}x", HEADER.pack(2, 0) + b"[]", encode({"a": 1})[:-1]],
    ids=["silence", "huge", "payload", "list", "short"],
)
def test_a_broken_answer_ends_the_channel(answer: bytes) -> None:
    channel = far_end(answer)
    for _ in range(2):
        with pytest.raises(SandboxLost):
            channel.ask("hello")


@pytest.mark.parametrize("size", [1, 7, 1 << 20], ids=["byte by byte", "in pieces", "at once"])
def test_messages_need_not_come_one_by_one(size: int) -> None:
    big = bytes(range(256)) * 100
    wire = encode({"link": True}, 2) + b"ab" + encode({"exit": 0}, len(big)) + big + encode({"next": 1})
    given: list[bytes] = []

    def speak(theirs: socket.socket) -> None:
        for start in range(0, len(wire), size):
            theirs.sendall(wire[start : start + size])
        theirs.recv(1 << 16)

    ours, other = link()
    other.attach(given.append)
    with closing(far_end(speak)) as channel:
        assert channel.ask("run", max_payload=len(big), link=ours) == ({"exit": 0}, big)
        assert channel.ask("hello") == ({"next": 1}, b"")
    assert given == [b"ab", b""]


def test_a_silent_far_end_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "EXCHANGE_S", 0.2)
    done = threading.Event()
    channel = far_end(lambda _: done.wait(20) and None)
    start = time.monotonic()
    with pytest.raises(SandboxLost, match="in time"):
        channel.ask("hello")
    assert time.monotonic() - start < 5
    done.set()


def test_errors_of_the_helper_have_their_kinds() -> None:
    kinds: dict[str, type[SandboxError]] = {"path": SandboxPathError, "failed": SandboxError, "busy": SandboxError}
    for kind, error in kinds.items():
        with closing(far_end(encode({"error": kind, "message": "why"}))) as channel, pytest.raises(error, match="why"):
            channel.ask("read")


@pytest.mark.parametrize(
    "files",
    [
        {"../x": [420, "0" * 64, 1]},
        {"/x": [420, "0" * 64, 1]},
        {"/a/x": [420, "0" * 64, 1]},
        {"a/../x": [420, "0" * 64, 1]},
        {"a/b/c": [420, "0" * 64, 1], "a": [420, "0" * 64, 1]},
        {"a//x": [420, "0" * 64, 1]},
        {"a\0": [420, "0" * 64, 1]},
        {"\udc80": [420, "0" * 64, 1]},
        {"a": [420, "0" * 64, 1], "a/b": [420, "0" * 64, 1]},
        {"a": [420, "0" * 62, 1]},
        {"a": [420, "0" * 64, -1]},
        {"a": [420, "0" * 64, 1 << 60]},
        {"a": "x"},
        [],
    ],
)
def test_a_manifest_with_odd_paths_is_a_lost_sandbox(files: Any) -> None:
    template = Template("d", Path("/nonexistent"), "h", {}, (), b"{}")
    channel = far_end(encode({"files": files, "skipped": []}))
    sandbox = RemoteSandbox(channel, template, variables={}, end=lambda: None, again=lambda: sandbox)
    with pytest.raises(SandboxLost, match="protocol"):
        sandbox.snapshot()


def test_a_stream_that_is_closed_just_before_it_is_waited_for_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    stream = SocketStream(ours)
    silent: list[int] = []

    real = select.poll

    class Late:
        def __init__(self) -> None:
            self.poller = real()

        def register(self, handle: int, event: int) -> None:
            self.poller.register(handle, event)

        def poll(self, timeout: float) -> list[tuple[int, int]]:
            if not silent:
                number = ours.fileno()
                stream.close()
                while number not in silent:  # the number is another file's now
                    silent.extend(os.pipe())
            return self.poller.poll(timeout)

    monkeypatch.setattr(select, "poll", Late)
    with pytest.raises(ConnectionError, match="closed"):
        stream.receive(1, time.monotonic() + 30)
    theirs.close()
    for handle in silent:
        os.close(handle)


@pytest.mark.parametrize("kind", ["path", "failed"])
def test_a_tree_that_cannot_be_read_is_a_lost_sandbox(kind: str) -> None:
    """Whoever takes snapshots is ready for that, and for nothing else."""
    template = Template("d", Path("/nonexistent"), "h", {}, (), b"{}")
    channel = far_end(encode({"error": kind, "message": "no memory"}))
    sandbox = RemoteSandbox(channel, template, variables={}, end=lambda: None, again=lambda: sandbox)
    with pytest.raises(SandboxLost, match="no memory"):
        sandbox.snapshot()
