"""What a backend holds in on this machine, found by making a sandbox and trying, for `journeyman doctor`."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox.sandbox import Environment, Limits, SandboxError, SandboxFactory

_LIMITS = Limits(memory_mb=256, processes=64, file_size_mb=4, disk_mb=16, inodes=500)

# Runs inside. Each line tries one wall and prints [name, holds, detail].
_TRY = r"""
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def fact(name, holds, detail=""): print(json.dumps([name, bool(holds), str(detail)]), flush=True)
def refused(call):
    try: return call() == -1
    except OSError: return True
def filtered(number):
    ctypes.set_errno(0)
    return libc.syscall(number, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM
def write(path): open(path, "w").write("x")
def fill(path, count, size):
    try:
        for n in range(count): open(f"{path}{n}", "wb").write(bytes(size))
    except OSError as error: return errno.errorcode[error.errno]
def reach():
    with socket.socket() as s:
        s.settimeout(2)
        s.connect(("192.0.2.1", 80))
fact("ordinary user", os.getuid() != 0, f"user {os.getuid()}")
fact("no capabilities", all(int(status[c], 16) == 0 for c in ("CapEff", "CapPrm", "CapBnd", "CapInh")))
fact("no new privileges", status["NoNewPrivs"].strip() == "1")
IO_URING_SETUP, NETLINK = 425, 16
fact("system call filter", status["Seccomp"].strip() == "2" and refused(lambda: libc.unshare(0x10000000))
     and filtered(IO_URING_SETUP) and refused(lambda: socket.socket(NETLINK, socket.SOCK_RAW)))
fact("own processes only", len([n for n in os.listdir("/proc") if n.isdigit()]) < 5)
lines = [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
fact("no network", refused(reach) and set(lines) <= {"lo"}, "interfaces: " + (", ".join(lines) or "none"))
fact("read-only system", all(refused(lambda: write(p)) for p in ("/usr/x", "/etc/x", "/opt/env/x", "/x")))
fact("file size limit", fill("/tmp/size", 1, 5 << 20) in ("EFBIG", "ENOSPC"))
fact("disk limit", fill("/tmp/disk", 10, 3 << 20) == "ENOSPC")
for n in range(10): os.path.exists(f"/tmp/disk{n}") and os.unlink(f"/tmp/disk{n}")
os.unlink("/tmp/size0")
fact("inode limit", fill("/tmp/inode", 1000, 0) == "ENOSPC")
"""
_HOG = "x = bytearray(400 << 20); print('had it')"
_BREED = (
    "import subprocess as s\ntry: [s.Popen(['sleep', '5']) for _ in range(100)]; print('had it')\nexcept OSError: pass"
)


@dataclass(frozen=True, slots=True)
class Property:
    """One wall of the sandbox, as tried."""

    name: str
    holds: bool
    detail: str = ""


def probe(factory: SandboxFactory) -> tuple[Property, ...]:
    """Try every wall of a fresh sandbox. Takes about a second, more where an environment must be built first.

    Raises:
        SandboxError: no sandbox can be made here; the message says what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "hello.txt").write_text("hello\n")
        with factory.create(Environment(requirements=()), Path(folder), limits=_LIMITS) as sandbox:
            found = []
            tried = sandbox.run(["python", "-c", _TRY], timeout_s=60)
            for line in tried.text.splitlines():
                try:
                    found.append(Property(*json.loads(line)))
                except (ValueError, TypeError) as error:
                    raise SandboxError(f"the probe could not run in the sandbox: {tried.text[-500:]}") from error
            facts = getattr(sandbox, "facts", {})
            for name, code in (("memory limit", _HOG), ("process limit", _BREED)):
                done = sandbox.run(["python", "-c", code], timeout_s=60)
                found.append(Property(name, "had it" not in done.text, facts.get(name, "")))
            if "landlock" in facts:
                found.append(Property("landlock", facts["landlock"] != "none", facts["landlock"]))
            alive = sandbox.run("cat hello.txt", timeout_s=20)
            found.append(Property("survives its commands", alive.text == "hello\n"))
            kept = facts.get("workspace", "")
            found.append(
                Property("separate copy of the files", Path(folder, "hello.txt").read_text() == "hello\n", kept)
            )
    return tuple(found)
