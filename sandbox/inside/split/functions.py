"""Functions of the tests as functions of the code's side, with the parameters that they have there.

Code that counts a function's parameters, or binds it to a class, finds what it would find in one process. Only the
code's side makes functions: there, what is made runs beside nothing that decides.
"""

from __future__ import annotations

import inspect
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NAMES = ("__name__", "__qualname__", "__module__", "__doc__")
_KINDS = {kind.name: kind for kind in inspect._ParameterKind}


def parameters_of(function: types.FunctionType) -> list[Any]:
    """Plain data: the function's names, and of each parameter its kind, its name and its default in a list."""
    found = inspect.signature(function, follow_wrapped=False).parameters.values()
    return [
        [getattr(function, name) for name in _NAMES],
        [[p.kind.name, p.name, [] if p.default is p.empty else [p.default]] for p in found],
    ]


def function_like(told: list[Any], call: Callable[[tuple[Any, ...], dict[str, Any]], Any]) -> types.FunctionType:
    """A function with those parameters that hands what it is given to `call`."""
    names, parameters = told
    defaults: dict[str, Any] = {}
    made = []
    for number, (kind, name, default) in enumerate(parameters):
        defaults[f"_default_{number}"] = default[0] if default else inspect.Parameter.empty
        made.append(
            inspect.Parameter(
                name, _KINDS[kind], default=_Named(f"_default_{number}") if default else inspect.Parameter.empty
            )
        )
    header = str(inspect.Signature(made))
    in_order = [p for p in made if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    args = "".join(f"{p.name}, " for p in in_order) + "".join(
        f"*{p.name}, " for p in made if p.kind is p.VAR_POSITIONAL
    )
    named = "".join(f"{p.name}={p.name}, " for p in made if p.kind is p.KEYWORD_ONLY)
    named += "".join(f"**{p.name}" for p in made if p.kind is p.VAR_KEYWORD)
    space: dict[str, Any] = {**defaults, "_call": call}
    exec(f"def _function{header}: return _call(({args}), dict({named}))", space)
    function: types.FunctionType = space["_function"]
    for attribute, value in zip(_NAMES, names):  # noqa: B905 (3.9)
        setattr(function, attribute, value)
    return function


class _Named:
    """Writes itself as a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name
