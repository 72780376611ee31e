"""What a sandbox keeps in and out, on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.sandbox.inside import kernel
from journeyman.sandbox.probe import probe
from journeyman.sandbox.sandbox import Sandbox, SandboxFactory
from journeyman.sandbox.template import with_commit

from .conftest import BARE, MakeSandbox


def python(sandbox: Sandbox, code: str, timeout_s: float = 60) -> str:
    return sandbox.run(["python", "-c", code], timeout_s=timeout_s).text.strip()


def test_there_is_no_network(sandbox: Sandbox) -> None:
    code = (
        "import socket\n"
        "lines = open('/proc/net/dev').read().splitlines()[2:]\n"
        "print([line for line in lines if not line.strip().startswith('lo:')])\n"
        "for address in ('1.1.1.1', 80), ('127.0.0.1', 80):\n"
        "    try: socket.create_connection(address, 3); print('reached', address)\n"
        "    except OSError as error: print('no')\n"
    )
    assert python(sandbox, code).splitlines() == ["[]", "no", "no"]


def test_what_stat_says_does_not_tell_the_file_with_the_fault(factory: SandboxFactory, tmp_path: Path) -> None:
    """A laid task's files are links to its library's, all but that one; those of a policy must be alike."""
    library, task = tmp_path / "library", tmp_path / "task"
    names = [f"{folder}/{letter}.py" for folder in ("one", "two") for letter in "abcde"]
    for name in names:
        for root in (library, task):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(name)
        os.link(library / name, task / name)
    (task / "two" / "c.py").unlink()
    (task / "two" / "c.py").write_text("fault")
    listing = "find one two -type {} -printf '{}\\n' | sort {}"
    with factory.create(BARE, with_commit(task)) as sandbox:
        for kind in "fd":
            alike = sandbox.run(listing.format(kind, "%D %n %u %g %M %t", "-u"), timeout_s=20).text
            assert alike.count("\n") == 1, alike
        changed = sandbox.run(listing.format("f", "%C@ %p", "-k2"), timeout_s=20).text.splitlines()
        assert [line.split()[1] for line in changed] == names
        before, here, after = (float(line.split()[0]) for line in changed[6:9])
        assert before <= here <= after, "made in its turn"


def test_the_system_is_read_only(sandbox: Sandbox) -> None:
    for path in ("/x", "/usr/x", "/etc/passwd", "/opt/env/x", "/opt/python/x", "/opt/journeyman/inside/agent.py"):
        assert not sandbox.run(f"echo x >> {path}", timeout_s=20).ok, path
    assert sandbox.run("echo x > /tmp/x && echo x > /dev/null && echo x > /dev/shm/x", timeout_s=20).ok


def test_a_command_is_an_ordinary_user_without_any_way_up(sandbox: Sandbox) -> None:
    status = dict(
        line.split(":\t", 1) for line in python(sandbox, "print(open('/proc/self/status').read())").splitlines()
    )
    assert status["Uid"].split() == ["1000"] * 4
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize(
    "call",
    [
        "libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)",
        "libc.unshare(0x10000000)",
        "libc.unshare(0x20000)",
        "libc.ptrace(0, 0, 0, 0)",
        "libc.syscall(425, 1, 0)",  # io_uring_setup
        "libc.chroot(b'/tmp')",
        "libc.sethostname(b'x', 1)",
        "libc.syscall(321, 0, 0, 0)",  # bpf
        "libc.syscall(323, 0)",  # userfaultfd
        "libc.syscall(438, 0, 0, 0)",  # pidfd_getfd
        "libc.mq_open(b'/q', 0o100, 0o600, None)",
    ],
)
def test_calls_that_reach_for_the_kernel_are_refused(sandbox: Sandbox, call: str) -> None:
    """By the filter: without it, these would fail for another reason or not at all."""
    code = f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); print({call}, ctypes.get_errno())"
    assert python(sandbox, code) == "-1 1"


@pytest.mark.parametrize(
    ("family", "kind"),
    [(16, 3), (17, 3), (38, 5), (40, 1), (31, 3), (29, 3), (44, 2)],
    ids=["netlink", "packet", "kernel crypto", "vsock", "bluetooth", "CAN", "XDP"],
)
def test_only_plain_sockets_can_be_made(sandbox: Sandbox, family: int, kind: int) -> None:
    code = (
        "import errno, socket, sys\n"
        "for family, kind in ((1, 1), (2, 1), (10, 2), (int(sys.argv[1]), int(sys.argv[2]))):\n"
        "    try: socket.socket(family, kind).close(); print('made')\n"
        "    except OSError as error: print(errno.errorcode[error.errno])\n"
    )
    done = sandbox.run(["python", "-c", code, str(family), str(kind)], timeout_s=20)
    assert done.text.split() == ["made", "made", "made", "EAFNOSUPPORT"]


def test_nested_namespaces_are_refused_but_threads_work(sandbox: Sandbox) -> None:
    assert not sandbox.run("unshare -Ur true", timeout_s=20).ok
    code = "import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()"
    assert python(sandbox, code) == "thread"


def test_the_helper_is_out_of_reach(sandbox: Sandbox) -> None:
    attempts = "kill -9 1; kill -INT 1; kill -TERM 1; kill -STOP 1; cat /proc/1/mem; ls /proc/1/fd; cat /proc/1/environ"
    assert not sandbox.run(attempts, timeout_s=20).ok
    sandbox.run("kill -9 -1", timeout_s=20)
    assert sandbox.run("ls -l /proc/self/fd | grep -c socket", timeout_s=20).text == "0\n"
    assert sandbox.run("echo alive", timeout_s=20).text == "alive\n"


def test_descriptors_of_the_helper_are_not_handed_on(sandbox: Sandbox) -> None:
    opened = python(sandbox, "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')))")
    assert opened == "[0, 1, 2, 3]"  # 3 is the listing itself


def test_memory_is_limited(tight: Sandbox) -> None:
    done = tight.run(["python", "-c", "x = bytearray(600 << 20); print('had it')"], timeout_s=60)
    assert "had it" not in done.text
    assert tight.run("echo alive", timeout_s=20).text == "alive\n"


def test_processes_are_limited(tight: Sandbox) -> None:
    code = (
        "import subprocess as s\nn = 0\n"
        "try:\n  while n < 100: s.Popen(['sleep', '9']); n += 1\n"
        "except OSError: print('stopped at', n)"
    )
    assert 10 < int(python(tight, code).removeprefix("stopped at ")) < 40


def test_files_are_limited_in_size_number_and_sum(tight: Sandbox) -> None:
    assert not tight.run("head -c 9000000 /dev/zero > big", timeout_s=30).ok
    filling = "for i in 1 2 3 4 5 6 7 8; do head -c 8000000 /dev/zero > $1/f$i || exit 1; done"
    assert "space" in tight.run(["sh", "-c", filling, "sh", "/workspace"], timeout_s=30).text
    tight.run("rm -f f* big", timeout_s=20)
    assert "space" in tight.run(["sh", "-c", filling, "sh", "/tmp"], timeout_s=30).text
    tight.run("rm -f /tmp/f*", timeout_s=20)
    assert "space" in tight.run("mkdir many; for i in $(seq 1000); do : > many/$i || exit 1; done", timeout_s=30).text
    tight.run("rm -rf many", timeout_s=20)
    assert tight.run("echo alive > f; cat f", timeout_s=20).text == "alive\n"


def test_two_sandboxes_do_not_see_each_other(make: MakeSandbox) -> None:
    one, two = make(), make()
    one.run("echo secret > /tmp/s; echo secret > s; echo secret > /dev/shm/s", timeout_s=20)
    assert two.run("cat /tmp/s s /dev/shm/s 2>/dev/null; true", timeout_s=20).text == ""


def test_the_probe_finds_every_wall_standing(factory: SandboxFactory) -> None:
    found = probe(factory)
    assert [wall.name for wall in found if not wall.holds] == []
    assert {"no network", "memory limit", "disk limit", "system call filter"} <= {wall.name for wall in found}


def test_landlock_holds_alone(tmp_path: Path) -> None:
    """Without mounts and filter around it, and as whoever runs this."""
    if kernel.landlock_version() < 6:
        pytest.skip("this kernel's Landlock knows no signals")
    (tmp_path / "folder").mkdir()
    code = """
import os, stat, sys
from journeyman.sandbox.inside import kernel, landlock
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
assert landlock.restrict() >= 6
os.chdir(sys.argv[1])
open("new", "w").write("new")
os.rename("new", "folder/new")
for attempt in (
    lambda: os.mknod("null", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    lambda: os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(7, 0)),
    lambda: os.kill(os.getppid(), 0),
):
    try:
        attempt()
        print("it could")
    except PermissionError:
        print("refused")
child = os.fork()
if child == 0:
    while True: pass
os.kill(child, 9)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split() == ["refused"] * 3 + ["9"], done.stderr


def test_no_command_can_be_spared_when_memory_is_short(sandbox: Sandbox) -> None:
    ask = "cat /proc/self/oom_score_adj; echo -1000 > /proc/self/oom_score_adj || cat /proc/self/oom_score_adj"
    done = sandbox.run(ask, timeout_s=20).text.split()
    assert done[0] == done[-1] == "1000"


def test_a_server_can_be_spoken_to_inside(sandbox: Sandbox) -> None:
    code = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "print(socket.create_connection(server.getsockname()).fileno() > 0)"
    )
    assert python(sandbox, code) == "True"
