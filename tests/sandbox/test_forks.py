"""A fork has the files of what it was forked from, and neither sees what the other does then."""

from __future__ import annotations

from pathlib import Path

from journeyman.sandbox.sandbox import Limits, Sandbox, SandboxFactory

from .conftest import BARE, MakeSandbox


def listing(sandbox: Sandbox) -> str:
    return sandbox.run("find . -not -path './.git*' | sort; cat a*", timeout_s=20).text


def test_everything_that_a_command_did_to_files_is_in_the_fork(sandbox: Sandbox) -> None:
    sandbox.run(
        "rm -r deep; mkdir deep; echo new > deep/new; ln -s deep/new ln; chmod 700 data.bin; mv src/shapes.py a;"
        "mkfifo p; mkdir empty; touch -d 2001-02-03 a; chmod 750 .",
        timeout_s=20,
    )
    before = listing(sandbox)
    with sandbox.fork() as fork:
        assert listing(fork) == before
        assert "./deep/er" not in before and "./deep/new" in before
        ask = "readlink ln; stat -c '%a %y' data.bin a . | cut -c1-14; test -p p && echo fifo"
        assert fork.run(ask, timeout_s=20).text == sandbox.run(ask, timeout_s=20).text
        assert fork.snapshot().tree_hash == sandbox.snapshot().tree_hash


def test_neither_sees_what_the_other_does_then(sandbox: Sandbox) -> None:
    sandbox.write("a", b"both")
    with sandbox.fork() as fork:
        sandbox.write("a", b"first")
        fork.run("echo second > a; rm data.bin; echo x > only", timeout_s=20)
        assert (sandbox.read("a"), fork.read("a")) == (b"first", b"second\n")
        assert "data.bin" in sandbox.files() and "only" not in sandbox.files()


def test_a_fork_outlives_what_it_came_from(make: MakeSandbox) -> None:
    first = make()
    first.write("a", b"kept")
    fork = first.fork()
    first.close()
    for _ in range(3):  # whatever serves the next ones must leave it alone
        with make() as other:
            other.write("a", b"other")
            assert other.fork().read("a") == b"other"
    assert fork.read("a") == b"kept"
    assert fork.fork().read("a") == b"kept"


def test_a_long_line_of_forks(make: MakeSandbox) -> None:
    line = [make()]
    for number in range(12):
        line[-1].write(f"file{number}", str(number).encode())
        line.append(line[-1].fork())
    assert [line[-1].read(f"file{number}") for number in range(12)] == [str(number).encode() for number in range(12)]
    assert "file5" in line[6].files() and "file6" not in line[5].fork().files()
    for sandbox in line:
        sandbox.close()


def test_a_fork_can_be_restored_and_snapshot(sandbox: Sandbox) -> None:
    pristine = sandbox.snapshot()
    sandbox.run("echo 1 > data.bin; rm -r src", timeout_s=20)
    with sandbox.fork() as fork:
        changed = fork.snapshot()
        assert set(changed.changed) == {"data.bin"} and changed.removed == {"src/shapes.py"}
        fork.restore(pristine)
        assert fork.snapshot().is_pristine
        sandbox.restore(changed)
        assert sandbox.snapshot().tree_hash == changed.tree_hash


def test_limits_hold_in_a_fork(factory: SandboxFactory, repository: Path) -> None:
    with factory.create(BARE, repository, limits=Limits(disk_mb=20, inodes=200)) as sandbox:
        sandbox.run("head -c 15000000 /dev/zero > big", timeout_s=20)
        with sandbox.fork() as fork:
            assert fork.run("head -c 15000000 /dev/zero > more", timeout_s=20).ok, "its own allowance is untouched"
            assert "No space" in fork.run("head -c 15000000 /dev/zero > yet_more", timeout_s=20).text
