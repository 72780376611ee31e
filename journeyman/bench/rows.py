"""The rows of the table: Journeyman's own, the bare baseline, and the peers that may be installed."""

from __future__ import annotations

from dataclasses import dataclass

from journeyman.sandbox.backends import BACKENDS


@dataclass(frozen=True, slots=True)
class Row:
    """One way to have sandboxes, measured in a process of its own."""

    name: str
    """How the table and `--only` call it."""
    peer: str
    """`module:class` below `peers`."""
    install: str = ""
    """pip requirement that brings it; empty for what is here anyway. It is looked for in the peers' interpreter."""
    docker: bool = False
    image: str = ""
    """pip requirement that its image holds too."""
    isolated: bool = True
    ours: bool = False


BARE = Row("bare subprocess", "bare:Bare", isolated=False)
NAMESPACE = Row("journeyman namespace", "ours:Namespace", ours=True)
DOCKER = Row("journeyman docker", "ours:Docker", docker=True, ours=True)
REX_DOCKER = Row("swe-rex docker", "swe_rex:Docker", "swe-rex", docker=True, image="swe-rex")
SDK = Row("docker sdk", "docker_plain:Sdk", docker=True)
COMMAND_LINE = Row("docker exec", "docker_plain:CommandLine", docker=True)
OWN = (NAMESPACE, DOCKER)
ROWS = (
    BARE,
    NAMESPACE,
    DOCKER,
    Row("mini-swe-agent local", "mini_swe_agent:Local", "mini-swe-agent", isolated=False),
    Row("mini-swe-agent bwrap", "mini_swe_agent:Bubblewrap", "mini-swe-agent"),
    Row("mini-swe-agent docker", "mini_swe_agent:Docker", "mini-swe-agent", docker=True),
    Row("swe-rex local", "swe_rex:Local", "swe-rex", isolated=False),
    REX_DOCKER,
    Row("verifiers docker", "verifiers_runtime:Docker", "verifiers", docker=True),
    SDK,
    COMMAND_LINE,
)


def chosen(only: str, backend: str) -> tuple[Row, ...]:
    """The rows whose names have one of these words in them, and always the bare one.

    Args:
        only: parts of names, with commas between; empty for all.
        backend: Journeyman's own rows: "namespace", "docker", or "auto" for both.

    Raises:
        ValueError: a name that no row or backend has.
    """
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}; there are: {', '.join(BACKENDS)}")
    words = [word.strip() for word in only.split(",") if word.strip()]
    for word in words:
        if not any(word in row.name for row in ROWS):
            raise ValueError(f"no row is called {word!r}; there are: {', '.join(row.name for row in ROWS)}")
    return tuple(
        row
        for row in ROWS
        if (row is BARE or not words or any(word in row.name for word in words))
        and not (row in OWN and backend != "auto" and not row.name.endswith(backend))
    )
