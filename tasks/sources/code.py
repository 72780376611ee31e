"""What is asked of a file in any language that tasks are made of: its functions, and the faults that it may have."""

from __future__ import annotations

from pathlib import PurePosixPath

from journeyman.tasks.sources.functions import Function as PythonFunction
from journeyman.tasks.sources.functions import find_functions
from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.operators.registry import mutations
from journeyman.tasks.sources.syntax.functions import functions_of
from journeyman.tasks.sources.syntax.grammar import Function as OtherFunction
from journeyman.tasks.sources.syntax.mutations import mutations_of

Function = PythonFunction | OtherFunction


def is_python(path: str) -> bool:
    return PurePosixPath(path).suffix == ".py"


def functions_in(path: str, source: bytes) -> tuple[Function, ...]:
    """All functions of a source.

    Raises:
        ValueError: it is in no language that is known, or does not parse.
    """
    return find_functions(source) if is_python(path) else functions_of(path, source)


def faults_in(path: str, source: bytes) -> tuple[Mutation, ...]:
    """Every single-fault mutation of a source. Raises as `functions_in`."""
    return mutations(path, source) if is_python(path) else mutations_of(path, source)
