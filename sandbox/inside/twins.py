"""Memory that lanes have alike, held once.

Every container's lane loads the same pytest, and would have it for itself: some 18 MiB. Loaded at the same addresses
(see `kernel.fix_addresses`), 97 % of that memory is the same to the byte. The first lane's is copied into a sealed
memfd, its image; each lane, the first too, then maps the pages that it has alike from there, privately: what is written
later is its own again, as after a fork.

A page may not change between the look at it and its exchange, and a running interpreter changes pages at any moment. So
the lane stands still meanwhile: a child of it does the work as its tracer, and has it make the `mmap` calls. Where that
is not allowed, or on another machine than x86_64, nothing is shared, and nothing else is different.
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import struct
import time

from . import kernel as k
from . import tracing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

PAGE = os.sysconf("SC_PAGE_SIZE")
MIN_PAGES = 4
"""Shorter runs stay as they are: the kernel keeps a record of each."""
MAX_RUNS = 4000
"""The kernel lets a process have some 65,000 mappings."""
MAX_BYTES = 256 << 20
"""An image may have; an interpreter with pytest has a tenth."""
ENTRY = struct.Struct("QQQ")
"""Of an image's table: where the memory began, its size, and where it lies in the image. The last entry is empty."""
SEALS = 0x1 | 0x2 | 0x4 | 0x8
"""F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE: nobody can change it again."""
SEAL_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries; meanwhile the lane stands still."""
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
ZEROS = bytes(PAGE)
BLOCK = 16 * PAGE
"""What is compared at once, and page by page only where it differs."""


def new_image() -> int:
    """An empty image, as a descriptor. Raises OSError."""
    return os.memfd_create("journeyman", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def share(image: int, *, empty: bool) -> int:
    """Map what this process has in common with the image, which is filled from this process first if it is empty.

    Returns the bytes that are shared from now on; 0 where it cannot be done.
    """
    if not tracing.is_possible():
        return 0
    ours, theirs = os.pipe()
    go, ready = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        shared = 0
        try:
            os.read(go, 1)
            shared = _exchange(os.getppid(), image, empty)
        finally:
            os.write(theirs, b"%d" % shared)
            os._exit(0)
    os.close(theirs)
    try:
        k.prctl(k.PR_SET_PTRACER, tracer)
    except OSError:  # a kernel without Yama, which asks for no consent
        pass
    os.write(ready, b"+")
    answer = os.read(ours, 100)  # here we stand still; without an answer the tracer was killed
    os.waitpid(tracer, 0)
    for handle in (ours, go, ready):
        os.close(handle)
    return int(answer or b"0")


def _exchange(process: int, image: int, empty: bool) -> int:
    """In the tracer: stop the process, fill the image if it is empty, and map what is alike."""
    traced = tracing.Traced(process)
    try:
        with open(f"/proc/{process}/mem", "rb", 0) as memory:
            regions = list(_regions(process))
            if sum(size for _, size in regions) > MAX_BYTES:
                return 0
            if empty:
                _fill(image, memory, regions)
            elif fcntl.fcntl(image, F_GET_SEALS) != SEALS:
                return 0
            runs = _runs_alike(image, memory, regions)
        for start, size, offset in runs:
            traced.map_private(start, size, image, offset)
        return sum(size for _, size, _ in runs)
    finally:
        traced.release()


def _regions(process: int) -> Iterator[tuple[int, int]]:
    """Start and size of the process's memory that is written to, but for its stack; neighbours as one."""
    start = end = 0
    with open(f"/proc/{process}/maps") as maps:
        for line in maps:
            span, mode, _, _, _, *name = line.split(None, 5)
            if mode != "rw-p" or (name and name[0].startswith("[stack")):
                continue
            low, high = (int(each, 16) for each in span.split("-"))
            if low != end:
                if end:
                    yield start, end - start
                start = low
            end = high
    yield start, end - start


def _fill(image: int, memory: FileIO, regions: list[tuple[int, int]]) -> None:
    """Copy the regions into the image, behind a table of them, and seal it."""
    offset = -(-(len(regions) + 1) * ENTRY.size // PAGE) * PAGE
    table = b""
    for start, size in regions:
        table += ENTRY.pack(start, size, offset)
        for block in range(0, size, BLOCK):
            content = _block(memory.fileno(), start + block, min(BLOCK, size - block))
            for at in range(0, len(content), PAGE):
                page = content[at : at + PAGE]
                if page != ZEROS:  # what is empty takes no room
                    os.pwrite(image, page, offset + block + at)
        offset += size
    os.pwrite(image, table + ENTRY.pack(0, 0, 0), 0)
    os.ftruncate(image, offset)
    _seal(image)


def _seal(image: int) -> None:
    """Let nobody change it again. Raises OSError.

    The kernel says EBUSY while anything of its own, such as reclaim on a machine short of memory, holds a page.
    """
    for seconds in SEAL_PAUSES:
        try:
            fcntl.fcntl(image, F_ADD_SEALS, SEALS)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(seconds)
        else:
            return
    fcntl.fcntl(image, F_ADD_SEALS, SEALS)


def _runs_alike(image: int, memory: FileIO, regions: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Start, size and offset in the image of pages one after the other that are the same there, longest first."""
    found = []
    table = list(_table(image))
    for start, size in regions:
        for begun, length, offset in table:
            low, high = max(start, begun), min(start + size, begun + length)
            place = offset + low - begun
            first = low
            for at in _pages_unlike(image, place, memory.fileno(), low, high - low):
                if low + at - first >= MIN_PAGES * PAGE:
                    found.append((first, low + at - first, place + first - low))
                first = low + at + PAGE
    return sorted(found, key=lambda run: -run[1])[:MAX_RUNS]


def _pages_unlike(image: int, place: int, memory: int, start: int, size: int) -> Iterator[int]:
    """Where pages differ, and at last where they end, from their beginning."""
    for block in range(0, size, BLOCK):
        length = min(BLOCK, size - block)
        own, theirs = _block(image, place + block, length), _block(memory, start + block, length)
        if own != theirs:
            for at in range(0, length, PAGE):
                if own[at : at + PAGE] != theirs[at : at + PAGE]:
                    yield block + at
    if size > 0:
        yield size


def _block(file: int, at: int, size: int) -> bytes:
    content = os.pread(file, size, at)
    if len(content) < size:
        raise OSError(f"{size} bytes at {at:#x} end after {len(content)}")
    return content


def _table(image: int) -> Iterator[tuple[int, int, int]]:
    for at in itertools.count(0, ENTRY.size):
        entry = ENTRY.unpack(_block(image, at, ENTRY.size))
        if not entry[1]:
            return
        yield entry
