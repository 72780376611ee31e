"""One command at a time: its output, its time, and the death of everything that it started."""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import errno
import os
import select
import signal
import time

from . import kernel as k
from .files import open_folder, write_all
from .link import Link
from .patience import patience
from .warm_command import plan as plan_run
from .warm_shell import last_words

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from typing import Any

    from .warm_run import Run

CHUNK = 1 << 16
SIGNALS = tuple(map(int, signal.valid_signals()))


class Capture:
    """Output with its head and its tail kept, each at most half of `keep` bytes."""

    def __init__(self, keep: int) -> None:
        self._half = max(1, keep // 2)
        self._head, self._tail = bytearray(), bytearray()
        self._seen = 0

    def add(self, data: bytes) -> None:
        self._seen += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 4 * self._half + CHUNK:
            del self._tail[: -self._half]

    def result(self) -> tuple[bytes, int]:
        """The output with the cut marked, and the number of bytes left out."""
        tail = bytes(self._tail[-self._half :])
        dropped = self._seen - len(self._head) - len(tail)
        if not dropped:
            return bytes(self._head) + tail, 0
        return bytes(self._head) + f"\n[... {dropped} bytes left out ...]\n".encode() + tail, dropped


def end_everything(child: int) -> int:
    """Kill every process of this pid namespace but ourselves, reap them, and return the child's wait status."""
    if os.getpid() != 1:
        raise RuntimeError("only process 1 of a sandbox may do this")
    status = 0
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == child:
            status = ended


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one."""
    k.prctl(k.PR_SET_DUMPABLE, int(dumpable))


class Ready:
    """What every command needs and is made once, while nothing else is alive: opening files of /proc costs more than
    reading them."""

    def __init__(self) -> None:
        os.umask(0o022)
        try:
            os.setsid()  # a signal to the group of a child that stays in it meets nobody but us
        except PermissionError:  # we lead one
            pass
        self.null = os.open("/dev/null", os.O_RDONLY)
        self.ipc = k.open_ipc()
        set_dumpable(True)  # else our own files in /proc are root's
        try:
            self._score = os.open("/proc/self/oom_score_adj", os.O_RDWR)
            self._ours = os.pread(self._score, 32, 0)
        except OSError:
            self._score, self._ours = -1, b""
        set_dumpable(False)

    def score(self, *, first: bool) -> None:
        """Short of memory, the kernel shall take the command, not us. It is born with our score, so that it never has
        another: ours is raised for the moment of its birth."""
        try:
            os.pwrite(self._score, b"1000" if first else self._ours, 0)
        except OSError:  # not there, or not ours to lower
            pass


_ready: list[Ready] = []


def ready() -> Ready:
    """Made at the first command: by then we are process 1 of our namespaces."""
    if not _ready:
        _ready.append(Ready())
    return _ready[0]


def spawn(argv: list[str], env: dict[str, str], files: list[tuple[int, ...]]) -> int:
    """Start a program in our folder, looked for as a shell does; returns its process id.

    Raises OSError or ValueError if it cannot be started.
    """
    problem: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    folders = [""] if "/" in argv[0] else [folder + "/" for folder in env.get("PATH", "/usr/bin:/bin").split(":")]
    for folder in folders:
        path = folder + argv[0]
        try:
            os.stat(path)  # a start in vain costs far more
            return os.posix_spawn(path, argv, env, file_actions=files, setsid=True, setsigmask=(), setsigdef=SIGNALS)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except BlockingIOError:  # too many processes
            raise
        except OSError as error:
            problem = error
    raise problem


def start(request: dict[str, Any], files: list[tuple[int, ...]], warm: Run | None) -> int:
    """Start the command in our folder; returns its process id. Raises OSError or ValueError if it cannot be started."""
    ready().score(first=True)
    try:
        child = os.fork() if warm else spawn(request["argv"], request["env"], files)
    finally:
        if os.getpid() == 1:
            ready().score(first=False)
    if warm and not child:
        warm.born(files)
    return child


def complain(name: str, error: Exception, capture: Capture) -> int:
    """Say, as a shell does, why a program cannot be started, and return the exit status for that."""
    missing = isinstance(error, FileNotFoundError)
    why = "not found" if missing else str(error)
    capture.add(f"{name}: {why}\n".encode("utf-8", "backslashreplace"))
    return 127 if missing else 126


def watch(child: int, output: int, control: int, timeout: float, capture: Capture, link: Link | None) -> bool:
    """Gather output until the child ends or its time is up; says whether time was up."""
    began = time.monotonic()
    deadline = began + timeout
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(output, select.POLLIN)
    poll.register(ended, select.POLLIN)
    poll.register(control, 0)  # only its end is told
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                deadline = began + timeout + patience(timeout)
                left = deadline - time.monotonic()
            if left <= 0:
                return True
            if link is not None:
                link.register(poll)
            ready = dict(poll.poll(left * 1000 + 1))
            if ready.get(control, 0) & ~select.POLLIN:
                os._exit(0)
            if link is not None:
                link.serve(ready, poll)
            if output in ready:
                data = os.read(output, CHUNK)
                capture.add(data)
                if not data:
                    poll.unregister(output)
            elif ended in ready:
                return False
    finally:
        os.close(ended)


def run(
    request: dict[str, Any], stdin: bytes | bytearray, control: int, link: Link | None
) -> tuple[dict[str, Any], bytes]:
    """Run one command to its end and leave no process of it alive."""
    folder = open_folder(request["cwd"])
    source = os.memfd_create("stdin") if stdin else os.dup(ready().null)
    output, writer = os.pipe()
    try:
        if stdin:
            write_all(source, stdin)
            os.lseek(source, 0, os.SEEK_SET)
        files = [(os.POSIX_SPAWN_DUP2, handle, place) for place, handle in enumerate((source, writer, writer))]
        capture, warm = Capture(request["keep"]), None
        began, timed_out = time.monotonic(), False
        try:
            os.fchdir(folder)
            warm, runner = planned(request)
            child = start(request, [*files, *(link.files() if link else ())], warm)
        except BlockingIOError:  # too many processes
            raise
        except (OSError, ValueError) as error:
            code, runner = complain(request["argv"][0], error, capture), ""
        else:
            if link is not None:
                link.began()
            timed_out = watch(child, output, control, request["timeout"], capture, link)
            code = os.waitstatus_to_exitcode(end_everything(child))
        seconds = time.monotonic() - began
        k.remove_ipc(ready().ipc)
        os.set_blocking(output, False)
        drain(output, capture)
        if warm and warm.has_shell:
            capture.add(last_words(code))
        code = code if code >= 0 else 128 - code
        if link is not None:
            link.finish()
    finally:
        if os.getpid() == 1:  # not in a warm run
            os.chdir("/")
        for handle in (folder, source, output, writer):
            os.close(handle)
        if link is not None:
            link.close()
    text, dropped = capture.result()
    answer = {"exit": code, "seconds": seconds, "timed_out": timed_out, "dropped": dropped, "runner": runner}
    return answer, text


def planned(request: dict[str, Any]) -> tuple[Run | None, str]:
    """The warm run that was asked for and can be had, and how the command will run: see `Completed.runner`."""
    if not request["warm"] or not any("pytest" in word or "py.test" in word for word in request["argv"]):
        return None, ""
    plan = "it has a link" if request["linked"] else plan_run(request["argv"], request["env"])
    return (None, f"cold: {plan}") if isinstance(plan, str) else (plan, "warm")


def drain(output: int, capture: Capture) -> None:
    """Take what still lies in the pipe; its writers are dead."""
    try:
        while data := os.read(output, CHUNK):
            capture.add(data)
    except BlockingIOError:
        pass
