"""A function that remembers its results for a while."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from holdfast.cache import Cache
from holdfast.clock import Clock

F = TypeVar("F", bound=Callable[..., Any])
_MISSING = object()


def memoize(capacity: int = 128, *, ttl: float | None = None, clock: Clock | None = None) -> Callable[[F], F]:
    """Remember results by the call's arguments, which must be hashable. Exceptions are not remembered.

    The decorated function carries its `cache`.
    """

    def decorate(function: F) -> F:
        cache = Cache(capacity, ttl=ttl, clock=clock)

        @wraps(function)
        def remembering(*args: Any, **kwargs: Any) -> Any:
            key = (args, tuple(sorted(kwargs.items())))
            value = cache.get(key, _MISSING)
            if value is _MISSING:
                value = function(*args, **kwargs)
                cache.put(key, value)
            return value

        remembering.cache = cache  # type: ignore[attr-defined]
        return remembering  # type: ignore[return-value]

    return decorate
