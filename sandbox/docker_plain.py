"""Containers that serve one sandbox each: slower, but any engine can make them, also one on another machine.

The container's first process is the helper, and its standard streams, over one attach socket, are the channel: no
command costs a `docker exec`. The helper ends with the stream, so a supervisor that is killed takes its containers with
it. The repository is part of the image, and copied into a tmpfs at the start.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Mapping

from journeyman.sandbox.channel import AGENT_ARGUMENTS, Channel
from journeyman.sandbox.docker_container import host_config, start
from journeyman.sandbox.docker_engine import Engine, EngineError
from journeyman.sandbox.docker_image import REPOSITORY
from journeyman.sandbox.docker_stream import AttachedStream
from journeyman.sandbox.image import ENV
from journeyman.sandbox.remote import RemoteSandbox
from journeyman.sandbox.sandbox import WORKSPACE, Limits
from journeyman.sandbox.template import Template

USER = 1000
"""Numeric user and group of everything inside."""
SHARED_MEMORY_MB = 16
"""Size of /dev/shm, which locks of Python's multiprocessing need, in MiB; it holds a thousand files."""

# Fill the workspace, then become the helper: `exec` keeps it process 1.
_START = f'mkdir -p /tmp/home && cp -a {REPOSITORY}/. {WORKSPACE}/ && exec {ENV}/bin/python "$@"'
COMMAND = ["/bin/sh", "-c", _START, "sh", *AGENT_ARGUMENTS]


def open_plain(
    docker: Engine, image: str, variables: Mapping[str, str], template: Template, limits: Limits
) -> RemoteSandbox:
    """A sandbox in a new container. Raises EngineError, or SandboxLost where the container ends at once."""
    name = f"journeyman-{uuid.uuid4().hex}"
    try:
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
        variables=variables,
        end=_remover(docker, name),
        again=lambda: open_plain(docker, image, variables, template, limits),
    )


def _launch(docker: Engine, image: str, name: str, limits: Limits) -> AttachedStream:
    bounds = {**host_config(limits, docker.facts, ["no-new-privileges"]), "tmpfs": _tmpfs(limits)}
    bounds["pids_limit"] = limits.processes
    return start(docker, image, name, bounds, user=USER, entrypoint=COMMAND)


def _remover(docker: Engine, name: str) -> Callable[[], None]:
    owning = os.getpid()

    def remove() -> None:
        if os.getpid() != owning:
            return  # a fork's copy of the sandbox was forgotten; the sandbox is not the fork's to end
        # An engine that does not answer now removes the container by itself: the helper ends with the stream.
        with contextlib.suppress(EngineError):
            docker.remove(name)

    return remove


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
