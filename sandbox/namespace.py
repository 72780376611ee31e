"""The embedded backend: Linux namespaces, no daemon, no image registry, no set-uid helper.

An environment's sandboxes are made by lanes (`lanes`) that are forked from its zygote (`zygotes`). Each is a helper
with its commands inside new user, mount, pid, network, ipc, uts and cgroup namespaces. What it does not cover: it
shares the host's kernel, so a hole in the kernel is a hole in the sandbox; CPU time is bounded by each command's wall
clock alone; and /proc shows the host's CPU and memory sizes.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from functools import partial
from pathlib import Path

from journeyman.sandbox.channel import INSIDE
from journeyman.sandbox.home import home
from journeyman.sandbox.image import PYTHON, Built, environment_of
from journeyman.sandbox.lane_sandbox import open_on
from journeyman.sandbox.lanes import Pool, pool_for
from journeyman.sandbox.remote import command_environment
from journeyman.sandbox.sandbox import Environment, ImageError, Limits, Sandbox, SandboxUnavailable
from journeyman.sandbox.template import OWNER, template_of
from journeyman.sandbox.toolchain import MODULES, PLACE, Toolchain, toolchain_of
from journeyman.sandbox.zygotes import Zygotes

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
        toolchain = toolchain_of(environment.toolchain) if environment.toolchain else None
        built, template = environment_of(environment), template_of(repository)
        variables = command_environment(environment)
        if toolchain and toolchain.bin:
            variables["PATH"] = f"{toolchain.bin}:{variables['PATH']}"
        if built.interpreter.library:
            variables["LD_LIBRARY_PATH"] = f"{PYTHON}/{built.interpreter.library}"
        try:
            return open_on(_pool(built, variables, toolchain), template, variables, limits or Limits())
        except SandboxUnavailable as error:
            raise SandboxUnavailable(_advice(str(error))) from error


def _pool(built: Built, variables: dict[str, str], toolchain: Toolchain | None) -> Pool:
    """The lanes of an environment. Its zygote gets the variables of commands, but not where the repository is."""
    more = {MODULES.lstrip("/"): str(built.modules)} if built.modules.is_dir() else {}
    more |= {PLACE.lstrip("/"): toolchain.root} if toolchain and toolchain.root else {}
    config = {
        "mountpoint": str(home("root")),
        "env": str(built.folder),
        "python": str(built.interpreter.prefix),
        "hidden": _host_packages(built),
        "inside": str(INSIDE),
        "more": more,
        "templates": str(home("templates")),
        "owner": OWNER,
        "variables": {name: value for name, value in variables.items() if name != "PYTHONPATH"},
    }
    return pool_for(("namespace", json.dumps(config)), partial(Zygotes, config))


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
