"""What one episode leaves for the next: lanes serve many sandboxes, and nothing may pass from one to the next.

Each case tries to leave something behind in a sandbox, and then looks for it in the one that the same lane makes next.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from journeyman.sandbox import lanes
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import Completed, Environment, Sandbox, SandboxFactory, SandboxLost

BARE = Environment(requirements=())
WITH_PYTEST = Environment(requirements=("pytest",))
START = """
import ctypes, itertools, os, socket, subprocess, time
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
def running(word):
    processes = (path for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != str(os.getpid()))
    return any(word in path.read_bytes() for path in processes)
"""


@dataclass(frozen=True)
class Leak:
    """A way to leave something, in Python, and an expression that is true where it is found."""

    name: str
    leave: str
    look: str


FILES = ("/workspace/left", "/tmp/left", "/tmp/home/left", "/dev/shm/left", "/var/tmp/left", "/run/left", "/dev/left")
SHARED = {"shared memory": "libc.shmget(4711, 4096, {})", "semaphores": "libc.semget(4711, 1, {})"}
LEAKS = (
    *(Leak(f"file {path}", f"Path('{path}').write_text('x')", f"Path('{path}').exists()") for path in FILES),
    *(Leak(name, call.format("0o1666"), f"{call.format(0)} >= 0") for name, call in SHARED.items()),
    Leak("message queue", "libc.msgget(4711, 0o1666)", "libc.msgget(4711, 0) >= 0"),
    Leak("queue as a file", "Path('/dev/mqueue/left').touch()", "Path('/dev/mqueue/left').exists()"),
    Leak("change", "Path('a.py').write_text('left')", "Path('a.py').read_text() == 'left'"),
    Leak("mode", "Path('a.py').chmod(0)", "not os.access('a.py', os.R_OK)"),
    Leak("whiteout", "Path('b.py').unlink()", "not Path('b.py').exists()"),
    Leak("orphan", "subprocess.Popen(['sleep', '987'], start_new_session=True)", "running(b'987')"),
    Leak(
        "orphan that hides",
        "if os.fork() == 0:\n os.setsid(); os.closerange(0, 99)\n if os.fork() == 0: os.execlp('sleep', 's', '987')",
        "running(b'987')",
    ),
    Leak("key", "libc.syscall(248, b'user', b'left', b'x', 1, -3)", "'left' in Path('/proc/keys').read_text()"),
    Leak("environment", "os.environ['LEFT'] = '1'", "'LEFT' in os.environ"),
    Leak("host name", "libc.sethostname(b'left', 4)", "os.uname().nodename == 'left'"),
    Leak(
        "network setting",
        "Path('/proc/sys/net/ipv4/ip_default_ttl').write_text('47')",
        "Path('/proc/sys/net/ipv4/ip_default_ttl').read_text() == '47\\n'",
    ),
    Leak(
        "abstract socket",
        "s = socket.socket(socket.AF_UNIX); s.bind(chr(0) + 'left')\nif os.fork() == 0: os.setsid(); time.sleep(987)",
        "'@left' in Path('/proc/net/unix').read_text()",
    ),
    Leak(
        "packets counted",
        "s = socket.create_server(('127.0.0.1', 4711)); socket.create_connection(('127.0.0.1', 4711)).send(b'x' * 999)",
        "int(Path('/proc/net/dev').read_text().split('lo:')[1].split()[0]) > 0",
    ),
    Leak(
        "refusal counted",
        "socket.socket().connect_ex(('127.0.0.1', 4711))",
        "int(Path('/proc/net/dev').read_text().split('lo:')[1].split()[0]) > 0",
    ),
    Leak(
        "unreachable address counted",
        "socket.socket().connect_ex(('192.0.2.1', 80))",
        "int(dict(zip(*(l.split() for l in open('/proc/net/snmp') if l.startswith('Ip:'))))['OutNoRoutes']) > 0",
    ),
    Leak(
        "port that is not free yet",
        "a = socket.create_server(('127.0.0.1', 4711)); b = socket.create_connection(('127.0.0.1', 4711))\n"
        "c = a.accept()[0]; c.close(); b.recv(1); b.close(); a.close()",
        "socket.socket().bind(('127.0.0.1', 4711)) is not None",
    ),
    Leak("process numbers", "for _ in range(50): subprocess.run(['true'])", "os.getpid() > 40"),
    Leak("umask", "os.umask(0)", "os.umask(0) == 0"),
    Leak("folder", "os.chdir('/tmp')", "os.getcwd() != '/workspace'"),
    Leak(
        "mount", "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)", "'none' in Path('/proc/mounts').read_text().split()"
    ),
)
USE_UP = {
    "memory": "x = []\nwhile True: x.append(bytearray(1 << 24))",
    "disk": "for n in itertools.count(): Path(f'/dev/shm/big{n}').write_bytes(bytes(10 ** 8))",
    "inodes": "for n in itertools.count(): Path(f'/tmp/{n}').touch()",
    "processes": "for _ in range(9999):\n if os.fork() == 0: time.sleep(99)",
}


@pytest.fixture(scope="module", params=["namespace", pytest.param("docker", marks=pytest.mark.docker)])
def factory(request: pytest.FixtureRequest) -> SandboxFactory:
    return open_backend(request.param)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "a.py").write_text("a = 1\n")
    (folder / "b.py").write_text("b = 1\n")
    return folder


def lane_of(sandbox: Sandbox) -> lanes.Lane:
    lane = getattr(sandbox, "_lane", None)
    assert isinstance(lane, lanes.Lane)
    return lane


def python(sandbox: Sandbox, code: str) -> Completed:
    return sandbox.run(["python", "-c", START + code], timeout_s=20)


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: re.sub(r"\W+", "_", leak.name))
def test_nothing_passes_to_the_next(leak: Leak, factory: SandboxFactory, repository: Path) -> None:
    with factory.create(BARE, repository) as before:
        lane = lane_of(before)
        python(before, leak.leave)
    with factory.create(BARE, repository) as after:
        assert lane_of(after) is lane, "the lane was used again"
        assert python(after, f"print({leak.look})").text == "False\n"
        assert after.snapshot().is_pristine


@pytest.mark.parametrize("what", USE_UP)
def test_what_one_used_up_the_next_has_again(what: str, factory: SandboxFactory, repository: Path) -> None:
    with factory.create(BARE, repository) as before:
        assert not python(before, USE_UP[what]).ok
    with factory.create(BARE, repository) as after:
        python(after, "Path('big').write_bytes(bytes(2 * 10 ** 8)); Path('big').unlink()")
        use = "held = bytearray(10 ** 9)\nfor _ in range(100): subprocess.Popen(['sleep', '9'])\nprint('had it')"
        assert python(after, use).text == "had it\n"


def test_a_sandbox_that_died_badly_leaves_nothing_either(factory: SandboxFactory, repository: Path) -> None:
    """Closed while a command runs that has written, forked and fills the stream."""
    for _ in range(3):
        before = factory.create(BARE, repository)
        threading.Timer(0.3, before.close).start()
        with pytest.raises(SandboxLost):
            before.run("echo x > left; (setsid sleep 987 &) ; cat /dev/zero", timeout_s=20)
        with factory.create(BARE, repository) as after:
            assert python(after, "print(running(b'987'), sorted(os.listdir()))").text == "False ['a.py', 'b.py']\n"


SPOIL = """
import builtins, os, sys, threading
import _pytest.python, pytest
def test_it():
    assert not hasattr(pytest, "left") and not hasattr(builtins, "left") and "left" not in sys.modules
    assert "LEFT" not in os.environ and "/left" not in sys.path and threading.active_count() == 1
    pytest.left = builtins.left = sys.modules["left"] = sys
    os.environ["LEFT"] = "1"
    sys.path.append("/left")
    _pytest.python.Function.runtest = lambda self: None  # from here on, every test passes
    threading.Thread(target=threading.Event().wait, daemon=True).start()
def test_that_fails():
    assert False
"""


def test_a_warm_test_run_leaves_nothing_in_what_the_next_starts_from(factory: SandboxFactory, tmp_path: Path) -> None:
    """Neither for the next run in the same sandbox, nor for the next sandbox of the lane."""
    (tmp_path / "test_spoil.py").write_text(SPOIL)
    lane = None
    for _ in range(2):
        with factory.create(WITH_PYTEST, tmp_path) as sandbox:
            assert lane in (None, lane_of(sandbox)), "the lane was used again"
            lane = lane_of(sandbox)
            for _ in range(2):
                done = sandbox.run("python -m pytest -q -p no:cacheprovider", timeout_s=60, warm=True)
                assert done.runner == "warm"
                assert "2 passed" in done.text, "it spoiled its own run, and found no trace of one before"
