"""What every container of ours has: its bounds, and a stream to its first process, with which it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from journeyman.sandbox.channel import SocketStream
from journeyman.sandbox.docker_engine import Engine
from journeyman.sandbox.docker_reaper import LABEL, owner
from journeyman.sandbox.docker_stream import AttachedStream
from journeyman.sandbox.sandbox import Limits

MAX_CPUS = 2.0


def start(
    docker: Engine,
    image: str,
    name: str,
    host: Mapping[str, Any],
    *,
    user: int,
    entrypoint: Sequence[str],
    environment: Mapping[str, str] | None = None,
    masked: bool = True,
) -> AttachedStream:
    """Start a container, and return the stream to its first process. Raises EngineError.

    Args:
        host: its bounds, see `host_config`.
        user: number of its user and group.
        masked: whether the engine covers parts of /proc.
    """
    container = docker.create(
        image,
        entrypoint=list(entrypoint),
        name=name,
        host=host,
        masked=masked,
        user=f"{user}:{user}",
        working_dir="/",
        hostname="sandbox",
        network_disabled=True,
        healthcheck={"test": ["NONE"]},
        stdin_open=True,
        environment=dict(environment or {}),
        labels={LABEL: owner()},
    )
    stream = AttachedStream(SocketStream(docker.attach(container)))
    try:
        docker.start(container)
    except BaseException:
        stream.close()
        raise
    return stream


def host_config(limits: Limits, facts: Any, security: Sequence[str]) -> dict[str, Any]:
    """The bounds of any container of ours, as the SDK's `create_host_config` takes them."""
    from docker.types import LogConfig, Ulimit

    mib = 1024 * 1024
    memory = limits.memory_mb * mib
    config: dict[str, Any] = {
        "read_only": True,
        "network_mode": "none",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "security_opt": list(security),
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
