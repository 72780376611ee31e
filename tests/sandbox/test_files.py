"""The contract of files and snapshots, on every backend."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import Sandbox, SandboxError, SandboxPathError

from .conftest import PRISTINE, MakeSandbox


def test_the_workspace_is_the_repository_without_history_and_caches(sandbox: Sandbox) -> None:
    assert sandbox.files() == PRISTINE
    assert sandbox.read("data.bin") == bytes(range(256))
    assert sandbox.read("/workspace/straße 1.txt").decode() == "größe\n"
    assert sandbox.run("./tool.sh; ls -d .git src/__pycache__; readlink link.txt", timeout_s=20).text.startswith(
        "tool\n"
    )
    assert sandbox.run("find . -name .git -o -name __pycache__", timeout_s=20).text == ""


def test_written_files_are_read_back(sandbox: Sandbox) -> None:
    sandbox.write("new/folder/é.bin", b"\0\xff" * 1000, mode=0o755)
    sandbox.write("/tmp/note", b"n")
    sandbox.write("tool.sh", b"#!/bin/sh\necho other\n", mode=0o755)
    assert sandbox.read("new/folder/é.bin") == b"\0\xff" * 1000
    assert sandbox.read("/tmp/note") == b"n"
    assert (
        sandbox.run("./tool.sh; stat -c %a new/folder/é.bin; ls -A new/folder", timeout_s=20).text
        == "other\n755\né.bin\n"
    )
    sandbox.remove("new/folder/é.bin")
    assert sandbox.files() == PRISTINE
    with pytest.raises(SandboxPathError, match="limit"):
        sandbox.read("data.bin", max_bytes=255)


BAD = [
    "",
    "..",
    "../x",
    "/etc/passwd",
    "a/../../x",
    "/workspace/../etc/x",
    "/proc/1/mem",
    "nul\0",
    "/workspace2/x",
    "\udc80",
]


@pytest.mark.parametrize("path", BAD)
def test_paths_cannot_leave_the_workspace(sandbox: Sandbox, path: str) -> None:
    for attempt in (sandbox.read, sandbox.remove, lambda path: sandbox.write(path, b"x")):
        with pytest.raises(SandboxPathError):
            attempt(path)


def test_what_is_not_there_or_no_file_is_a_path_error(sandbox: Sandbox) -> None:
    sandbox.run("mkfifo pipe; ln -s /etc/passwd out; ln -s / root; ln -s loop loop; ln -s deep near", timeout_s=20)
    for path in ("nothing", "deep", "pipe", "out", "root/etc/passwd", "loop", "tool.sh/x"):
        with pytest.raises(SandboxPathError):
            sandbox.read(path)
    for path in ("deep", "pipe", "out", "root/tmp2/x", "loop", "tool.sh/x"):
        with pytest.raises(SandboxPathError):
            sandbox.write(path, b"x")
    for path in ("nothing", "deep", "tool.sh/x"):
        with pytest.raises(SandboxPathError):
            sandbox.remove(path)
    assert sandbox.read("near/er/x.txt") == b"x\n", "a link that stays inside may be followed"
    sandbox.write("link.txt", b"through the link")
    assert sandbox.read("straße 1.txt") == b"through the link"


def test_a_failed_write_leaves_the_old_file(tight: Sandbox) -> None:
    for size in (9 << 20, 200 << 20):  # over the limit of a file, over the limit of the disk
        with pytest.raises(SandboxPathError):
            tight.write("tool.sh", bytes(size))
    assert tight.read("tool.sh").startswith(b"#!/bin/sh")
    assert tight.files() == PRISTINE


def test_a_snapshot_is_the_difference(sandbox: Sandbox) -> None:
    start = sandbox.snapshot()
    assert start.is_pristine
    assert (dict(start.changed), start.removed) == ({}, frozenset())
    sandbox.run(
        "rm data.bin; echo y >> src/shapes.py; chmod -x tool.sh; mkdir n; printf '\\377\\0' > n/ü; chmod 700 n/ü;"
        "mkdir src/__pycache__; touch src/__pycache__/a.pyc; ln -s x n/l; mkfifo n/f; touch $(printf 'n/\\377')",
        timeout_s=20,
    )
    state = sandbox.snapshot()
    assert {path: (file.data, file.mode) for path, file in state.changed.items()} == {
        "src/shapes.py": (b"def area(a, b):\n    return a * b\ny\n", 0o644),
        "tool.sh": (b"#!/bin/sh\necho tool\n", 0o644),
        "n/ü": (b"\xff\0", 0o755),
    }
    assert state.removed == {"data.bin"}
    assert {line.split(" (")[0] for line in state.skipped} == {"link.txt", "n/\\udcff", "n/f", "n/l"}
    assert state.base_hash == start.base_hash != state.tree_hash
    sandbox.restore(start)
    assert sandbox.snapshot() == start


def test_a_same_sized_edit_in_the_same_instant_is_seen(sandbox: Sandbox) -> None:
    hashes = set()
    for number in range(20):
        sandbox.write("counter", b"%02d" % number)
        hashes.add(sandbox.snapshot().tree_hash)
    assert len(hashes) == 20


def test_a_restore_is_exact_whatever_is_in_the_way(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.run("rm -r deep; echo 1 > deep; mkdir -p new/a; echo 2 > new/a/b; chmod +x new/a/b", timeout_s=20)
    state = sandbox.snapshot()
    other = make()
    other.run(
        "mkdir -p tool.dir/x; rm tool.sh data.bin; mkdir tool.sh data.bin; touch tool.sh/in; ln -s /etc new;"
        "mkdir __pycache__; echo evil > __pycache__/x.pyc; mkdir shut; touch shut/in; chmod 0 shut tool.dir; mkfifo f",
        timeout_s=20,
    )
    other.restore(state)
    assert other.snapshot().tree_hash == state.tree_hash
    assert dict(other.snapshot().changed) == dict(state.changed)
    listing = "find . -not -type d | sort; find . -type d | sort"
    assert other.run(listing, timeout_s=20).text == sandbox.run(listing, timeout_s=20).text


def test_a_fork_goes_its_own_way(sandbox: Sandbox) -> None:
    sandbox.run("echo a > a; rm data.bin", timeout_s=20)
    with sandbox.fork() as other:
        assert other.snapshot().tree_hash == sandbox.snapshot().tree_hash
        other.write("b", b"b")
        sandbox.write("c", b"c")
        assert set(other.files()) - set(sandbox.files()) == {"b"}
        assert set(sandbox.files()) - set(other.files()) == {"c"}


def test_a_command_may_lock_itself_out_of_its_files(sandbox: Sandbox) -> None:
    sandbox.run("mkdir shut; echo 1 > shut/in; chmod 0 shut/in shut tool.sh", timeout_s=20)
    state = sandbox.snapshot()
    assert {"shut/in", "tool.sh"} == set(state.changed)
    assert not state.removed


def test_trees_of_any_depth_and_size_are_survived(sandbox: Sandbox) -> None:
    start = sandbox.snapshot()
    dig = "import os\nfor _ in range(600):\n    os.mkdir('é' * 100)\n    os.chdir('é' * 100)\n    open('f', 'w')"
    assert sandbox.run(["python", "-c", dig], timeout_s=60).ok
    sandbox.run("truncate -s 100M a; truncate -s 60M b", timeout_s=20)  # sparse: no disk, but long to read
    state = sandbox.snapshot()
    assert next(line for line in state.skipped if "too many" in line).startswith("a ")
    assert [line for line in state.skipped if "too deep" in line]
    assert len(state.changed["b"].data) == 60 << 20
    sandbox.restore(start)
    assert sandbox.run("ls -A | wc -l", timeout_s=20).text.strip() == "6"
    assert sandbox.snapshot() == start


def test_sparse_files_do_not_fill_the_supervisors_memory(sandbox: Sandbox) -> None:
    sandbox.run("for n in 1 2 3 4 5 6; do truncate -s 5${n}M x$n; done; echo y > y", timeout_s=20)
    state = sandbox.snapshot()
    assert [line for line in state.skipped if line.startswith("x")] == [
        f"x{n} ({50 + n << 20} bytes are too many)" for n in (5, 6)
    ]
    assert set(state.changed) == {"x1", "x2", "x3", "x4", "y"}
    sandbox.restore(state)
    assert set(sandbox.files()) - set(PRISTINE) == set(state.changed), "the hash is that of what is carried"


def test_another_repositorys_snapshot_is_refused(sandbox: Sandbox) -> None:
    state = sandbox.snapshot()
    foreign = type(state)(tree_hash=state.tree_hash, base_hash="0" * 64)
    with pytest.raises(SandboxError, match="another repository"):
        sandbox.restore(foreign)


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..", "__pycache__", ".pytest_cache", ".git") and len(name.encode()) < 100
)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/".join(["t", *parts])),
    st.tuples(st.binary(max_size=200), st.booleans()),
    max_size=6,
).filter(lambda tree: not any(a.startswith(b + "/") for a in tree for b in tree))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_tree_comes_back(shared: tuple[Sandbox, Sandbox], tree: dict[str, tuple[bytes, bool]]) -> None:
    writer, reader = shared
    writer.run("rm -rf t", timeout_s=20)
    for path, (data, executable) in tree.items():
        writer.write(path, data, mode=0o755 if executable else 0o644)
    state = writer.snapshot()
    assert {path: (file.data, file.executable) for path, file in state.changed.items()} == tree
    reader.restore(state)
    again = reader.snapshot()
    assert (again.tree_hash, dict(again.changed), again.removed) == (
        state.tree_hash,
        dict(state.changed),
        state.removed,
    )


@pytest.fixture
def shared(make: MakeSandbox) -> tuple[Sandbox, Sandbox]:
    return make(), make()


def test_the_tree_hash_is_what_it_says(sandbox: Sandbox) -> None:
    """Computed here by its definition, from what the sandbox shows."""
    digest = hashlib.sha256()
    for path in sorted(sandbox.files()):
        executable = sandbox.run(["test", "-x", path], timeout_s=20).ok
        content = hashlib.sha256(sandbox.read(path)).hexdigest()
        digest.update(f"{path}\0{'x' if executable else '-'}\0{content}\n".encode())
    assert sandbox.snapshot().tree_hash == digest.hexdigest()
