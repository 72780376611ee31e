"""What is said of a step: its commits' messages, without what gives the answer away, and the contract of what is new.

The tests of a step may name what only its commits have: functions and classes. Their signatures and docstrings are
told. A test that needs more (a constant, an attribute, wording) asks for what nobody promised: it is no check.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from journeyman.tasks.sources.commit_fair import MIN_WORDING, new_definitions, parse, texts_of, used_names
from journeyman.tasks.sources.commit_symptom import with_example
from journeyman.tasks.sources.commit_text import instruction_of
from journeyman.tasks.sources.contract import contract
from journeyman.tasks.sources.hide import function_of
from journeyman.tasks.sources.history_states import States
from journeyman.tasks.sources.history_trial import MAX_CHECKS, Found
from journeyman.tasks.sources.leaks import Answer, words_of
from journeyman.tasks.sources.stubs import Unit, find_units, header

LONGEST_TITLE = 60
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Told:
    """A step as it is told."""

    found: Found
    """With the tests that ask for nothing that is not told."""
    title: str
    text: str
    names: frozenset[str]
    """New names that it tells."""


def tell(states: States, found: Found, known: Collection[str], told: Collection[str]) -> Told | None:
    """Tell a step; None where its message and its contract say too little, or every test asks for more.

    Args:
        known: the words of what is given.
        told: the new names that earlier steps tell.
    """
    step = states.steps[found.number - 1]
    before = {path: data for path in step.sources if (data := states.source(path, 0)) is not None}
    after = {path: data for path in step.sources if (data := states.source(path, found.number)) is not None}
    tests = states.brought(found.number)
    answer = Answer.of(before, after, {*known, *told}, (*step.tests, *tests, *found.tests))
    trees = {path: tree for path, data in tests.items() if (tree := parse(data)) is not None}
    new = answer.names.union(*new_definitions(before, after)) - set(told)
    units, classes = _told(set().union(*(used_names(tree) for tree in trees.values())) & new, after)
    names = _named(units, classes, after) & new
    fair = tuple(_fair(found.tests, trees, new - names, _wording(after, before, known)))[:MAX_CHECKS]
    answer = replace(answer, names=answer.names - names)
    message = "\n\n".join(text for each in dict.fromkeys(step.messages) if (text := instruction_of(each, answer)))
    if not fair or not (message or units or classes):
        return None
    failures = tuple(failure for failure in found.failures if failure.test in fair)
    example = with_example(message, failures, tests, before.values(), answer)
    parts = [example.strip(), *classes]
    if units:
        parts.append(contract(units, after, tests, longest=None))
    title = _title(message, units, classes)
    return Told(Found(found.number, fair, failures), title, "\n\n".join(part for part in parts if part), names)


def _told(wanted: Collection[str], sources: Mapping[str, bytes]) -> tuple[list[Unit], list[str]]:
    """The functions that new names stand for, or stand in the signature of; and lines about classes without any."""
    units: list[Unit] = []
    classes: list[str] = []
    for path, data in sources.items():
        for unit in find_units(path, data):
            owner, _, own = unit.qualname.rpartition(".")
            public = not own.startswith("_") or own == "__init__"
            signature = set(re.findall(r"\w+", header(data, unit.functions[0])))
            if own in wanted or (owner in wanted and public) or signature & set(wanted):
                units.append(unit)
        owners = {unit.qualname.rpartition(".")[0] for unit in units}
        for node in ast.walk(parse(data) or ast.Module([], [])):
            if isinstance(node, ast.ClassDef) and node.name in wanted and node.name not in owners:
                bases = ", ".join(ast.unparse(base) for base in node.bases)
                classes.append(f"`{path}` has a class `{node.name}`" + (f", derived from `{bases}`." if bases else "."))
    return units, classes


def _named(units: Sequence[Unit], classes: Sequence[str], sources: Mapping[str, bytes]) -> frozenset[str]:
    """The words that are told: of signatures, names of classes and of modules."""
    told: set[str] = set()
    for unit in units:
        told |= set(unit.qualname.split(".")) | set(re.findall(r"\w+", unit.path))
        for function in unit.functions:
            told |= set(re.findall(r"\w+", header(sources[unit.path], function)))
    return frozenset(told | {word for text in classes for word in re.findall(r"\w+", text)})


def _wording(after: Mapping[str, bytes], before: Mapping[str, bytes], known: Collection[str]) -> list[str]:
    """Texts of the new code that the given code lacks, such as messages of errors."""
    old = {text for data in before.values() if (tree := parse(data)) is not None for text in texts_of(tree)}
    new = {text for data in after.values() if (tree := parse(data)) is not None for text in texts_of(tree)}
    return [text for text in new - old if not words_of(text.encode("utf-8", "replace")) <= set(known)]


def _fair(
    tests: Sequence[str], trees: Mapping[str, ast.Module], untold: Collection[str], wording: Sequence[str]
) -> Iterator[str]:
    """The tests that ask for nothing untold, neither themselves nor at the top of their file."""
    verdicts: dict[str, bool] = {}
    for test in tests:
        name = function_of(test)
        path, _, inner = name.partition("::")
        if name not in verdicts:
            tree = trees.get(path)
            asked = list(_asked(tree, inner.split("::"))) if tree is not None else []
            verdicts[name] = bool(asked) and not any(_asks(node, untold, wording) for node in asked)
        if verdicts[name]:
            yield test


def _asks(node: ast.AST, untold: Collection[str], wording: Sequence[str]) -> bool:
    if set(used_names(node)) & set(untold):
        return True
    texts = [text for text in texts_of(node) if len(text) >= MIN_WORDING]
    return any(text in whole for text in texts for whole in wording)


def _asked(tree: ast.Module, names: Sequence[str]) -> Iterator[ast.AST]:
    """What a test runs, as far as its file shows: its own function, and the imports at the top."""
    yield from (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    body: Sequence[ast.stmt] = tree.body
    for name in names:
        node = next((each for each in body if isinstance(each, Definition) and each.name == name), None)
        if node is None:  # inherited, or made at run time: nobody can say what it asks
            yield tree
            return
        body = node.body
    yield from [node] if names and node is not None else [tree]


def _title(message: str, units: Sequence[Unit], classes: Sequence[str]) -> str:
    first = re.split(r"(?<=[.!?:])\s|\n", message.strip(), maxsplit=1)[0].rstrip(".:")
    if first and len(first) <= LONGEST_TITLE:
        return first
    if first:
        return first[:LONGEST_TITLE].rpartition(" ")[0] + " …"
    names = [unit.qualname for unit in units if not unit.qualname.rpartition(".")[2].startswith("_")]
    return ", ".join(names[:3]) or "A new class"
