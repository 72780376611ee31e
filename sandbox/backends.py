"""Backends by name. "auto" takes the first that works on this machine."""

from __future__ import annotations

import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

from journeyman.sandbox.namespace import NamespaceSandboxes
from journeyman.sandbox.sandbox import Environment, SandboxError, SandboxFactory, SandboxUnavailable

BACKENDS = ("auto", "namespace", "docker")


def open_backend(name: str = "auto") -> SandboxFactory:
    """The backend of that name, ready to make sandboxes; nothing is started before its first `create`.

    Args:
        name: "namespace", "docker", or "auto" for the first of them that works here, which is tried.

    Raises:
        ValueError: there is no backend of that name.
        SandboxUnavailable: "auto" found none that works; the message says what to do about each.
    """
    if name == "namespace":
        return NamespaceSandboxes()
    if name == "docker":
        return _docker()
    if name != "auto":
        raise ValueError(f"no sandbox backend {name!r}; there are: {', '.join(BACKENDS)}")
    return open_backend(_working())


def _docker() -> SandboxFactory:
    factory: SandboxFactory = import_module("journeyman.sandbox.docker").DockerSandboxes()
    return factory


@cache
def _working() -> str:
    problems = []
    for name in BACKENDS[1:]:
        if not (problem := trouble(open_backend(name))):
            return name
        problems.append(f"{name}: {problem}")
    raise SandboxUnavailable("no sandbox backend works here.\n" + "\n".join(problems))


def trouble(factory: SandboxFactory) -> str:
    """Make a real sandbox and run a command in it; empty when that works, else what is wrong and what to do."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "hello.txt").write_text("hello\n")
        try:
            with factory.create(Environment(requirements=()), Path(folder)) as sandbox:
                found = sandbox.run("cat hello.txt", timeout_s=60)
        except SandboxError as error:
            return str(error)
    return "" if found.output == b"hello\n" else f"a command in it printed {found.text!r}"
