"""What the Docker backend can show without an engine: framing, build contexts, deadlines, who is an orphan."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.channel import INSIDE
from journeyman.sandbox.docker import DockerSandboxes
from journeyman.sandbox.docker_engine import EngineError, connect, within
from journeyman.sandbox.docker_image import helper_texts, write_context
from journeyman.sandbox.docker_reaper import is_orphan, owner
from journeyman.sandbox.docker_stream import HEADER, MAX_COMPLAINT_BYTES, STDERR, STDOUT, AttachedStream
from journeyman.sandbox.sandbox import SandboxUnavailable


class Wire:
    """A stream that gives its bytes in pieces of a set size."""

    def __init__(self, data: bytes, piece: int) -> None:
        self.data, self.piece, self.sent = data, piece, b""

    def send(self, data: bytes, deadline: float) -> None:
        self.sent += data

    def receive(self, size: int, deadline: float) -> bytes:
        part = self.data[: min(size, self.piece)]
        self.data = self.data[len(part) :]
        return part

    def close(self) -> None:
        self.data = b""


def read_all(stream: AttachedStream, size: int) -> bytes:
    data = b""
    while part := stream.receive(size, 0.0):
        data += part
    return data


frames = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=300)), max_size=12)


@given(frames, st.integers(1, 64), st.integers(1, 64))
def test_answers_arrive_whole_however_the_engine_cuts_them(
    sent: list[tuple[int, bytes]], piece: int, size: int
) -> None:
    wire = b"".join(HEADER.pack(kind, len(data)) + data for kind, data in sent)
    stream = AttachedStream(Wire(wire, piece))
    assert read_all(stream, size) == b"".join(data for kind, data in sent if kind == STDOUT)
    complaint = b"".join(data for kind, data in sent if kind == STDERR)[-MAX_COMPLAINT_BYTES:]
    assert stream.complaint == complaint.decode("utf-8", "replace").strip()


@given(frames.filter(bool), st.integers(1, 20))
def test_a_stream_cut_anywhere_ends(sent: list[tuple[int, bytes]], cut: int) -> None:
    wire = b"".join(HEADER.pack(kind, len(data)) + data for kind, data in sent)[:-cut]
    whole = b"".join(data for kind, data in sent if kind == STDOUT)
    assert whole.startswith(read_all(AttachedStream(Wire(wire, 7)), 11))


def test_a_frame_of_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ConnectionError, match="unknown stream"):
        AttachedStream(Wire(b"HTTP/1.1 400 Bad", 64)).receive(10, 0.0)


def test_a_call_that_hangs_is_given_up() -> None:
    start, release = time.monotonic(), threading.Event()
    with pytest.raises(EngineError, match=r"list: the engine gave no answer within 0\.05 s"):
        within(0.05, "list", lambda: release.wait(30))
    release.set()
    assert time.monotonic() - start < 5


def test_a_call_raises_and_returns_as_if_it_were_made_here() -> None:
    assert within(5, "answer", lambda: 42) == 42
    assert within(5, "answer", lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(5, "divide", lambda: 1 / 0)


def test_a_context_is_the_same_bytes_for_the_same_files(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    (tree / "package/run.sh").write_text("echo hello\n")
    (tree / "package/run.sh").chmod(0o755)
    (tree / "link").symlink_to("package/run.sh")
    os.mkfifo(tree / "pipe")
    for path in (tree / "package/run.sh", tree / "package", tree):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    os.utime(tree / "link", (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    first, second = io.BytesIO(), io.BytesIO()
    for target in (first, second):
        write_context(target, "FROM scratch\n", [("tree", tree)])
    assert first.getvalue() == second.getvalue()
    first.seek(0)
    with tarfile.open(fileobj=first) as tar:
        assert tar.getnames() == ["Dockerfile", "tree", "tree/link", "tree/package", "tree/package/run.sh"]
        assert tar.getmember("tree/package/run.sh").mode == 0o755
        assert tar.getmember("tree/link").linkname == "package/run.sh"
        assert {member.uid for member in tar} == {0}


def test_an_image_is_named_after_all_of_the_helper(tmp_path: Path) -> None:
    helper = shutil.copytree(INSIDE, tmp_path / "inside")
    assert helper_texts(helper) == helper_texts(INSIDE)
    for changed in (helper / "agent.py", helper / "split" / "lockdown.py"):
        before = helper_texts(helper)
        changed.write_text(changed.read_text() + "# mended\n")
        assert helper_texts(helper) != before


def test_only_the_dead_of_this_machine_are_orphans() -> None:
    place = owner().rpartition("] ")[0] + "]"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    label = f"{place} {child.pid} {started}"
    assert not is_orphan(owner())
    assert not is_orphan(label)
    assert is_orphan(f"{place} {child.pid} 1"), "the pid was given to another process"
    assert not is_orphan(f"another-boot pid:[1] {child.pid} 1"), "another machine's process cannot be judged"
    child.communicate(b"\n")
    assert is_orphan(label)
    assert not is_orphan("")
    assert not is_orphan("garbage")


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9", "nonsense"])
def test_without_an_engine_the_error_says_how_to_start_one(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SandboxUnavailable, match="systemctl start docker"):
        connect()


def test_importing_the_backend_does_not_load_the_sdk() -> None:
    code = "import sys, journeyman.sandbox.docker; assert 'docker' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert DockerSandboxes().name == "docker"
