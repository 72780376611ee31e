"""The contract of `run`, on every backend."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from journeyman.sandbox.inside.patience import MOST
from journeyman.sandbox.sandbox import Environment, Sandbox, SandboxPathError

from .conftest import MakeSandbox


def test_a_command_says_how_it_ended(sandbox: Sandbox) -> None:
    done = sandbox.run("echo out; echo err >&2; exit 3", timeout_s=20)
    assert (done.exit_code, done.text, done.ok, done.timed_out) == (3, "out\nerr\n", False, False)
    assert sandbox.run(["printf", "%s", "a  b"], timeout_s=20).text == "a  b"
    assert sandbox.run("kill -TERM $$", timeout_s=20).exit_code == 128 + 15
    assert sandbox.run("kill -9 $$", timeout_s=20).exit_code == 128 + 9


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["no-such-tool"], 127),
        (["/workspace/data.bin/x"], 127),
        (["/workspace/data.bin"], 126),
        (["/workspace"], 126),
        (["echo", "a\0b"], 126),
        (["echo", "x" * 200_000], 126),
        (["x" * 200_000], 126),
    ],
    ids=["missing", "below a file", "no program", "folder", "NUL", "long", "long name"],
)
def test_what_cannot_be_run_is_an_ordinary_failure(sandbox: Sandbox, command: list[str], code: int) -> None:
    done = sandbox.run(command, timeout_s=20)
    assert done.exit_code == code
    assert done.text
    assert sandbox.run("echo alive", timeout_s=20).text == "alive\n"


@pytest.mark.parametrize(
    "bad", [{"command": []}, {"timeout_s": 0}, {"max_output_bytes": 0}, {"max_output_bytes": 1 << 40}]
)
def test_senseless_arguments_are_refused(sandbox: Sandbox, bad: dict[str, object]) -> None:
    arguments = {"command": "true", "timeout_s": 5, **bad}
    with pytest.raises(ValueError, match=r"command|max_output_bytes"):
        sandbox.run(**arguments)  # type: ignore[arg-type]


def test_time_is_wall_clock_and_its_end_takes_the_whole_tree(sandbox: Sandbox) -> None:
    start = time.monotonic()
    done = sandbox.run("sleep 60 & setsid sleep 61 & sleep 62", timeout_s=0.5)
    assert done.timed_out
    assert not done.ok
    assert done.exit_code == 128 + 9
    assert 0.4 < done.duration_s < time.monotonic() - start < 10
    assert processes(sandbox) == ""


def test_no_process_outlives_its_command(sandbox: Sandbox) -> None:
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]\n"
        "        time.sleep(1); open('/workspace/late', 'w')\n"
        "    os._exit(0)\n"
        "print('parent done', flush=True)\n"
    )
    start = time.monotonic()
    done = sandbox.run(["python", "-c", code], timeout_s=30)
    assert (done.exit_code, done.text) == (0, "parent done\n")
    assert time.monotonic() - start < 10, "the orphan held the pipe, and run waited for it"
    time.sleep(1.2)
    assert "late" not in sandbox.files()
    assert processes(sandbox) == ""


def test_no_shared_memory_outlives_its_command(sandbox: Sandbox) -> None:
    """Nor queues and semaphores: they would be state that no snapshot holds, and memory that nobody gives back."""
    code = (
        "import ctypes; libc = ctypes.CDLL(None)\n"
        "print(min(libc.shmget(7, 1 << 20, 0o1000), libc.msgget(7, 0o1000), libc.semget(7, 1, 0o1000)) >= 0)\n"
    )
    look = "tail -qn +2 /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem | wc -l"
    assert sandbox.run(["sh", "-c", f'python -c "$1"; {look}', "sh", code], timeout_s=20).text == "True\n3\n"
    assert sandbox.run(look, timeout_s=20).text == "0\n"
    many = "import ctypes; libc = ctypes.CDLL(None); print(min(libc.msgget(0, 0o600) for _ in range(200)) >= 0)"
    assert sandbox.run(["python", "-c", many], timeout_s=20).text == "True\n"
    assert sandbox.run(look, timeout_s=20).text == "0\n", "a table that takes more than one read"


def test_short_of_memory_the_kernel_takes_a_command_first(sandbox: Sandbox) -> None:
    for command in (["cat", "/proc/self/oom_score_adj"], "cat /proc/self/oom_score_adj"):
        assert sandbox.run(command, timeout_s=20).text == "1000\n"


def test_the_clock_stands_while_there_is_no_processor_for_a_command_but_not_for_ever(sandbox: Sandbox) -> None:
    """Here it crowds itself out; the machine's other work does the same to it."""
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("this kernel does not count how long processes wait (CONFIG_SCHED_INFO)")
    crowd = f"for n in $(seq {8 * (os.cpu_count() or 1)}); do while :; do :; done & done; wait"
    done = sandbox.run(crowd, timeout_s=0.5)
    assert done.timed_out and 0.5 * (1 + MOST) <= done.duration_s < 20


def processes(sandbox: Sandbox) -> str:
    """Commands that run besides the one that looks."""
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -E '^(sleep|python)'; done; true"
    return sandbox.run(look, timeout_s=20).text


def test_a_fork_bomb_ends_with_its_command(tight: Sandbox) -> None:
    done = tight.run("f() { f | f & }; f; sleep 1", timeout_s=1)
    assert done.timed_out or done.exit_code is not None
    assert tight.run("echo alive", timeout_s=20).text == "alive\n"


def test_output_keeps_head_and_tail(sandbox: Sandbox) -> None:
    done = sandbox.run("seq 1 100000", timeout_s=30, max_output_bytes=1000)
    assert done.output.startswith(b"1\n2\n3\n")
    assert done.output.endswith(b"99999\n100000\n")
    assert f"[... {done.dropped_bytes} bytes left out ...]".encode() in done.output
    assert done.dropped_bytes == len("".join(f"{n}\n" for n in range(1, 100001))) - 1000
    assert len(done.output) < 1100
    exact = sandbox.run("printf '%0100d' 7", timeout_s=30, max_output_bytes=100)
    assert (len(exact.output), exact.dropped_bytes) == (100, 0)


def test_endless_output_ends_with_the_time(sandbox: Sandbox) -> None:
    done = sandbox.run("yes", timeout_s=0.5)
    assert done.timed_out
    assert len(done.output) < 66_000


def test_stdin_is_given_or_empty(sandbox: Sandbox) -> None:
    big = b"line\n" * 100_000
    assert sandbox.run("wc -c", stdin=big, timeout_s=20).text.strip() == str(len(big))
    assert sandbox.run("cat; echo end", timeout_s=20).text == "end\n"


def test_a_command_starts_in_a_folder_of_the_workspace(sandbox: Sandbox) -> None:
    assert sandbox.run("pwd", timeout_s=20).text == "/workspace\n"
    assert sandbox.run("pwd; ls", cwd="deep/er", timeout_s=20).text == "/workspace/deep/er\nx.txt\n"
    for bad in ("..", "../etc", "/etc", "nowhere", "tool.sh", "deep/../../etc"):
        with pytest.raises(SandboxPathError):
            sandbox.run("pwd", cwd=bad, timeout_s=20)


def test_the_environment_is_ours_alone(make: MakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNEYMAN_TEST_SECRET", "hunter2")
    sandbox = make(environment=Environment(requirements=(), pythonpath=("src", ".")))
    lines = set(sandbox.run(["env"], env={"EXTRA": "é"}, timeout_s=20).text.splitlines())
    assert "hunter2" not in str(lines)
    assert {"EXTRA=é", "HOME=/tmp/home", "TZ=UTC", "PYTHONPATH=/workspace/src:/workspace", "PYTHONHASHSEED=0"} <= lines
    assert sandbox.run(["python", "-c", "import shapes; print(shapes.area(2, 3))"], timeout_s=20).text == "6\n"


def test_the_interpreter_is_the_environments(make: MakeSandbox) -> None:
    sandbox = make(environment=Environment(requirements=("pytest",)))
    code = "import sys, importlib.util as u; print(sys.prefix, sys.version_info[:2], bool(u.find_spec('docker')))"
    assert sandbox.run(["python", "-c", code], timeout_s=60).text == "/opt/env (3, 11) False\n"
    assert sandbox.run("pytest --version && python -m pytest --version", timeout_s=60).ok
