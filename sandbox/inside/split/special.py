"""The special methods of a mirror: each asks the original, and not every answer is believed.

No plain data comes out of comparison or arithmetic with plain data, else the other side would be told what is expected
of it, and could say yes; and the code under test ends no block of the tests before its assertions.
"""

from __future__ import annotations

import secrets

from .values import VALUED, CannotCross

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAINLY = (
    "len bool iter next getitem setitem delitem call enter exit str repr format int float index bytes abs neg pos"
    " invert reversed round trunc floor ceil complex fspath hash"
).split()
_ORDER = "lt le gt ge".split()
_ARITHMETIC = "add sub mul truediv floordiv mod divmod pow matmul lshift rshift and or xor".split()
_BINARY = [
    *_ARITHMETIC,
    *(f"r{name}" for name in _ARITHMETIC),
    *(f"i{name}" for name in _ARITHMETIC if name != "divmod"),
]
SPECIAL = tuple(f"__{name}__" for name in (*_PLAINLY, "contains", "eq", *_ORDER, *_BINARY))
"""Special methods that cross."""
COMPARING = tuple(f"__{name}__" for name in (*_ORDER, *_ARITHMETIC, *(f"r{name}" for name in _ARITHMETIC)))
"""What sets one side of an operator against the other."""
_NUMBERS = "bool int float index abs neg pos invert round trunc floor ceil complex".split()
"""What makes a number of an object."""


class MirrorKind(type):
    """The class of mirrored classes."""


def state(value: Any) -> dict[str, Any]:
    return object.__getattribute__(value, "__dict__")  # type: ignore[no-any-return]


def ask(mirror: Any, op: str, name: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
    held = state(mirror)
    if "_peer" not in held:
        raise AttributeError(name)
    return held["_peer"].ask(op, held["_mirrored"], name, args, kwargs)


def forwarded(name: str) -> Any:
    short = name.strip("_")
    if name == "__eq__":
        return lambda self, other: ask(self, "equal", "", (other,)) is True if is_mirror(other) else NotImplemented
    if short in _ORDER:
        return lambda self, other: ask(self, "special", name, (other,)) if is_mirror(other) else NotImplemented
    if short in _BINARY:
        return lambda self, other, *more: _arithmetic(self, name, other, more)
    if name == "__contains__":
        return _contains
    if name == "__bool__":
        return lambda self: _number(self, name, ()) is True
    if short in _NUMBERS:
        return lambda self, *args: _number(self, name, args)
    if name in ("__str__", "__repr__"):
        return lambda self: str(ask(self, "special", name))
    if name == "__exit__":
        return _leave
    if name == "__call__":
        return lambda self, *args, **kwargs: ask(self, "call", "", args, kwargs)
    return lambda self, *args: ask(self, "special", name, args)


def is_mirror(value: Any) -> bool:
    """Of an object without data of its own."""
    return isinstance(type(value), MirrorKind) and not isinstance(value, VALUED)


def _leave(self: Any, kind: Any, error: Any, trace: Any) -> bool:
    swallows = bool(ask(self, "special", "__exit__", (kind, error, None)))
    return swallows and state(self)["_peer"].guard.may_swallow(error, trace)


def _arithmetic(self: Any, name: str, other: Any, more: tuple[Any, ...]) -> Any:
    result = ask(self, "special", name, (other, *more))
    if result is NotImplemented:
        return result
    is_zero = type(other) in (int, float) and other == 0  # as in `sum`; it tells nothing
    is_told = _is_told(self) or _is_told(other) or not (is_mirror(other) or is_zero)
    if not is_mirror(result) and (is_told or is_zero):
        raise CannotCross(f"{name} of an opaque object with plain data gives plain data: that cannot be believed")
    if is_mirror(result) and is_told and name != "__iadd__":
        state(result)["_told"] = True
    return result


def _is_told(value: Any) -> bool:
    """Whether it came out of arithmetic with plain data, such as the expected value that is subtracted from it."""
    return is_mirror(value) and "_told" in state(value)


def _number(self: Any, name: str, args: tuple[Any, ...]) -> Any:
    result = ask(self, "special", name, args)
    if _is_told(self):
        if not is_mirror(result):
            raise CannotCross(f"{name} of an opaque object's arithmetic with plain data: that cannot be believed")
        state(result)["_told"] = True
    return result


def _contains(self: Any, item: Any) -> bool:
    if ask(self, "special", "__contains__", (item,)) is not True:
        return False
    strangers = {
        str: secrets.token_hex(8),
        int: secrets.randbits(60),
        float: secrets.randbits(50) + 0.5,
        bytes: secrets.token_bytes(8),
    }
    # What holds a value that nobody can have put there says yes to everything.
    stranger = strangers.get(type(item))
    return stranger is None or ask(self, "special", "__contains__", (stranger,)) is not True
