"""Hostile trees: what a policy may leave in its workspace to harm whoever reads, keeps, restores or grades it.

What `case.toml` says of a tree:

    why       what it is after
    solved    whether the reference solution is laid before the script runs (default: no)
    resolved  what the grader must say, true or false; never that it cannot tell
    carries   {path = text} of files that the snapshot must hold so
    kept      paths that the snapshot must hold, whatever is in them
    told      paths that it must list as skipped
    never     texts that no file of it may hold
    restores  whether it must fit into another sandbox (default: yes; else it may also be refused)
    heavy     whether it takes many seconds

What holds of every tree: it is read in time, twice the same; nothing of the host is in it; it is files alone, with
plain modes; a sandbox that it is restored to holds it exactly, and no link, pipe or device but the repository's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from journeyman.sandbox.inside.files import EXCLUDED, MAX_SKIPPED
from journeyman.sandbox.remote import MAX_CHANGED_BYTES
from journeyman.sandbox.sandbox import Sandbox, SandboxError, SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor_files import walk

from .hostile import SLACK_S, TASK, Host, expect, folders, opened, run_script

T = TypeVar("T")
READ_S = 10.0
"""How long a snapshot, a restore or the layout for grading may take, in seconds, on top of the slack."""
ODD = "find /workspace -mindepth 1 ! -type f ! -type d -o -perm /7000"
"""Lists what is neither file nor folder, or has more than the plain modes."""


@dataclass(frozen=True)
class Tree:
    """One hostile tree and what must hold of it."""

    script: Path
    why: str
    resolved: bool
    solved: bool = False
    carries: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    kept: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    restores: bool = True
    heavy: bool = False

    @property
    def name(self) -> str:
        return self.script.parent.name


def trees() -> list[Tree]:
    """Every hostile tree of the battery, by name."""
    return [Tree(script, **about) for script, about in folders("trees")]


def try_tree(tree: Tree, factory: SandboxFactory, host: Host, *, graded: bool = True) -> None:
    """Make the tree in a sandbox, read it, restore it to another one, and grade it.

    Raises:
        Landed: something that must hold did not.
    """
    with opened(factory) as (sandbox, commands):
        for name, path in walk(TASK.solution) if tree.solved and TASK.solution else ():
            sandbox.write(name, path.read_bytes())
        done = run_script(tree.script, sandbox, host, timeout_s=120)
        expect(done.exit_code == 0, f"its script failed: {done.text[-500:]}")
        expect(not commands(), "a process was alive while the tree was read")
        state = _in_time("snapshot", sandbox.snapshot)
        expect(_in_time("second snapshot", sandbox.snapshot) == state, "the tree changed while nothing ran")
    _expect_content(tree, state, host)
    with opened(factory) as (other, _):
        _expect_restored(tree, state, other)
    if graded:
        verdict = grade(TASK, state, factory)
        expect(verdict.resolved is tree.resolved, f"graded {verdict.resolved} ({verdict.cause}): {verdict.detail}")
        host.expect_unseen(repr(verdict).encode(), "the verdict")
    host.expect_unharmed()


def _expect_content(tree: Tree, state: Snapshot, host: Host) -> None:
    for path, text in tree.carries.items():
        expect(path in state.changed and state.changed[path].data == text.encode(), f"{path} was not carried so")
    for path in tree.kept:
        expect(path in state.changed, f"{path} is not in the snapshot")
    told = {line.rpartition(" (")[0] for line in state.skipped}
    for path in tree.told:
        expect(path in told and path not in state.changed, f"{path} was not told as skipped, but {told}")
    expect(len(state.skipped) <= MAX_SKIPPED, "too much is told")
    size = sum(len(file.data) for file in state.changed.values())
    expect(size <= MAX_CHANGED_BYTES, f"{size} bytes came to the host")
    for path, file in state.changed.items():
        expect(not EXCLUDED & {*path.split("/")}, f"{path} is history or a cache")
        expect(file.mode in (0o644, 0o755), f"{path} has the mode {file.mode:o}")
        expect(not any(text.encode() in file.data for text in tree.never), f"{path} holds what it must not")
        host.expect_unseen(file.data, path)
    host.expect_unseen(repr([*state.changed, *state.skipped]).encode(), "a name")


def _expect_restored(tree: Tree, state: Snapshot, other: Sandbox) -> None:
    try:
        _in_time("restore", lambda: other.restore(state))
    except SandboxError:
        expect(not tree.restores, "it could not be restored")
        return
    again = other.snapshot()
    expect((again.tree_hash, dict(again.changed)) == (state.tree_hash, dict(state.changed)), "restored otherwise")
    expect(other.run(ODD, timeout_s=60).text == "", "something odd was restored")


def _in_time(what: str, call: Callable[[], T]) -> T:
    start = time.monotonic()
    result = call()
    took = time.monotonic() - start
    expect(took < READ_S + SLACK_S, f"the {what} took {took:.1f} s")
    return result
