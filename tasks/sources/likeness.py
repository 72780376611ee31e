"""Tasks that are too much alike to train on one and to be measured by the other.

Two tasks of different sets are kin, the strongest reason first, if

    same task         the repository and the checks are the same
    same function     the reference changes the same function of the same library, whatever its version
    same library      they come from one library, or from repositories that share most of their files
    near duplicate    the changed lines and functions read alike: vendored code, a fork, a function copied over

A held-out set must be apart from a training set in all four: what is measured is repair, not memory of a code base.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.code import functions_in
from journeyman.tasks.sources.library import load_library
from journeyman.tasks.sources.recipe import Recipe, tree_hash
from journeyman.tasks.sources.syntax.functions import GRAMMARS
from journeyman.tasks.task import Task, TaskError

ALIKE = 0.6
"""Share of shingles in common from which two changes are near duplicates."""
_SHINGLE = 4  # tokens
_FEWEST = 12  # shingles: shorter changes are alike by chance
_SHARED = 0.5  # of the smaller repository's source files, from which two are the same
_SMALL = 200  # bytes: smaller files are the same by chance
_TOKEN = re.compile(r"\w+|[^\w\s]")
_CODE = frozenset({".py", *GRAMMARS})

KINDS = ("same task", "same function", "same library", "near duplicate")
"""The reasons, the strongest first."""


class OverlapError(TaskError):
    """A held-out set has what a training set has; the message says what, and how to go on."""


@dataclass(frozen=True)
class Likeness:
    """What a task is compared by. Everything but `shingles` and `files` goes on the disk."""

    task: str
    library: str = ""
    """The library's normalised name; "" where none is known."""
    content: str = ""
    """Hash of the repository and the checks."""
    functions: frozenset[str] = frozenset()
    """"path::function" of what the reference changes, the path without a leading `src/`."""
    shingles: frozenset[str] = field(default=frozenset(), repr=False)
    files: frozenset[str] = field(default=frozenset(), repr=False)
    """Hashes of the repository's source files, where the library is not known."""

    def to_dict(self) -> dict[str, Any]:
        facts = {"task": self.task, "library": self.library, "content": self.content}
        return {**facts, "functions": sorted(self.functions)}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Likeness:
        """Raises: KeyError, TypeError: it is none."""
        return cls(row["task"], row["library"], row["content"], frozenset(row["functions"]))


@dataclass(frozen=True, slots=True)
class Kinship:
    """Two tasks that are kin, by the strongest reason."""

    kind: str
    """One of `KINDS`."""
    trained: str
    heldout: str
    what: str
    """The library, the function, or how much is alike."""


def likeness_of(task: Task) -> Likeness:
    """What a task is compared by, from its folders."""
    known = str(task.metadata.get("library", ""))
    functions, tokens = _changed(task)
    if not functions and "function" in task.metadata:
        functions = {_place(str(task.metadata.get("path", "")), str(task.metadata["function"]))}
    return Likeness(
        task.name,
        canonicalize_name(known) if known else "",
        _digest(tree_hash(task.repository), [check.id for check in task.checks]),
        frozenset(functions),
        _shingles(tokens),
        frozenset() if known else _source_files(task.repository),
    )


def likeness_of_recipe(recipe: Recipe) -> Likeness:
    """The same of a recipe, whose library is fetched if it is not here.

    Raises:
        SourceError: it can't be had.
    """
    name = recipe.library.requirement.partition("==")[0]
    mutation = recipe.mutation
    known = _library_functions(recipe.library.requirement, recipe.library.sha256, mutation.path)
    own = [text for qualname, text in known if qualname == mutation.function]
    return Likeness(
        recipe.name,
        canonicalize_name(name),
        _digest(recipe.tree or recipe.library.sha256, [*recipe.fail_to_pass, *recipe.pass_to_pass]),
        frozenset({_place(mutation.path, mutation.function)}),
        _shingles([mutation.original, mutation.replacement, *own]),
    )


def compare(trained: Sequence[Likeness], heldout: Sequence[Likeness]) -> tuple[Kinship, ...]:
    """Every held-out task that has kin in the training set, once, with the strongest reason; in the held-out order."""
    found = (_nearest(own, trained) for own in heldout)
    return tuple(kinship for kinship in found if kinship is not None)


def require_apart(trained: Sequence[Likeness], heldout: Sequence[Likeness], mend: str) -> None:
    """See that no held-out task has kin in the training set.

    Args:
        mend: what the message ends with: how to go on all the same.

    Raises:
        OverlapError: one has; one line with how many, why, and an example.
    """
    if not (kin := compare(trained, heldout)):
        return
    counts = Counter(kinship.kind for kinship in kin)
    told = ", ".join(f"{counts[kind]} by {kind}" for kind in KINDS if counts[kind])
    first = min(kin, key=lambda one: KINDS.index(one.kind))
    raise OverlapError(
        f"{len(kin)} of {len(heldout)} tasks are kin of what was trained on ({told}), such as {first.heldout} of "
        f"{first.trained} ({first.what}): measured by them, memory counts as skill; {mend}"
    )


def _nearest(own: Likeness, others: Sequence[Likeness]) -> Kinship | None:
    best: tuple[int, Likeness, str] | None = None
    for other in others:
        if (reason := _reason(other, own)) is not None and (best is None or reason[0] < best[0]):
            best = (reason[0], other, reason[1])
            if best[0] == 0:
                break
    return Kinship(KINDS[best[0]], best[1].task, own.task, best[2]) if best else None


def _reason(one: Likeness, other: Likeness) -> tuple[int, str] | None:
    """Why two tasks are kin: the reason's rank among `KINDS`, and what they share."""
    if one.task == other.task or (one.content and one.content == other.content):
        return 0, "the same repository and checks"
    library = one.library if one.library == other.library else ""
    shared = one.files & other.files
    same = bool(library) or len(shared) > _SHARED * max(1, min(len(one.files), len(other.files)))
    if same and (functions := one.functions & other.functions):
        return 1, min(functions)
    if same:
        return 2, library or f"{len(shared)} source files are the same"
    union = len(one.shingles | other.shingles)
    alike = len(one.shingles & other.shingles) / union if union else 0.0
    long_enough = min(len(one.shingles), len(other.shingles)) >= _FEWEST
    return (3, f"{alike:.0%} alike") if long_enough and alike >= ALIKE else None


@lru_cache(maxsize=256)
def _library_functions(requirement: str, sha256: str, path: str) -> tuple[tuple[str, str], ...]:
    # A suite has dozens of faults of one file.
    source = (load_library(requirement, sha256=sha256).root / path).read_bytes()
    return tuple(_functions(path, source))


def _changed(task: Task) -> tuple[set[str], list[str]]:
    """The functions that the reference changes, and the text of its lines and of those functions."""
    functions: set[str] = set()
    tokens: list[str] = []
    for name, path in walk(task.solution) if task.solution is not None else ():
        before = task.repository / name
        old, new = before.read_bytes() if before.is_file() else b"", path.read_bytes()
        lines, text = _difference(old, new)
        tokens += text
        for qualname, body in _functions(name, new, lines):
            functions.add(_place(name, qualname))
            tokens.append(body)
    return functions, tokens


def _difference(old: bytes, new: bytes) -> tuple[set[int], list[str]]:
    """The lines of `new`, from 1, at which it differs from `old`; and all lines that differ, of both."""
    before, after = (text.decode("utf-8", "replace").splitlines() for text in (old, new))
    lines: set[int] = set()
    text: list[str] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            lines |= set(range(k + 1, max(m, k + 1) + 1))
            text += [*before[i:j], *after[k:m]]
    return lines, text


def _functions(path: str, source: bytes, lines: set[int] | None = None) -> Iterator[tuple[str, str]]:
    """The functions of a source, or those at some of its lines, with their text; none where it can't be read."""
    try:
        found = functions_in(path, source)
    except ValueError:  # a file that no grammar reads is still compared by its lines
        return
    for function in found:
        if lines is None or any(function.first_line <= line <= function.last_line for line in lines):
            yield function.qualname, source[function.span.start : function.span.end].decode("utf-8", "replace")


def _place(path: str, function: str) -> str:
    return f"{path.removeprefix('src/')}::{function}"


def _shingles(texts: Iterable[str]) -> frozenset[str]:
    """Runs of tokens, within each text; a set, so that a function named twice counts once."""
    found: set[str] = set()
    for text in texts:
        tokens = _TOKEN.findall(text)
        found |= {" ".join(tokens[n : n + _SHINGLE]) for n in range(max(1, len(tokens) - _SHINGLE + 1)) if tokens}
    return frozenset(found)


def _source_files(repository: Path) -> frozenset[str]:
    sources = (path for name, path in walk(repository) if Path(name).suffix in _CODE and "test" not in name.lower())
    return frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in sources if path.stat().st_size >= _SMALL)


def _digest(tree: str, checks: Iterable[str]) -> str:
    return hashlib.sha256("\0".join([tree, *sorted(checks)]).encode()).hexdigest()
