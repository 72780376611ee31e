"""Does a solution answer as the reference does, where the hidden tests do not ask?

The calls that the hidden tests make of the code's functions, with one thing changed in each, are made of the reference
and of the solution, each in a sandbox of its own and without any test. What is changed is drawn anew for every grading,
so that a solution cannot know it. What is compared is plain data: an object that equals everything equals nothing here.

A solution may differ from the reference where the instruction leaves it free. So only calls count that the reference
answers, twice alike, and half of a function's must agree.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from journeyman.sandbox.sandbox import Sandbox, SandboxFactory, SandboxLost, SandboxPathError
from journeyman.tasks.edits import SourceEdits, source_edits
from journeyman.tasks.runner import ENVIRONMENT, INSIDE, test_spec
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.trial import laid_out, lay_hidden
from journeyman.tasks.twins.spoil import sources
from journeyman.tasks.twins.variations import Call, varied

VARIATIONS = 24
"""Changed calls of each function."""
MAX_FUNCTIONS = 40
ENOUGH = 4
"""So many answers of the reference must there be to judge a function by them."""
EACH_S = 1.0
"""What one call may take, in seconds."""
MAX_BYTES = 16 * 1024 * 1024
COMMAND = INSIDE.format(module="fuzz")


@dataclass(frozen=True, slots=True)
class Difference:
    """A function of the solution that answers unlike the reference's."""

    function: str
    agree: int
    of: int

    def __str__(self) -> str:
        return f"{self.function} answers as the reference does in {self.agree} of {self.of} calls that no test makes"


def differences(task: Task, edits: SourceEdits, sandboxes: SandboxFactory) -> tuple[Difference, ...]:
    """The functions for which fewer than half of the answers agree.

    Raises:
        SupervisorFault: a sandbox could not be laid out.
    """
    reference = source_edits(task, solution_tree(task))
    calls = calls_like(_recorded(task, reference, sandboxes), Random(secrets.randbits(64)))
    if not calls:
        return ()
    with ThreadPoolExecutor(2, thread_name_prefix="answers") as beside:
        waiting = [beside.submit(_answers, task, reference, calls, sandboxes) for _ in range(2)]
        given = _answers(task, edits, calls, sandboxes)
    return tuple(_compared(calls, [answers.result() for answers in waiting], given or [None] * len(calls)))


def _recorded(task: Task, reference: SourceEdits, sandboxes: SandboxFactory) -> list[Call]:
    """The calls with plain data that the hidden tests make of the reference's module-level functions."""
    code = [path for path, _ in sources(task, reference)]
    spec = {"record": test_spec([check.id for check in task.checks]), "code": code}
    with laid_out(task, reference, sandboxes) as sandbox:
        lay_hidden(task, sandbox)
        return _run(sandbox, spec, task.budget.grading_timeout_s)


def calls_like(calls: Sequence[Call], random: Random) -> list[Call]:
    """Changed calls, about the same number of each function, none of them one of the tests'."""
    by_function: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        by_function[call[0], call[1]].append(call)
    known = {json.dumps(call) for call in calls}
    made: dict[str, Call] = {}
    for group in list(by_function.values())[:MAX_FUNCTIONS]:
        for number in range(VARIATIONS):
            new = varied(group[number % len(group)], random)
            if (text := json.dumps(new)) not in known:
                made[text] = new
    return list(made.values())


def _answers(task: Task, edits: SourceEdits, calls: Sequence[Call], sandboxes: SandboxFactory) -> list[Any]:
    """The answers to all calls, in a sandbox that knows of no test; none where it died."""
    with laid_out(task, edits, sandboxes) as sandbox:
        found = _run(sandbox, {"calls": calls, "each_s": EACH_S}, min(60.0, 5 + EACH_S * len(calls)))
    return found if len(found) == len(calls) else []


def _run(sandbox: Sandbox, spec: dict[str, Any], timeout_s: float) -> list[Any]:
    """What the script in the sandbox wrote; nothing where it died, or wrote something else."""
    place = f"/tmp/journeyman-{secrets.token_hex(8)}.json"
    stdin = json.dumps({**spec, "out": place}).encode()
    with suppress(SandboxLost, SandboxPathError, ValueError, RecursionError):
        sandbox.run(COMMAND, timeout_s=timeout_s, env=ENVIRONMENT, stdin=stdin)
        found = json.loads(sandbox.read(place, max_bytes=MAX_BYTES))
        return found if isinstance(found, list) else []
    return []


def _compared(calls: list[Call], expected: list[list[Any]], given: list[Any]) -> Iterator[Difference]:
    """Judge each function by its calls that the reference answers, twice alike."""
    agreeing: dict[str, list[bool]] = defaultdict(list)
    for call, once, again, ours in zip(calls, *expected, given, strict=False):
        answer = _answer(once)
        if answer is not None and answer == _answer(again):
            agreeing[f"{call[0]}.{call[1]}"].append(_answer(ours) == answer)
    for function, agree in agreeing.items():
        if len(agree) >= ENOUGH and sum(agree) * 2 < len(agree):
            yield Difference(function, sum(agree), len(agree))


def _answer(answer: Any) -> tuple[Any, ...] | None:
    """An answer that can be compared; None for an exception, or for what is no plain data."""
    match answer:
        case {"value": value, "arguments": list(arguments)}:
            return comparable(value), comparable(arguments)
    return None


def comparable(data: Any) -> Any:
    """Tagged JSON by its content: a tuple is as good as a list, and what has no order is put in one."""
    if not isinstance(data, list) or not data:
        return "nan" if data != data else data
    tag, items = data[0], [comparable(item) for item in data[1:]]
    if tag in ("list", "tuple"):
        return ("sequence", *items)
    if tag == "dict":
        return ("dict", *sorted(map(repr, zip(items[::2], items[1::2], strict=False))))
    return (tag, *(sorted(map(repr, items)) if tag in ("set", "frozenset") else items))
