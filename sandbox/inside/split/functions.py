"""Functions of the tests as functions of the code's side, with the parameters that they have there.

Code that counts a function's parameters, or binds it to a class, finds what it would find in one process. Only the
code's side makes functions: there, what is made runs beside nothing that decides.
"""

from __future__ import annotations

import inspect
import sys
import sysconfig
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAMES = ("__name__", "__qualname__", "__module__", "__doc__")
_HANDED_ON = {
    "POSITIONAL_ONLY": ("args", "{0}"),
    "POSITIONAL_OR_KEYWORD": ("args", "{0}"),
    "VAR_POSITIONAL": ("args", "*{0}"),
    "KEYWORD_ONLY": ("kwargs", "{0}={0}"),
    "VAR_KEYWORD": ("kwargs", "**{0}"),
}
"""How what a parameter of each kind was given is handed on."""
RUNNERS_OWN = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "exceptiongroup", "tomli", "py"})
"""Modules that run the tests."""
_INSTALLED = sysconfig.get_path("purelib")
_KINDS = {kind.name: kind for kind in inspect._ParameterKind}


def parameters_of(function: types.FunctionType) -> list[Any]:
    """Plain data: the function's names, and of each parameter its kind, its name and its default in a list."""
    found = inspect.signature(function, follow_wrapped=False).parameters.values()
    return [
        [getattr(function, name) for name in NAMES],
        [[p.kind.name, p.name, [] if p.default is p.empty else [p.default]] for p in found],
    ]


def function_like(told: list[Any], call: Callable[[tuple[Any, ...], dict[str, Any]], Any]) -> types.FunctionType:
    """A function with those parameters that hands what it is given to `call`."""
    names, parameters = told
    defaults: dict[str, Any] = {}
    made = []
    for number, (kind, name, default) in enumerate(parameters):
        parameter = inspect.Parameter(name, _KINDS[kind])
        if default:
            place = f"_default_{number}"
            defaults[place] = default[0]
            parameter = parameter.replace(default=_Named(place))
        made.append(parameter)
    header = str(inspect.Signature(made))
    handed: dict[str, list[str]] = {"args": [], "kwargs": []}
    for p in made:
        which, form = _HANDED_ON[p.kind.name]
        handed[which].append(form.format(p.name) + ", ")
    args, named = ("".join(handed[which]) for which in ("args", "kwargs"))
    space: dict[str, Any] = {**defaults, "_call": call}
    exec(f"def _function{header}: return _call(({args}), dict({named}))", space)
    function: types.FunctionType = space["_function"]
    for attribute, value in zip(NAMES, names):  # noqa: B905 (3.9)
        setattr(function, attribute, value)
    return function


def relayed(name: str, call: Callable[[tuple[Any, ...], dict[str, Any]], Any]) -> types.FunctionType:
    """A function of the tests' side for a callable that is none: it crosses as other functions do."""

    def relay(*args: Any, **kwargs: Any) -> Any:
        result = call(args, kwargs)
        return None if is_mock(result) else result  # what a mock gives unless it was told: nobody looks at it

    relay.__name__ = relay.__qualname__ = name
    assert isinstance(relay, types.FunctionType)
    return relay


def is_relay(function: types.FunctionType) -> bool:
    return function.__code__ is _RELAY


def wants_relay(value: Any) -> bool:
    """Whether it is a mock that can be called, or a callable object of a library which both sides have installed."""
    kind = type(value)
    module = sys.modules.get(kind.__module__)
    is_installed = str(getattr(module, "__file__", None) or "").startswith(_INSTALLED)
    is_library = is_installed and kind.__module__.partition(".")[0] not in RUNNERS_OWN
    return callable(value) and not isinstance(value, type) and (is_library or is_mock(value))


def is_mock(value: Any) -> bool:
    """Of `unittest.mock`, without loading it."""
    return any(base.__module__ == "unittest.mock" for base in type(value).__mro__)


_RELAY = relayed("", lambda args, kwargs: None).__code__


class Relays:
    """Functions that stand for callable objects which are not the tests' own, for each always the same one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, types.FunctionType]] = {}

    def relay(self, called: Any) -> types.FunctionType:
        made = relayed(type(called).__name__, lambda args, kwargs: called(*args, **kwargs))
        return self._known.setdefault(id(called), (called, made))[1]

    def behind(self, value: Any) -> Any:
        """What a relay stands for; anything else is itself."""
        return next((called for called, relay in self._known.values() if relay is value), value)


class _Named:
    """Writes itself as a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name
