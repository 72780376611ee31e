"""What `journeyman doctor` finds of sandboxes that are open now, of what is kept, and of what dead processes left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from journeyman.cli_common import find_runs
from journeyman.envs.log import LogError
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State as EpisodeState
from journeyman.findings import Finding, Health
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.docker_reaper import LABEL, is_orphan
from journeyman.sandbox.home import home
from journeyman.sandbox.inside import cgroup
from journeyman.sandbox.lanes import idle_lanes
from journeyman.sandbox.sandbox import SandboxError
from journeyman.sandbox.stock import Kind, stock, unfinished
from journeyman.terminal import plural, typed

SHOWN = 3
"""Leftovers of a kind that are named."""


def pools() -> list[Finding]:
    """Lanes that stand here now, open or waiting: this process's own, and those of others where they can be seen."""
    lanes = {Path(folder).name: owner for folder, owner in _groups().items() if _lives(owner)}
    owners = Counter(lanes.values())
    containers = Counter(label for label in _containers().values() if not is_orphan(label))
    return [
        Finding("pools", "here", Health.OK, f"{plural(idle_lanes(), 'idle lane')} after the trials above"),
        Finding(
            "pools",
            "namespace",
            Health.OK,
            f"{_count(owners, 'lane', 'zygote')}, those of the trials among them",
        ),
        Finding(
            "pools",
            "docker",
            Health.OK,
            f"{_count(containers, 'container', 'supervisor')}, those of the trials among them",
        ),
    ]


def images() -> list[Finding]:
    """What was built and is kept, by kind."""
    items = stock()
    found = []
    for kind in Kind:
        group = [item for item in items if item.kind is kind]
        if group and kind is not Kind.UNFINISHED:
            used = sum(item.in_use for item in group)
            detail = f"{plural(len(group), kind)}, {sum(item.size for item in group) / 1e9:.2f} GB; {used} in use"
            found.append(Finding("images", kind, Health.OK, detail))
    return found or [Finding("images", "none", Health.OK, "nothing was built yet")]


def leftovers() -> list[Finding]:
    """What dead processes left, with what takes it away."""
    containers = [one for one, label in _containers().items() if is_orphan(label)]
    groups = [folder for folder, owner in _groups().items() if not _lives(owner)]
    folders = [str(item.where) for item in unfinished() if not item.in_use]
    folders += [str(path) for path in home("docker").glob("control-*") if not _lives(path.name.split("-")[1])]
    found = [
        *_left("containers", "whose owner is dead", containers, "the next docker sandbox removes them", "docker rm -f"),
        *_left("groups", "control groups of dead processes", groups, "the next sandbox removes them", "rmdir"),
        *_left("folders", "that were never finished", folders, "`journeyman image prune` removes them", "rm -rf"),
        *_runs(),
    ]
    nothing = "no containers, control groups or folders of dead processes, no interrupted episodes"
    return found or [Finding("leftovers", "none", Health.OK, nothing)]


def _left(name: str, what: str, left: list[str], by_itself: str, command: str) -> Iterable[Finding]:
    if left:
        more = f" (and {len(left) - SHOWN} more)" if len(left) > SHOWN else ""
        mend = f"{by_itself}, or: {command} {' '.join(left[:SHOWN])}{more}"
        yield Finding("leftovers", name, Health.NOTE, f"{len(left)} {what}", mend)


def _runs() -> Iterable[Finding]:
    for run in find_runs():
        try:
            ended = [each.state for each in EpisodeStore(run).summaries()]
        except LogError as error:
            yield Finding("leftovers", str(run), Health.NOTE, str(error))
            continue
        cut, damaged = ended.count(EpisodeState.INTERRUPTED), ended.count(EpisodeState.DAMAGED)
        if cut or damaged:
            mend = f"journeyman episode list --run {typed(run)}" if damaged else ""
            detail = f"{len(ended)} episodes: {cut} interrupted (kept as far as they got), {damaged} damaged"
            yield Finding("leftovers", str(run), Health.NOTE, detail, mend)


def _containers() -> dict[str, str]:
    try:
        return engine().labelled(LABEL)
    except SandboxError:
        return {}


def _groups() -> dict[str, str]:
    try:
        return cgroup.groups()
    except OSError:
        return {}


def _lives(pid: str) -> bool:
    return Path("/proc", pid).exists()


def _count(owners: Counter[str], what: str, who: str) -> str:
    return f"{plural(owners.total(), what)} of {plural(len(owners), f'living {who}')}" if owners else f"no {what}"
