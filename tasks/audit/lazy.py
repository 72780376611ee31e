"""Wrong solutions that nobody need judge: what the reference mends does nothing of what it is for."""

from __future__ import annotations

from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.stubs import STUB, find_units, stubbed_body
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree

BODIES = {
    "raises": STUB,
    "returns nothing": "return None",
    "returns true": "return True",
    "returns zero": "return 0",
    "returns an empty text": 'return ""',
}
"""How such a solution is called → the one statement of each of its functions."""


def lazy_solutions(task: Task) -> dict[str, Snapshot]:
    """Name → the reference, in which every Python function that it changes has such a body.

    Raises:
        TaskError: the task has no reference solution.
    """
    reference, pristine = solution_tree(task), dict(walk(task.repository))
    found: dict[str, dict[str, File]] = {name: dict(reference.changed) for name in BODIES}
    for path, file in reference.changed.items():
        if not path.endswith(".py"):
            continue
        before = _texts(path, pristine[path].read_bytes()) if path in pristine else {}
        now = _texts(path, file.data)
        units = (unit for unit in find_units(path, file.data) if before.get(unit.qualname) != now[unit.qualname])
        functions = sorted((f for unit in units for f in unit.functions), key=lambda f: f.span.start, reverse=True)
        for name, body in BODIES.items():
            source = file.data
            for function in functions:
                span, stubbed = stubbed_body(source, function)
                source = source[: span.start] + stubbed.replace(STUB.encode(), body.encode()) + source[span.end :]
            found[name][path] = File(source, file.mode)
    return {
        name: Snapshot(tree_hash="", base_hash="", changed=changed)
        for name, changed in found.items()
        if changed != reference.changed
    }


def _texts(path: str, source: bytes) -> dict[str, list[bytes]]:
    """Qualified name → the text of each of its functions; stubs have none."""
    return {u.qualname: [source[f.span.start : f.span.end] for f in u.functions] for u in find_units(path, source)}
