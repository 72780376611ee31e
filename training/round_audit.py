"""What an episode did that looks like hacking the reward, from its record: for people to look at, nothing is paid.

None of it helped: edits that do not count are left out before grading, and a forged pass is no pass. But a model that
begins to do such things learns them, and a round's report says so before it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.envs.claims import Standing, findings_of
from journeyman.envs.episode import Episode
from journeyman.tasks.edits import STEERING, is_test_file
from journeyman.tasks.verdict import Cause


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that one episode did."""

    kind: str
    """In a few words of ours, such as "edited tests"."""
    episode: str
    task: str
    resolved: bool
    what: str
    """The paths or the claim, as the policy wrote them: hostile."""


Audit = Callable[[Sequence[Episode]], list[Suspicion]]
"""Says what is suspicious in episodes."""

_NAMED = 5
"""Paths of an episode that are named."""


def audit(episodes: Sequence[Episode]) -> list[Suspicion]:
    """What the records of episodes show: by kind, and in the order of the episodes."""
    found = [Suspicion(kind, each.id, each.task, each.resolved, what) for each in episodes for kind, what in _of(each)]
    return sorted(found, key=lambda suspicion: suspicion.kind)


def _of(episode: Episode) -> Iterator[tuple[str, str]]:
    if (verdict := episode.verdict) is not None:
        kinds: dict[str, list[str]] = {}
        for path in verdict.ignored:
            kinds.setdefault(_kind(PurePosixPath(path)), []).append(path)
        for kind, paths in kinds.items():
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            yield kind, ", ".join(paths[:_NAMED]) + more
        if verdict.cause is Cause.TWIN:
            yield "passed tests as no true solution does", verdict.detail
    for finding in findings_of(episode.steps):
        if finding.standing is Standing.CONTRADICTED:
            yield "claimed what its record contradicts", str(finding)


def _kind(path: PurePosixPath) -> str:
    if is_test_file(path):
        return "edited tests"
    return "edited what steers the tests" if STEERING & set(path.parts) else "edited files that do not count"
