"""The Docker engine as the backend uses it: the only file that speaks to the SDK.

Every call has a deadline of its own, on the wall clock: an engine that hangs, or that answers one byte a minute, must
not hang the training run above it. A call that outlives its deadline is left behind on a daemon thread.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from journeyman.sandbox.sandbox import ImageError, SandboxError, SandboxUnavailable

if TYPE_CHECKING:
    from docker import APIClient

CALL_S = 60.0
"""Longest that an ordinary call may take, in seconds. Creating a container takes 0.05 s on an idle machine."""
BUILD_S = 1800.0
"""Longest that building or pulling one image may take, in seconds."""
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_COMPLAINTS = ("E: ", "ERROR", "error:")
LOG_LINES = 40
"""How much of a failed build's log the error keeps."""

HOW_TO_START = (
    "start one (Debian, Ubuntu: `apt install docker.io`, then `systemctl start docker`, or `dockerd &` as root) and "
    "let this user reach it (`usermod -aG docker $USER`, or set DOCKER_HOST); the namespace backend needs no engine"
)

T = TypeVar("T")


class EngineError(SandboxError):
    """The engine refused a call, or did not answer in time."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status of the refusal; `None` when no answer came."""


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise what it raises; EngineError when that takes longer than `seconds`."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name=f"docker: {what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise EngineError(f"docker: {what}: the engine gave no answer within {seconds:g} s")
    return outcome[0]


class Engine:
    """A connection to the engine. Threads may share it; a forked child must not (see `engine`)."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self.facts: Mapping[str, Any] = self.call("info", client.info)
        """What the engine says of itself and its kernel."""

    def call(self, what: str, function: Callable[..., T], *args: Any, seconds: float = CALL_S, **keywords: Any) -> T:
        from docker.errors import APIError, DockerException

        try:
            return within(seconds, what, lambda: function(*args, **keywords))
        except APIError as error:
            raise EngineError(f"docker: {what}: {error.explanation or error}", error.status_code) from error
        except (DockerException, OSError) as error:
            raise EngineError(f"docker: {what}: {error}") from error

    # Images

    def image(self, name: str) -> Mapping[str, Any] | None:
        """What the engine knows of an image, `None` when it has none of that name."""
        try:
            return dict(self.call(f"look up the image {name}", self._client.inspect_image, name))
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def pull(self, name: str) -> None:
        try:
            self.call(f"pull {name}", self._client.pull, name, seconds=BUILD_S)
        except EngineError as error:
            raise ImageError(
                f"{error}. Where no image registry is reached, make a base image out of Debian's packages "
                "(`.ci/prepare` does) or name one that the engine has in JOURNEYMAN_DOCKER_BASE"
            ) from error

    def build(self, context: IO[bytes], tag: str, *, labels: Mapping[str, str], network: str, log: Path) -> None:
        """Build an image from a tar of its Dockerfile and files.

        Args:
            log: a file for all that the build says.

        Raises:
            ImageError: a step failed; the message names it, what it complained of and the log, and ends with its end.
        """
        try:
            self.call(f"build {tag}", self._build, context, tag, dict(labels), network, log, seconds=BUILD_S)
        except EngineError as error:
            raise ImageError(str(error)) from error

    def _build(self, context: IO[bytes], tag: str, labels: dict[str, str], network: str, log: Path) -> None:
        step, end = "reading the context", deque[str](maxlen=LOG_LINES)
        with log.open("w", encoding="utf-8") as file:
            for event in self._client.build(
                fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True,
                labels=labels, network_mode=network, decode=True,
            ):  # fmt: skip
                text = str(event.get("stream") or event.get("error") or "").strip()
                file.write(text + "\n")
                if "error" in event:
                    told = [line for line in end if line.startswith(_COMPLAINTS)] or [text]
                    raise ImageError(
                        f"docker: building {tag} failed at {step!r}: {'; '.join(told)}; the end of {log}:\n"
                        + "\n".join(end)
                    )
                if text.startswith("Step "):
                    step, end = text, deque[str](maxlen=LOG_LINES)
                else:
                    end.extend(text.splitlines())

    def images(self) -> list[Mapping[str, Any]]:
        """Every image that is not part of another, with its layers, its steps, and how many containers it has."""
        found = self.call("list images", self._client.images)
        containers = Counter(
            each["ImageID"] for each in self.call("list containers", self._client.containers, all=True)
        )
        images: list[Mapping[str, Any]] = []
        for each in found:
            with suppress(EngineError):  # it went in the meantime
                known = self.call("look up an image", self._client.inspect_image, each["Id"])
                steps = self.call("look up an image's history", self._client.history, each["Id"])
                layers = tuple(known["RootFS"].get("Layers") or ())
                images.append({**each, "Layers": layers, "Steps": steps, "Users": containers[each["Id"]]})
        return images

    def remove_image(self, image: str) -> bool:
        """Delete an image; false where a container or another image needs it. One that is gone already is fine."""
        try:
            self.call("remove an image", self._client.remove_image, image)
        except EngineError as error:
            if error.status == 409:
                return False
            if error.status != 404:
                raise
        return True

    # Containers

    def close(self) -> None:
        """Close its connections; it opens new ones should it be used again."""
        self._client.close()

    @property
    def is_local(self) -> bool:
        """Whether it answers at a socket of this machine, and so should see the same folders."""
        return str(self._client.base_url).startswith("http+docker://")

    def create(self, image: str, *, name: str, host: Mapping[str, Any], masked: bool, **config: Any) -> str:
        """Create a container without starting it; returns its id.

        Args:
            host: what the SDK's `create_host_config` takes.
            masked: whether the engine covers parts of /proc, as it does by itself.
        """

        def create() -> str:
            host_config = self._client.create_host_config(**host)
            if not masked:
                host_config |= {"MaskedPaths": [], "ReadonlyPaths": []}
            made = self._client.create_container(
                image, name=name, host_config=host_config, use_config_proxy=False, **config
            )  # a proxy of the user's configuration may hold a password
            return str(made["Id"])

        return self.call("create a container", create)

    def attach(self, container: str) -> socket.socket:
        """The container's standard streams: what is sent is its stdin, what comes is framed (see docker_stream)."""
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        wrapped = self.call("attach to a container", self._client.attach_socket, container, params=streams)
        # The SDK hands out a read-only file over the socket of one of its own connections. Take the socket over, so
        # that closing ours ends the stream.
        raw = getattr(wrapped, "_sock", None)
        if type(raw) is not socket.socket:
            raise EngineError("docker: attaching needs a Unix socket or plain TCP; forward one with ssh -L")
        ours = raw.dup()
        wrapped._response.close()
        raw.close()
        return ours

    def start(self, container: str) -> None:
        self.call("start a container", self._client.start, container)

    def remove(self, container: str) -> None:
        """Kill and delete a container, and see it gone. One that is gone already is fine."""
        try:
            self.call("remove a container", self._client.remove_container, container, v=True, force=True)
        except EngineError as error:
            if error.status == 409:  # the engine itself is at it, because the container ended: wait for that
                self._wait_until_removed(container)
            elif error.status != 404:
                raise

    def _wait_until_removed(self, container: str) -> None:
        try:
            self.call("see a container removed", self._client.wait, container, condition="removed")
        except EngineError as error:
            if error.status != 404:
                raise

    def labelled(self, label: str) -> dict[str, str]:
        """Container id → the label's value, for every container that has the label, running or not."""
        found = self.call("list containers", self._client.containers, all=True, filters={"label": label})
        return {str(each["Id"]): str(each["Labels"][label]) for each in found}


def connect() -> Engine:
    """A new connection to the engine that the environment names (DOCKER_HOST, else the local socket).

    Raises:
        SandboxUnavailable: no engine answers; the message says how to start one.
    """
    from docker import APIClient
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    try:
        address = kwargs_from_env()
        _try_socket(address.get("base_url", DEFAULT_ADDRESS))
        return Engine(within(CALL_S, "connect", lambda: APIClient(version="auto", timeout=int(CALL_S), **address)))
    except (DockerException, EngineError, OSError) as error:
        raise SandboxUnavailable(f"no Docker engine answers: {HOW_TO_START}. ({error})") from error


def _try_socket(address: str) -> None:
    """Raise OSError where a local engine's socket answers nobody; the SDK would say so less plainly."""
    kind, _, path = address.partition("://")
    if kind in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CALL_S)
            try:
                probe.connect(path)
            except OSError as error:
                raise OSError(f"{path}: {error.strerror}") from error


@cache
def _engine_of(process: int) -> Engine:
    opened = connect()
    atexit.register(opened.close)
    return opened


def engine() -> Engine:
    """This process's connection, opened at the first call; raises as `connect` does."""
    return _engine_of(os.getpid())
