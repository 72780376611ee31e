"""The embedded backend: Linux namespaces, no daemon, no image registry, no set-uid helper.

Each sandbox is one launcher process (`inside/launch.py`) outside and the helper with its commands inside new user,
mount, pid, network, ipc, uts and cgroup namespaces. What it does not cover: it shares the host's kernel, so a hole
in the kernel is a hole in the sandbox; CPU time is bounded by each command's wall clock alone; and /proc shows the
host's CPU and memory sizes.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from journeyman.sandbox.channel import INSIDE
from journeyman.sandbox.home import home
from journeyman.sandbox.image import PYTHON, Built, environment_of
from journeyman.sandbox.launcher import prepare, take
from journeyman.sandbox.remote import RemoteSandbox, command_environment
from journeyman.sandbox.sandbox import Environment, ImageError, Limits, Sandbox, SandboxError, SandboxUnavailable
from journeyman.sandbox.template import Template, template_of

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

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> Sandbox:
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
    launcher = take()
    try:
        report, _ = launcher.channel.ask(
            "launch",
            mountpoint=str(home("root")),
            env=str(built.folder),
            python=str(built.interpreter.prefix),
            hidden=_host_packages(built),
            inside=str(INSIDE),
            template=str(template.folder),
            limits=asdict(limits),
        )
    except BaseException as error:
        launcher.end()
        if isinstance(error, SandboxError):
            raise SandboxUnavailable(_advice(str(error))) from error
        raise
    launcher.groups = tuple(map(str, report["groups"]))
    variables = command_environment(environment)
    if built.interpreter.library:
        variables["LD_LIBRARY_PATH"] = f"{PYTHON}/{built.interpreter.library}"
    again = partial(_start, built, environment, template, limits)
    prepare()
    facts = {"memory limit": str(report["memory"]), "workspace": str(report["workspace"])}
    return RemoteSandbox(launcher.channel, template, variables=variables, end=launcher.end, again=again, facts=facts)


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
