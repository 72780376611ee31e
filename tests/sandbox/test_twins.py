"""Memory that lanes have alike is held once, and is still each one's own."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.docker import DockerSandboxes
from journeyman.sandbox.inside import tracing, twins
from journeyman.sandbox.inside.twins import MIN_PAGES, PAGE, new_image
from journeyman.sandbox.lanes import Lane
from journeyman.sandbox.sandbox import Environment, Limits

INSIDE = Path(twins.__file__).parent
START = f"""
import os, sys
sys.path.insert(0, {str(INSIDE.parent)!r})
from inside import kernel
kernel.fix_addresses(fixed=True)
os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", *sys.argv[1:]], {{"PYTHONHASHSEED": "0"}})
"""
PROGRAM = f"""
import sys
sys.path.insert(0, {str(INSIDE.parent)!r})
import hashlib, json, os
from inside import kernel, twins
kernel.fix_addresses(fixed=False)
image, empty = int(sys.argv[1]), sys.argv[2] == "first"
loaded = bytearray(b"".join(b"%015d\\n" % number for number in range(1 << 19)))
def digest():
    return hashlib.sha256(loaded).hexdigest()
def telling(*of, exchange=twins._exchange):
    try:
        return exchange(*of)
    except OSError as error:  # which the tracer keeps to itself
        print(repr(error), file=sys.stderr, flush=True)
        raise
twins._exchange = telling
before = digest()
shared = twins.share(image, empty=empty)
after = digest()
for at in range(0, len(loaded), 10_000):
    loaded[at] ^= 1
print(json.dumps({{"shared": shared, "kept": before == after, "before": before, "changed": digest()}}))
"""


@pytest.fixture
def image() -> Iterator[int]:
    handle = new_image()
    os.set_inheritable(handle, True)
    yield handle
    os.close(handle)


def lives(image: int, which: str) -> dict[str, object]:
    words = [sys.executable, "-c", START, PROGRAM, str(image), which]
    done = subprocess.run(words, pass_fds=[image], capture_output=True, text=True, check=True)
    told: dict[str, object] = {**json.loads(done.stdout), "said": done.stderr}
    return told


def may_trace() -> bool:
    """Whether a process may trace its parent here, which is more than to trace a child."""
    program = f"import sys; sys.path.insert(0, {str(INSIDE.parent)!r}); from inside import tracing, kernel; import os\n"
    program += (
        "r, w = os.pipe()\nif not os.fork():\n os.read(r, 1)\n try: tracing.Traced(os.getppid()).release()\n"
        " except OSError: os._exit(1)\n os._exit(0)\n"
        "try: kernel.prctl(kernel.PR_SET_PTRACER, 2 ** 64 - 1)\nexcept OSError: pass\n"
        "os.write(w, b'+'); sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))"
    )
    return tracing.is_possible() and not subprocess.run([sys.executable, "-c", program], check=False).returncode


needs_tracing = pytest.mark.skipif(not may_trace(), reason="this machine lets no process trace its parent")


@needs_tracing
def test_what_is_alike_is_shared_and_nothing_is_changed_by_it(image: int) -> None:
    lives(image, "later")  # should the modules have to be compiled: that is not like the rest
    first, second, third = (lives(image, which) for which in ("first", "later", "later"))
    for told in (first, second, third):
        assert told["kept"] and told["before"] == first["before"] and told["changed"] == first["changed"]
        assert isinstance(told["shared"], int) and told["shared"] > 7 << 20, "eight of them are alike for sure"


@needs_tracing
def test_an_image_can_never_change_again(image: int) -> None:
    told = lives(image, "first")
    assert told["shared"], told["said"]
    size = os.fstat(image).st_size
    for change in (lambda: os.pwrite(image, b"x", 0), lambda: os.ftruncate(image, size - 1)):
        with pytest.raises(PermissionError):
            change()
    assert fcntl.fcntl(image, twins.F_GET_SEALS) == twins.SEALS


def test_an_image_that_the_kernel_holds_for_a_moment_is_sealed_after_it(
    image: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "SEAL_PAUSES", (0.0, 0.0, 0.2))
    os.ftruncate(image, PAGE)
    mapping = mmap.mmap(image, PAGE)  # one that may write, which the kernel answers with EBUSY as well
    with pytest.raises(OSError, match="busy"):
        twins._seal(image)
    threading.Timer(0.05, mapping.close).start()
    twins._seal(image)
    assert fcntl.fcntl(image, twins.F_GET_SEALS) == twins.SEALS


@needs_tracing
def test_an_image_that_could_change_is_not_used(image: int) -> None:
    sealed = new_image()
    os.set_inheritable(sealed, True)
    lives(sealed, "first")
    for at in range(0, os.fstat(sealed).st_size, 1 << 20):
        os.pwrite(image, os.pread(sealed, 1 << 20, at), at)
    os.close(sealed)
    told = lives(image, "later")
    assert told["shared"] == 0 and told["kept"]


pages = st.lists(st.sampled_from(b"\0abc"), max_size=40)


@given(pages, st.lists(st.tuples(st.integers(0, 40), st.sampled_from(b"xyz")), max_size=5), st.integers(0, 9))
def test_runs_are_what_is_the_same_to_the_byte(before: list[int], changes: list[tuple[int, int]], shift: int) -> None:
    one = bytes(before)
    other = bytearray(one)
    for place, byte in changes:
        other[place : place + 1] = bytes([byte]) if place < len(one) else b""
    image = new_image()
    memory = os.memfd_create("memory")
    with suppress(OSError), os.fdopen(memory, "r+b", 0) as file:
        file.write(b"".join(bytes([each]) * PAGE for each in one))
        regions = [(0, len(one) * PAGE)]
        twins._fill(image, file, regions)
        file.seek(0)
        file.write(b"".join(bytes([each]) * PAGE for each in other))
        low = min(shift, len(one))
        runs = sorted(twins._runs_alike(image, file, [(low * PAGE, (len(one) - low) * PAGE)]))
        for start, size, offset in runs:
            assert os.pread(image, size, offset) == os.pread(memory, size, start)
        shared = {page for start, size, _ in runs for page in range(start // PAGE, (start + size) // PAGE)}
        alike = "".join("=" if low <= at and one[at] == other[at] else "!" for at in range(len(one)))
        wanted, at = set[int](), 0
        for run in alike.split("!"):
            if len(run) >= MIN_PAGES:
                wanted |= set(range(at, at + len(run)))
            at += len(run) + 1
        assert shared == wanted
    os.close(image)


@pytest.mark.docker
def test_containers_hold_what_they_have_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[int] = []
    real = Lane.share

    def share(lane: Lane, image: int, *, empty: bool) -> int:
        shared.append(real(lane, image, empty=empty))
        return shared[-1]

    monkeypatch.setattr(Lane, "share", share)
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert True\n")
    of_our_own = Limits(processes=77)  # no lane of another test is like that
    boxes = [DockerSandboxes().create(Environment(), tmp_path, limits=of_our_own) for _ in range(3)]
    try:
        assert all(box.run(["python", "-m", "pytest", "-q"], timeout_s=60, warm=True).exit_code == 0 for box in boxes)
        assert sum(each > 8 << 20 for each in shared) >= 3, shared
    finally:
        for box in boxes:
            box.close()
