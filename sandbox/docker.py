"""Sandboxes in containers: for tasks that need Debian packages, and for machines whose kernel forbids namespaces.

A container stands ready before it is needed, and serves many sandboxes one after the other. In it a zygote and one lane
make each sandbox as they do on the host (`inside/launch.py`), out of reach of the one before. They are spoken to over
a socket in a folder that both sides see, so that the engine has no part in a step.

What the container has: the image, read-only; the pristine repositories, read-only; no network, no capability, no way to
gain any outside of its own; one ordinary user. It shares the kernel with the host: a hole there is a way out.

Where the engine runs elsewhere, or its kernel refuses namespaces in a container, each sandbox has a container of its
own (`docker_plain`), and a warning says so.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import socket
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox.docker_container import host_config, start
from journeyman.sandbox.docker_engine import Engine, EngineError, engine
from journeyman.sandbox.docker_image import BASE_VARIABLE, environment_image, image_for
from journeyman.sandbox.docker_plain import open_plain
from journeyman.sandbox.docker_reaper import reap
from journeyman.sandbox.docker_stream import AttachedStream
from journeyman.sandbox.home import home
from journeyman.sandbox.image import ENV
from journeyman.sandbox.inside.launch import LISTEN_AT, VARIABLES
from journeyman.sandbox.inside.root import TEMPLATES
from journeyman.sandbox.inside.seccomp import DENIED
from journeyman.sandbox.inside.twins import new_image
from journeyman.sandbox.lane_sandbox import open_on
from journeyman.sandbox.lanes import Lane, dismiss, pool_for
from journeyman.sandbox.remote import command_environment
from journeyman.sandbox.sandbox import Environment, Limits, Sandbox, SandboxError, SandboxUnavailable
from journeyman.sandbox.template import OWNER, template_of
from journeyman.sandbox.zygotes import START_S, packet

ZYGOTE = "import sys; sys.path.insert(0, '/opt/journeyman'); from inside.launch import contained; contained()"
START = f'{ENV}/bin/python -I -S -c "{ZYGOTE}" </dev/null && while read -r _; do :; done'
"""The container's first process: it ends with its stdin, and with it the container."""
NEEDED = ("mount", "umount2", "unshare", "setns", "open_tree", "move_mount", "mount_setattr", "sethostname", "ptrace")
"""System calls by which a lane makes sandboxes, and shares memory; what runs in a sandbox has none of them."""
MAX_IMAGES = 4
"""Of what lanes have in memory alike, of one kind of container."""
OWN_PROCESSES = 8
"""What a container needs beside a sandbox's processes: the first one, the lane, the helper, and air."""


@dataclass(frozen=True)
class DockerSandboxes:
    """A `SandboxFactory` over the Docker engine that the environment names (DOCKER_HOST, else the local socket)."""

    name: str = "docker"

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> Sandbox:
        """See `SandboxFactory.create`."""
        template, limits = template_of(repository), limits or Limits()
        docker = engine()
        _reap_once(os.getpid())
        variables = command_environment(environment)
        containers = Containers(docker, environment, limits)
        if _reusable(containers):
            base = os.environ.get(BASE_VARIABLE, "")
            pool = pool_for(("docker", environment.key, base, limits, str(home())), lambda: containers)
            return open_on(pool, template, variables, limits)
        with engine_at_work("the image could not be looked up or built"):
            image = image_for(docker, environment, template)
        with engine_at_work("the container could not be started"):
            return open_plain(docker, image, variables, template, limits)


@contextlib.contextmanager
def engine_at_work(trouble: str) -> Iterator[None]:
    """Whoever asks for a sandbox learns that there is none to be had, not what an engine is."""
    try:
        yield
    except EngineError as error:
        raise SandboxUnavailable(f"{trouble}: {error}") from error


@functools.cache
def _reap_once(process: int) -> None:
    atexit.register(dismiss)  # once more than lanes do themselves: before the engine's connections close
    with contextlib.suppress(EngineError):  # what was left lies there until the next one; it harms nobody now
        reap(engine())
    for folder in home("docker").glob("control-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)


unfit: dict[int, str] = {}
"""Process id → why containers cannot be reused here."""


def _reusable(containers: Containers) -> bool:
    """Whether containers can serve many sandboxes here: tried once in each process."""
    process = os.getpid()
    if process not in unfit:
        unfit[process] = containers.trouble()
        if unfit[process]:
            warnings.warn(
                f"docker: containers cannot be reused here ({unfit[process]}); each sandbox gets one of its own",
                RuntimeWarning,
                stacklevel=4,
            )
    return not unfit[process]


class Containers:
    """A `Source` of lanes, each in a container of its own; what they have loaded is in memory once."""

    max_idle = 64

    def __init__(self, docker: Engine, environment: Environment, limits: Limits) -> None:
        self._docker, self._environment, self._limits = docker, environment, limits
        self._images: list[tuple[int, int]] = []
        self._filling = threading.Lock()

    def trouble(self) -> str:
        """Why a container of ours cannot make sandboxes; empty if one did.

        Raises:
            SandboxUnavailable, ImageError: there can be no container at all.
        """
        if not self._docker.is_local:
            return "the engine runs elsewhere"
        with engine_at_work("the image could not be looked up or built"):
            environment_image(self._docker, self._environment)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "hello.txt").write_text("hello\n")
            template = template_of(Path(folder))
        try:
            lane = self.lane()
        except SandboxUnavailable as error:
            return str(error)
        try:
            channel, _ = lane.launch(f"{template.folder.parent.name}/{template.folder.name}", self._limits, [])
            channel.close()
        except SandboxError as error:
            return str(error)
        finally:
            lane.retire()
        return ""

    def lane(self) -> Lane:
        """See `Source.lane`; 0.1 s on an idle machine, where the image is there."""
        with engine_at_work("the image could not be looked up or built"):
            image = environment_image(self._docker, self._environment)
        name = f"journeyman-{uuid.uuid4().hex}"
        folder = Path(tempfile.mkdtemp(prefix=f"control-{os.getpid()}-", dir=home("docker")))
        os.chown(folder, OWNER, OWNER)
        try:
            with engine_at_work("the container could not be started"):
                lifeline = self._start(image, name, folder)
            with contextlib.ExitStack() as undo:
                undo.callback(lifeline.close)
                connection = _connected(folder, lifeline)
                undo.pop_all()
        except BaseException as error:
            _remove(self._docker, name, folder)
            if isinstance(error, OSError):
                raise SandboxUnavailable(f"a container cannot make sandboxes: {error}") from error
            raise
        end = functools.partial(_end, os.getpid(), self._docker, name, folder, lifeline)
        lane = Lane(connection, end, bounded=True)
        try:
            self._share(lane)
        except SandboxError as error:
            lane.retire()
            raise SandboxUnavailable(f"a container cannot make sandboxes: {error}") from error
        return lane

    def close(self) -> None:
        """See `Source.close`: beside the containers there is the memory that they share."""
        with self._filling:
            for image, _ in self._images:
                os.close(image)
            self._images = []

    def _share(self, lane: Lane) -> None:
        """Have the lane hold its memory in common with others, or else be the first one of its kind.

        What is loaded is not always laid out alike: some objects come to lie elsewhere where a number is large.
        """
        with self._filling:  # or lanes that come at once would each be the first
            for kind in self._images:
                if lane.share(kind[0], empty=False) * 2 > kind[1]:
                    self._images.remove(kind)
                    self._images.insert(0, kind)  # the next one is likely to be like it
                    return
            if len(self._images) < MAX_IMAGES:
                image = new_image()
                if size := lane.share(image, empty=True):
                    self._images.append((image, size))
                else:
                    os.close(image)

    def _start(self, image: str, name: str, folder: Path) -> AttachedStream:
        variables = command_environment(self._environment)
        variables.pop("PYTHONPATH")  # the zygote has no repository
        bounds = host_config(self._limits, self._docker.facts, _security(self._docker))
        bounds["pids_limit"] = self._limits.processes + OWN_PROCESSES
        bounds["binds"] = [f"{folder}:{Path(LISTEN_AT).parent}:rw", f"{home('templates')}:{TEMPLATES}:ro"]
        return start(
            self._docker,
            image,
            name,
            bounds,
            user=OWNER,
            entrypoint=["/bin/sh", "-c", START],
            environment={VARIABLES: json.dumps(variables)},
            masked=False,  # a lane mounts a /proc for each sandbox, and masks it; over a masked one it may not
        )


def _security(docker: Engine) -> list[str]:
    """What the engine shall permit and deny, on top of having no capability."""
    names = [name for name in DENIED if name not in NEEDED]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": names, "action": "SCMP_ACT_ERRNO"}]}
    has = " ".join(docker.facts.get("SecurityOptions") or ())
    options = ["no-new-privileges"]
    if "name=seccomp" in has:
        options.append(f"seccomp={json.dumps(profile)}")
    if "name=apparmor" in has:  # its default profile for containers refuses every mount
        options.append("apparmor=unconfined")
    return options


def _connected(folder: Path, lifeline: AttachedStream) -> socket.socket:
    """A connection to the container's lane, when it has loaded what it loads. Raises OSError."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY)  # the path itself may be longer than an address may be
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                control.connect(f"/proc/self/fd/{place}/{Path(LISTEN_AT).name}")
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline or lifeline.has_ended():
                    raise
                time.sleep(0.005)
        if not packet(control):
            raise ConnectionError(lifeline.complaint or "it ended at once")
    except BaseException:
        control.close()
        raise
    finally:
        os.close(place)
    return control


def _end(process: int, docker: Engine, name: str, folder: Path, lifeline: AttachedStream) -> None:
    lifeline.close()
    if os.getpid() == process:  # a fork's copy of a lane is not the fork's to end
        _remove(docker, name, folder)


def _remove(docker: Engine, name: str, folder: Path) -> None:
    # An engine that does not answer now removes the container by itself: its first process ends with the stream.
    with contextlib.suppress(EngineError):
        docker.remove(name)
    shutil.rmtree(folder, ignore_errors=True)
