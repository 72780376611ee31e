"""Sandboxes in containers: for tasks that need Debian packages, and for machines whose kernel forbids namespaces.

A container's first process is the helper, and its standard streams, over one attach socket, are the channel: no command
costs a `docker exec`. The helper ends with the stream, so a supervisor that is killed takes its containers with it.

What the container has: the image, read-only; two tmpfs, /workspace and /tmp, bounded in bytes and inodes; no network,
no capability, no way to gain any; one ordinary user. It shares the kernel with the host: a hole there is a way out.
"""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.sandbox.channel import AGENT_ARGUMENTS, Channel, SocketStream
from journeyman.sandbox.docker_engine import Engine, EngineError, engine
from journeyman.sandbox.docker_image import REPOSITORY, image_for
from journeyman.sandbox.docker_reaper import LABEL, owner, reap
from journeyman.sandbox.docker_stream import AttachedStream
from journeyman.sandbox.image import ENV
from journeyman.sandbox.remote import RemoteSandbox, command_environment
from journeyman.sandbox.sandbox import WORKSPACE, Environment, Limits, SandboxUnavailable
from journeyman.sandbox.template import Template, template_of

USER = 1000
"""Numeric user and group of everything inside."""
MAX_CPUS = 2.0
SHARED_MEMORY_MB = 16
"""Size of /dev/shm, which locks of Python's multiprocessing need, in MiB; it holds a thousand files."""

# Fill the workspace, then become the helper: `exec` keeps it process 1.
_START = f'mkdir -p /tmp/home && cp -a {REPOSITORY}/. {WORKSPACE}/ && exec {ENV}/bin/python "$@"'
COMMAND = ["/bin/sh", "-c", _START, "sh", *AGENT_ARGUMENTS]


@dataclass(frozen=True)
class DockerSandboxes:
    """A `SandboxFactory` over the Docker engine that the environment names (DOCKER_HOST, else the local socket)."""

    name: str = "docker"

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> RemoteSandbox:
        """See `SandboxFactory.create`."""
        template = template_of(repository)
        docker = engine()
        _reap_once(os.getpid())
        with _engine_at_work("the image could not be looked up or built"):
            image = image_for(docker, environment, template)
        return _start(docker, image, environment, template, limits or Limits())


@contextlib.contextmanager
def _engine_at_work(trouble: str) -> Iterator[None]:
    """Whoever asks for a sandbox learns that there is none to be had, not what an engine is."""
    try:
        yield
    except EngineError as error:
        raise SandboxUnavailable(f"{trouble}: {error}") from error


@functools.cache
def _reap_once(process: int) -> None:
    with contextlib.suppress(EngineError):  # what was left lies there until the next one; it harms nobody now
        reap(engine())


def _start(docker: Engine, image: str, environment: Environment, template: Template, limits: Limits) -> RemoteSandbox:
    name = f"journeyman-{uuid.uuid4().hex}"
    try:
        with _engine_at_work("the container could not be started"):
            stream = _launch(docker, image, name, limits)
        channel = Channel(stream, why_lost=lambda: stream.complaint or "out of memory, or killed from outside")
        channel.ask("hello")
    except BaseException:
        with contextlib.suppress(EngineError):
            docker.remove(name)
        raise
    return RemoteSandbox(
        channel,
        template,
        variables=command_environment(environment),
        end=_remover(docker, name),
        again=lambda: _start(docker, image, environment, template, limits),
    )


def _launch(docker: Engine, image: str, name: str, limits: Limits) -> AttachedStream:
    container = docker.create(
        image,
        entrypoint=COMMAND,
        name=name,
        host=host_config(limits, docker.facts),
        user=f"{USER}:{USER}",
        working_dir="/",
        hostname="sandbox",
        network_disabled=True,
        healthcheck={"test": ["NONE"]},
        stdin_open=True,
        labels={LABEL: owner()},
    )
    stream = AttachedStream(SocketStream(docker.attach(container)))
    try:
        docker.start(container)
    except BaseException:
        stream.close()
        raise
    return stream


def _remover(docker: Engine, name: str) -> Callable[[], None]:
    owning = os.getpid()

    def remove() -> None:
        if os.getpid() != owning:
            return  # a fork's copy of the sandbox was forgotten; the sandbox is not the fork's to end
        # An engine that does not answer now removes the container by itself: the helper ends with the stream.
        with contextlib.suppress(EngineError):
            docker.remove(name)

    return remove


def host_config(limits: Limits, facts: Any) -> dict[str, Any]:
    """The container's bounds, as the SDK's `create_host_config` takes them."""
    from docker.types import LogConfig, Ulimit

    mib = 1024 * 1024
    memory = limits.memory_mb * mib
    config: dict[str, Any] = {
        "read_only": True,
        "tmpfs": _tmpfs(limits),
        "network_mode": "none",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.processes,
        "mem_limit": memory,
        "memswap_limit": memory,
        "ulimits": [
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
            Ulimit(name="fsize", soft=limits.file_size_mb * mib, hard=limits.file_size_mb * mib),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "log_config": LogConfig(type="none"),
        "init": False,
        "auto_remove": True,
    }
    if facts.get("CpuCfsQuota"):  # some kernels cannot bound it, and the engine then refuses
        config["nano_cpus"] = int(min(MAX_CPUS, float(facts.get("NCPU") or MAX_CPUS)) * 1e9)
    return config


def _tmpfs(limits: Limits) -> dict[str, str]:
    """The disk allowance, a quarter of it for /tmp: an engine cannot give two folders one file system.

    The engine's own /dev/shm would have no bound on its files.
    """
    options = "rw,exec,nosuid,nodev"
    tmp_kb, tmp_inodes = limits.disk_mb * 1024 // 4, limits.inodes // 4
    rest_kb, rest_inodes = limits.disk_mb * 1024 - tmp_kb, limits.inodes - tmp_inodes
    return {
        WORKSPACE: f"{options},size={rest_kb}k,nr_inodes={rest_inodes},mode=0755,uid={USER},gid={USER}",
        "/tmp": f"{options},size={tmp_kb}k,nr_inodes={tmp_inodes},mode=1777",
        "/dev/shm": f"rw,noexec,nosuid,nodev,size={SHARED_MEMORY_MB}m,nr_inodes=1k,mode=1777",
    }
