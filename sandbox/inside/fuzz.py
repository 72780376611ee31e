"""Calls of a solution's functions, inside a sandbox: which the hidden tests make, and what a function answers.

    python -s -c '…; from inside.fuzz import main; main()'      with one JSON object on standard input:

    {"record": {…}, "code": [path, …], "out": "/tmp/…"}    run the tests as `pytest_report` does, write their calls
    {"calls": [call, …], "out": "/tmp/…", "each_s": s}      make these calls, write the answers

A call is [module, function, arguments, named arguments]; the arguments are plain data as in `split/values.py`. An
answer is {"value": what it gave, "arguments": what became of them}, {"raised": the exception's name}, or
{"opaque": true} where it gave something else than plain data.
"""

# ruff: noqa: TID251 (in a sandbox this package is called `inside`)

from __future__ import annotations

import importlib
import inspect
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from . import pytest_report
from .split.values import PLAIN, CannotCross, Decoder, Encoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

MAX_CALLS = 12
"""Different calls of one function that are kept."""
MAX_CALL_CHARS = 20_000
MAX_ITEMS = 1000
"""Items of an iterator that make its answer."""


class Opaque(ValueError):
    """Not plain data."""


def encoded(value: Any) -> Any:
    """Plain data, or what can be read as such: an iterator is its items, an object of a subclass is its data."""
    return Encoder(_as_data).encode(value)


def _as_data(value: Any) -> Any:
    if isinstance(value, Iterator):
        return encoded(list(islice(value, MAX_ITEMS)))
    for kind in PLAIN:
        if isinstance(value, kind) and type(value) is not kind:
            return encoded(kind(value))  # type: ignore[arg-type]
    raise Opaque(type(value).__name__)


def _refused(value: Any) -> Any:
    raise Opaque(type(value).__name__)


class Recorder:
    """A profiler that keeps the calls which tests make of the code's module-level functions with plain data."""

    def __init__(self, code: list[str]) -> None:
        self._code = {str(pytest_report.WORKSPACE / path) for path in code}
        self._seen: dict[str, set[str]] = {}
        self.calls: list[Any] = []

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code.co_filename not in self._code or frame.f_back is None:
            return
        caller = frame.f_back.f_code.co_filename
        if caller in self._code or not caller.startswith(f"{pytest_report.WORKSPACE}/"):
            return
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        seen = self._seen.setdefault(f"{module}.{name}", set())
        if len(seen) < MAX_CALLS and _code_of(frame.f_globals.get(name)) is frame.f_code:
            try:
                call = [module, name, *_arguments(frame)]
                text = json.dumps(call)
            except (Opaque, CannotCross, ValueError, TypeError):
                return
            if len(text) <= MAX_CALL_CHARS and text not in seen:
                seen.add(text)
                self.calls.append(call)


def _code_of(value: Any) -> CodeType | None:
    return getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None


def _arguments(frame: FrameType) -> tuple[Any, Any]:
    """The arguments as they came, positional and named, encoded."""
    code, given = frame.f_code, frame.f_locals
    count = code.co_argcount
    positional = [given[name] for name in code.co_varnames[:count]]
    named = {name: given[name] for name in code.co_varnames[count : count + code.co_kwonlyargcount]}
    at = count + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        positional += given[code.co_varnames[at]]
        at += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named.update(given[code.co_varnames[at]])
    encoder = Encoder(_refused)
    return encoder.encode(positional), encoder.encode(named)


def record(spec: dict[str, Any]) -> list[Any]:
    """Run tests and give the calls that they made."""
    recorder = Recorder(spec["code"])
    sys.stdin = io.StringIO(json.dumps(spec["record"]))
    sys.setprofile(recorder)
    try:
        pytest_report.main()
    finally:
        sys.setprofile(None)
    return recorder.calls


def answers(calls: list[Any], each_s: float) -> Iterator[dict[str, Any]]:
    """What each call gives; one that takes longer than `each_s` seconds raises."""
    pytest_report.make_importable(os.environ.pop("JOURNEYMAN_PYTHONPATH", ""))
    signal.signal(signal.SIGALRM, _too_long)
    for call in calls:
        signal.setitimer(signal.ITIMER_REAL, each_s)
        try:
            yield _answer(*call)
        except Opaque:
            yield {"opaque": True}
        except BaseException as error:  # SystemExit is an answer like others
            yield {"raised": type(error).__name__}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(module: str, name: str, positional: Any, named: Any) -> dict[str, Any]:
    arguments, by_name = (Decoder(_refused).decode(data) for data in (positional, named))
    value = getattr(importlib.import_module(module), name)(*arguments, **by_name)
    return {"value": encoded(value), "arguments": encoded([arguments, by_name])}


def _too_long(*_: object) -> None:
    raise TimeoutError("the call took too long")


def main() -> None:
    """See the module's words."""
    spec = json.load(sys.stdin)
    found = record(spec) if "record" in spec else list(answers(spec["calls"], spec["each_s"]))
    Path(spec["out"]).write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
