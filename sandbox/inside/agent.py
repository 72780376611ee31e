"""The helper inside every sandbox: process 1, standard library only (Python 3.9 and later).

It answers one request at a time over a byte stream. Every message, in both directions, is

    u32 length of the JSON | u32 length of the payload | JSON (UTF-8) | payload        (lengths big endian)

A request names its `op`; an answer has `error` ("path", "busy" or "failed") and `message`, or the op's result:

    hello                                        → python, and facts: how the workspace is kept
    run      argv, cwd, env, timeout, keep,      → exit, seconds, timed_out, dropped, runner; payload: the output
             linked, warm (payload: stdin)
    link     nothing is answered                 (payload: bytes for the running command's link; none ends it)
    read     path, limit                         → payload: the bytes
    write    files [[path, mode, size], …]       → {}          (payload: their bytes, one after the other)
    remove   path                                → {}
    manifest max_file, max_total                 → files {path: [mode, sha256, size]}, skipped [[path, why], …]
             (payload: seed, see `Tree.seed`)
    fetch    files [[path, size], …]             → payload: their bytes, one after the other
    prune    files {path: [executable, sha256]}, links [path, …]   → missing [path, …]

While a linked command runs, messages `{"link": true}` come before the answer: their payload is what the command wrote
to its link, see `link.py`.

The requests come from the supervisor and are trusted; the files and the processes here are not.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import json
import os
import signal
import sys

from . import kernel, seccomp
from .commands import run, set_dumpable
from .files import WORKSPACE, PathError, Tree, read_exactly, read_file, remove_file, write_all, write_file
from .link import HEADER, Link

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from collections.abc import Callable, Iterator
    from typing import Any

    Payload = bytes | bytearray
    Answer = tuple[dict[str, Any], Payload]


def encode(message: dict[str, Any], payload_size: int = 0) -> bytes:
    """One message as bytes, up to its payload."""
    text = json.dumps(message).encode()
    return HEADER.pack(len(text), payload_size) + text


def split(payload: Payload, sizes: list[int]) -> Iterator[memoryview]:
    """The payload's parts, not copied: there may be little memory."""
    at, view = 0, memoryview(payload)
    for size in sizes:
        yield view[at : at + size]
        at += size


class Agent:
    """Answers requests until the stream ends."""

    def __init__(self, source: int, sink: int, facts: dict[str, str]) -> None:
        self._source, self._sink = source, sink
        self._tree = Tree(WORKSPACE)
        self._ops: dict[str, Callable[[dict[str, Any], Payload], Answer]] = {
            "hello": lambda request, payload: ({"python": sys.version.split()[0], **facts}, b""),
            "run": lambda request, payload: run(request, payload, source, self._link(request)),
            "read": lambda request, payload: ({}, read_file(request["path"], request["limit"])),
            "write": self._write,
            "remove": self._remove,
            "manifest": self._manifest,
            "fetch": self._fetch,
            "prune": self._prune,
        }

    def serve(self) -> None:
        while len(header := read_exactly(self._source, HEADER.size)) == HEADER.size:
            sizes = HEADER.unpack(header)
            text, payload = (read_exactly(self._source, size) for size in sizes)
            if len(payload) < sizes[1]:
                return
            request = json.loads(text)
            if request["op"] == "link":
                continue  # for a command that has ended
            answer, data = self._answer(request, payload)
            write_all(self._sink, encode(answer, len(data)))
            write_all(self._sink, data)
            del payload, data  # not kept while we wait

    def _link(self, request: dict[str, Any]) -> Link | None:
        return Link(self._source, self._sink, self._send_link) if request["linked"] else None

    def _send_link(self, data: bytes) -> None:
        write_all(self._sink, encode({"link": True}, len(data)) + data)

    def _answer(self, request: dict[str, Any], payload: Payload) -> Answer:
        try:
            return self._ops[request["op"]](request, payload)
        except PathError as error:
            return {"error": "path", "message": str(error)}, b""
        except BlockingIOError as error:
            return {"error": "busy", "message": error.strerror}, b""
        except OSError as error:
            return {
                "error": "path",
                "message": f"{request.get('path') or request.get('cwd') or 'files'}: {error.strerror}",
            }, b""
        except Exception as error:
            return {"error": "failed", "message": f"{request.get('op')}: {error!r}"}, b""

    def _write(self, request: dict[str, Any], payload: Payload) -> Answer:
        files = request["files"]
        for (path, mode, _), data in zip(files, split(payload, [size for _, _, size in files])):  # noqa: B905 (3.9)
            try:
                write_file(path, data, mode)
            except OSError as error:
                raise PathError(f"{path!r} cannot be written: {error.strerror}") from error
        return {}, b""

    def _remove(self, request: dict[str, Any], payload: Payload) -> Answer:
        remove_file(request["path"])
        return {}, b""

    def _manifest(self, request: dict[str, Any], payload: Payload) -> Answer:
        if payload:
            self._tree.seed(json.loads(payload))
        files, skipped = self._tree.manifest(request["max_file"], request["max_total"])
        return {"files": files, "skipped": skipped}, b""

    def _fetch(self, request: dict[str, Any], payload: Payload) -> Answer:
        return {}, b"".join(read_file(path, size) for path, size in request["files"])

    def _prune(self, request: dict[str, Any], payload: Payload) -> Answer:
        wanted, history = request["files"], request["history"]
        self._tree.prune(wanted, request["links"], history)
        found, _ = self._tree.manifest(request["max_file"], request["max_total"])
        same = {path for path, (mode, digest, _) in found.items() if wanted[path] == [bool(mode & 0o100), digest]}
        missing = [path for path in wanted if path not in same]
        return {"missing": missing + [path for path in history if not os.path.lexists(f"{WORKSPACE}/{path}")]}, b""


def serve(source: int, sink: int, facts: dict[str, str]) -> None:
    """Be the helper: ignore signals, hide our memory and descriptors from the commands, answer until the end."""
    if os.getpid() != 1:
        raise RuntimeError("the helper must be process 1 of a sandbox")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    set_dumpable(False)  # /proc/1/fd and /proc/1/mem are closed to commands
    for handle in (source, sink):
        os.set_inheritable(handle, False)
    os.makedirs("/tmp/home", exist_ok=True)
    os.chdir("/")
    Agent(source, sink, facts).serve()


def main() -> None:
    """In a container: serve on stdin and stdout, which commands must not see, under the same filter as elsewhere.

    An engine's own filter, where it has one, stands beside ours and lets more through.
    """
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_filter(seccomp.program(os.uname().machine))
    source, sink = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    os.close(null)
    serve(source, sink, {})


if __name__ == "__main__":
    main()
