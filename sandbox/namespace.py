"""The embedded backend: Linux namespaces, no daemon, no image registry, no set-uid helper.

Each sandbox is one launcher process (`inside/launch.py`) outside and the helper with its commands inside new user,
mount, pid, network, ipc, uts and cgroup namespaces. What it does not cover: it shares the host's kernel, so a hole
in the kernel is a hole in the sandbox; CPU time is bounded by each command's wall clock alone; and /proc shows the
host's CPU and memory sizes.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from journeyman.sandbox.channel import INSIDE, Channel, SocketStream
from journeyman.sandbox.home import home
from journeyman.sandbox.image import PYTHON, Built, environment_of
from journeyman.sandbox.inside.launch import OUT_OF_MEMORY
from journeyman.sandbox.remote import RemoteSandbox, command_environment
from journeyman.sandbox.sandbox import Environment, ImageError, Limits, SandboxError, SandboxUnavailable
from journeyman.sandbox.template import Template, template_of

LAUNCH = f"import sys; sys.path.insert(0, {str(INSIDE.parent)!r}); from inside.launch import main; main()"
END_S = 20.0
"""How long a sandbox may take to end before its launcher is killed, in seconds."""

_MENDS = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)


class NamespaceSandboxes:
    """The `SandboxFactory` named "namespace". Works for an ordinary user and for root alike."""

    name = "namespace"

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> RemoteSandbox:
        """See `SandboxFactory.create`. A repository that changes on the host is copied anew."""
        if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
            raise SandboxUnavailable(
                f"the namespace backend needs Linux on x86_64 or aarch64, and this is {sys.platform} on"
                f" {platform.machine()}; use the docker backend"
            )
        if environment.system_packages:
            wanted = ", ".join(environment.system_packages)
            raise ImageError(f"the namespace backend cannot install system packages ({wanted}); use the docker backend")
        return _start(environment_of(environment), environment, template_of(repository), limits or Limits())


def _start(built: Built, environment: Environment, template: Template, limits: Limits) -> RemoteSandbox:
    process, channel = _launch(built, template, limits)
    variables = command_environment(environment)
    if built.interpreter.library:
        variables["LD_LIBRARY_PATH"] = f"{PYTHON}/{built.interpreter.library}"
    again = partial(_start, built, environment, template, limits)
    return RemoteSandbox(channel, template, variables=variables, end=partial(_end, process), again=again)


def _launch(built: Built, template: Template, limits: Limits) -> tuple[subprocess.Popen[bytes], Channel]:
    ours, theirs = socket.socketpair()
    python: str = getattr(sys, "_base_executable", "") or sys.executable
    try:
        process = subprocess.Popen(
            [python, "-I", "-S", "-c", LAUNCH],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict[str, str](),
            cwd="/",
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    channel = Channel(SocketStream(ours), partial(_why, process))
    try:
        channel.ask(
            "launch",
            mode="root" if os.geteuid() == 0 else "user",
            mountpoint=str(home("root")),
            env=str(built.folder),
            python=str(built.interpreter.prefix),
            hidden=_host_packages(built),
            inside=str(INSIDE),
            template=str(template.folder),
            limits=asdict(limits),
        )
    except BaseException as error:
        channel.close()
        _end(process)
        if isinstance(error, SandboxError):
            raise SandboxUnavailable(_advice(str(error))) from error
        raise
    return process, channel


def _host_packages(built: Built) -> str:
    """The interpreter's own site-packages below its prefix: a task must not see what else the host has installed."""
    return "" if str(built.interpreter.prefix) == "/usr" else f"lib/python{built.interpreter.version}/site-packages"


def _advice(problem: str) -> str:
    mends = []
    for path, bad, mend in _MENDS:
        if os.geteuid() != 0 and (file := Path(path)).exists() and file.read_text().strip() == bad:
            mends.append(mend)
    todo = "; ".join(mends) or "inside a container, allow it the mount and unshare calls; or use the docker backend"
    return f"this machine cannot make a namespace sandbox ({problem}). What to do: {todo}"


def _why(process: subprocess.Popen[bytes]) -> str:
    """Why the sandbox ended, once its stream has."""
    try:
        code = process.wait(5)
    except subprocess.TimeoutExpired:
        return "its launcher hangs"
    return "out of memory" if code == OUT_OF_MEMORY else "it was killed"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the launcher, which ends the sandbox as soon as our end of its socket is closed."""
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()  # process 1 dies with its launcher
        process.wait()
