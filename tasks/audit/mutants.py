"""Wrong solutions close to the right one: single faults in those functions that the reference changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.code import faults_in, functions_in
from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree


@dataclass(frozen=True, slots=True)
class Mutant:
    """The reference with one fault."""

    mutation: Mutation
    tree: Snapshot

    def __str__(self) -> str:
        fault = self.mutation
        return f"{fault.path}:{fault.line} {fault.function}: {fault.original!r} became {fault.replacement!r}"


def mutants_of_reference(task: Task, count: int, seed: int = 0) -> tuple[Mutant, ...]:
    """Up to `count` mutants, drawn by `seed`, at different places. Raises TaskError where there is no reference."""
    reference = solution_tree(task)
    found = list(_faults(task, reference))
    Random(seed).shuffle(found)
    by_place = {(fault.path, fault.start): fault for fault in reversed(found)}
    kept = [fault for fault in found if by_place[fault.path, fault.start] is fault][:count]
    return tuple(Mutant(fault, _with(reference, fault)) for fault in kept)


def _faults(task: Task, reference: Snapshot) -> Iterator[Mutation]:
    pristine = dict(walk(task.repository))
    for path, file in reference.changed.items():
        try:
            before = _functions(path, pristine[path].read_bytes()) if path in pristine else {}
            changed = {name for name, text in _functions(path, file.data).items() if before.get(name) != text}
            yield from (fault for fault in faults_in(path, file.data) if fault.function in changed)
        except ValueError:  # for another Python than ours, or in no language that is known
            continue


def _functions(path: str, source: bytes) -> dict[str, bytes]:
    """Qualified name → text."""
    return {each.qualname: source[each.span.start : each.span.end] for each in functions_in(path, source)}


def _with(reference: Snapshot, fault: Mutation) -> Snapshot:
    file = reference.changed[fault.path]
    changed = {**reference.changed, fault.path: File(fault.apply(file.data), file.mode)}
    return Snapshot(tree_hash="", base_hash="", changed=changed)
