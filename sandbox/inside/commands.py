"""One command at a time: its output, its wall clock, and the death of everything that it started."""

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

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from typing import Any

CHUNK = 1 << 16


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


def first_for_the_oom_killer() -> None:
    """Short of memory, the kernel shall take the command, not the helper."""
    set_dumpable(True)  # else our own files in /proc are root's
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def execute(argv: list[str], env: dict[str, str]) -> None:
    """As `os.execvpe`, which imports when it is called: here the host's library is not to be seen any more."""
    folders = [""] if "/" in argv[0] else [folder + "/" for folder in env.get("PATH", "/usr/bin:/bin").split(":")]
    problem: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        try:
            os.execve(folder + argv[0], argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problem = error
    raise problem


def become(argv: list[str], env: dict[str, str], folder: int, stdin: int, output: int, link: Link | None) -> None:
    """In the forked child: turn into the command. Never returns."""
    code = 127
    try:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if link is not None:
            link.hand_over()
        os.fchdir(folder)
        os.umask(0o022)
        for number in range(1, signal.NSIG):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue
        first_for_the_oom_killer()
        execute(argv, env)
    except Exception as error:  # not there, not executable, too long, a NUL inside
        missing = isinstance(error, FileNotFoundError)
        code = 127 if missing else 126
        why = "not found" if missing else str(error)
        os.write(2, f"{argv[0]}: {why}\n".encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def watch(child: int, output: int, control: int, timeout: float, capture: Capture, link: Link | None) -> bool:
    """Gather output until the child ends or its time is up; says whether time was up."""
    deadline = time.monotonic() + timeout
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(output, select.POLLIN)
    poll.register(ended, select.POLLIN)
    poll.register(control, 0)  # only its end is told
    try:
        while True:
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
    source = os.memfd_create("stdin") if stdin else os.open("/dev/null", os.O_RDONLY)
    output, writer = os.pipe()
    try:
        if stdin:
            write_all(source, stdin)
            os.lseek(source, 0, os.SEEK_SET)
        capture = Capture(request["keep"])
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            become(request["argv"], request["env"], folder, source, writer, link)
        if link is not None:
            link.began()
        timed_out = watch(child, output, control, request["timeout"], capture, link)
        seconds = time.monotonic() - start
        status = end_everything(child)
        k.remove_ipc()
        os.set_blocking(output, False)
        drain(output, capture)
        if link is not None:
            link.finish()
    finally:
        for handle in (folder, source, output, writer):
            os.close(handle)
        if link is not None:
            link.close()
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    text, dropped = capture.result()
    return {"exit": code, "seconds": seconds, "timed_out": timed_out, "dropped": dropped}, text


def drain(output: int, capture: Capture) -> None:
    """Take what still lies in the pipe; its writers are dead."""
    try:
        while data := os.read(output, CHUNK):
            capture.add(data)
    except BlockingIOError:
        pass
