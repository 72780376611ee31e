"""Pairs of tasks that read alike: one can be done, the other cannot, and only a look tells which.

Both are made from a task with one fault. The side that can be done is that task, told in other words. On the other side
the repository is the repaired one, so that nothing is left from which the wish could be guessed, and what the wording
leans on is not there. Each side is proven before it stands: the first as any task, the second by its checks, which pass
as it stands, and by a look for what is missing in a sandbox.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.infeasible.kinds import KINDS, TRAINING_KINDS, Laid, Pair
from journeyman.tasks.task import Check, CheckKind, Task, TaskError
from journeyman.tasks.validation import Certificate, check_task, probe
from journeyman.tasks.verdict import Assurance

SOURCE = "infeasible"
"""`metadata.source` of both sides."""
LOOKS = "looks"
"""`metadata`: tool calls that show whether what is needed is there; the same on both sides."""
THERE, GONE = "there", "gone"

Prove = Callable[[Task, SandboxFactory], Certificate]


@dataclass(frozen=True, slots=True)
class Made:
    """How far the making is, for a progress bar."""

    pairs: int
    """Pairs that stand."""
    of: int
    """Tasks to make them of."""
    task: str
    """The one at hand."""


def proven_once(task: Task, sandboxes: SandboxFactory) -> Certificate:
    """The proof of a side, each grading run once: the task that it is made from was proven before."""
    return check_task(task, sandboxes, runs=1)


def infeasible_twins(
    tasks: Sequence[Task],
    out: Path | str,
    *,
    kinds: Sequence[str] = TRAINING_KINDS,
    seed: int = 0,
    sandboxes: SandboxFactory | None = None,
    prove: Prove = proven_once,
    progress: Callable[[Made], None] | None = None,
) -> list[Task]:
    """Both sides of a pair of each task, as task folders below `out`: that which can be done first.

    Kinds come in turn. A pair that stands there is taken as it is, so an interrupted run goes on.

    Args:
        kinds: of `KINDS`.
        seed: decides numbers, names and wordings.
        sandboxes: where they are proven; the first backend that works by default.

    Raises:
        TaskError: there is no such kind; a task cannot have a twin (`why_not`); a side is not sound, and why.
        SandboxError: no sandbox can be made here.
    """
    if not kinds or (unknown := [kind for kind in kinds if kind not in KINDS]):
        raise TaskError(f"no kind {', '.join(map(repr, unknown if kinds else ['']))}; there are: {', '.join(KINDS)}")
    if against := [f"{task.name}: {why}" for task in tasks if (why := why_not(task))]:
        raise TaskError(f"no twin can be made of {against[0]}")
    factory, found = sandboxes or open_backend("auto"), list[Task]()
    for number, task in enumerate(tasks):
        if progress is not None:
            progress(Made(number, len(tasks), task.name))
        turn = number % len(kinds)
        found += _pair_of(task, Path(out), [*kinds[turn:], *kinds[:turn]], seed, factory, prove)
    if progress is not None:
        progress(Made(len(tasks), len(tasks), ""))
    return found


def why_not(task: Task) -> str:
    """Why no twin can be made of a task; empty where one can."""
    if task.infeasible is not None or task.metadata.get("source") == SOURCE:
        return "it is one itself"
    if task.milestones:
        return "it is a project of several milestones"
    return "" if task.solution is not None else "it has no reference solution, so no repaired repository"


def is_of_pair(task: Task) -> bool:
    """Whether a task is one side of a pair."""
    return task.metadata.get("source") == SOURCE


def _pair_of(
    task: Task, out: Path, kinds: Sequence[str], seed: int, sandboxes: SandboxFactory, prove: Prove
) -> list[Task]:
    """The pair of the first kind that suits the task."""
    for kind in kinds:
        name = f"{task.name}-{kind}"
        places = [out / f"{name}-{side}".replace("/", "-") for side in (THERE, GONE)]
        if all((place / "task.toml").is_file() for place in places):
            return [load_task(place) for place in places]
        pair = KINDS[kind](task, Random(f"{seed}:{task.name}:{kind}"))
        if pair is not None:
            with tempfile.TemporaryDirectory(prefix="journeyman-twins-") as scratch:
                sides = _sides(task, pair, name, kind, Path(scratch))
                return _standing(pair, sides, places, sandboxes, prove)
    raise TaskError(f"{task.name}: no twin of the kinds {', '.join(kinds)} can be made of it; try others")


def _standing(
    pair: Pair, sides: Sequence[Task], places: Sequence[Path], sandboxes: SandboxFactory, prove: Prove
) -> list[Task]:
    """The sides in their folders, made out of sight and put there if both are sound."""
    making = [place.with_name(f".{place.name}.making") for place in places]
    try:
        made = [save_task(side, place) for side, place in zip(sides, making, strict=True)]
        for side in made:
            if reasons := prove(side, sandboxes).reasons:
                raise TaskError(f"{side.name} is not sound: {reasons[0]}")
        if pair.probe_there and not probe(made[0], pair.probe_there, sandboxes):
            raise TaskError(f"{made[0].name} is not sound: what it needs is not found ({pair.probe_there})")
        for unseen, place in zip(making, places, strict=True):
            shutil.rmtree(place, ignore_errors=True)  # half a pair, of a run that was killed between the two
            unseen.rename(place)
    finally:
        for unseen in making:
            shutil.rmtree(unseen, ignore_errors=True)
    return [load_task(place) for place in places]


def _sides(task: Task, pair: Pair, name: str, kind: str, scratch: Path) -> tuple[Task, Task]:
    repaired = dict(walk(task.repository)) | (dict(walk(task.solution)) if task.solution is not None else {})
    there = _lay(scratch / THERE, dict(walk(task.repository)), {**pair.beside, **pair.needed})
    gone = _lay(scratch / GONE, repaired, pair.beside)
    facts = {key: value for key, value in task.metadata.items() if key in ("library", "version", "licence")}
    facts |= {"source": SOURCE, "kind": kind, "pair": name, LOOKS: list(pair.looks)}
    common: dict[str, Any] = {"canary": ""}
    feasible = facts | {"side": THERE, "told": pair.is_told} | _fault(task)
    return (
        _changed(task, common | {
            "name": f"{name}-{THERE}", "instruction": pair.there, "repository": there, "metadata": feasible,
        }),
        _changed(task, common | {
            "name": f"{name}-{GONE}", "instruction": pair.gone, "repository": gone, "solution": None,
            "checks": tuple(Check(id=check.id, kind=CheckKind.PASS_TO_PASS) for check in task.checks),
            "assurance": Assurance.FRESH,  # doing nothing passes its checks, so that there is nothing to forge
            "infeasible": pair.missing, "metadata": facts | {"side": GONE},
        }),
    )  # fmt: skip


def _fault(task: Task) -> dict[str, Any]:
    """What is known of the fault, for those who look for it."""
    return {key: task.metadata[key] for key in ("function", "path", "difficulty") if key in task.metadata}


def _changed(task: Task, changes: dict[str, Any]) -> Task:
    """As `model_copy`, but looked over again."""
    return Task(**{**{name: getattr(task, name) for name in Task.model_fields}, **changes})


def _lay(folder: Path, files: Mapping[str, Path], more: Mapping[str, Laid]) -> Path:
    for name, source in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    for name, laid in more.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(laid.text, encoding="utf-8")
        place.chmod(0o755 if laid.executable else 0o644)
    return folder


def pairs_of(tasks: Sequence[Task]) -> Iterator[tuple[Task, Task]]:
    """The pairs of which both sides are among some tasks: that which can be done, and that which cannot."""
    by_pair: dict[str, dict[str, Task]] = {}
    for task in filter(is_of_pair, tasks):
        by_pair.setdefault(str(task.metadata["pair"]), {})[str(task.metadata["side"])] = task
    yield from ((sides[THERE], sides[GONE]) for sides in by_pair.values() if len(sides) == 2)
