"""Of the tests' side: what a test replaces in the standard library is replaced for the code under test too.

A test that does `monkeypatch.setattr("os.fsync", fake)` wants the code to call the fake. So setting an attribute of a
module of `WATCHED` is told to the code's side, which has a callback there until the test takes it back.

A fake often calls what it stands for, with a descriptor or a path that it was given, and looks at the file. Those mean
something where they came from: while a fake runs for the code, the functions of `ACTING` are called there. For that
the tests' files see stand-ins of these functions. Nobody else does: neither pytest nor the standard library.
"""

from __future__ import annotations

import importlib
import sys
import types

from .functions import relayed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .peer import Peer

WATCHED = "os posixpath time random shutil subprocess socket tempfile platform getpass uuid secrets".split()
"""Modules that the runner can do without: `sys` and `builtins` are not among them."""
ACTING = {
    "os": (
        "access chmod close dup dup2 fchmod fdatasync fstat fsync ftruncate link listdir lseek lstat makedirs mkdir"
        " open pread pwrite read readlink remove removedirs rename renames replace rmdir scandir stat symlink system"
        " truncate unlink utime walk write"
    ).split(),
    "posixpath": (
        "exists getatime getctime getmtime getsize isdir isfile islink lexists realpath samefile sameopenfile"
    ).split(),
    "shutil": "copy copy2 copyfile copymode copystat copytree disk_usage move rmtree which".split(),
    "subprocess": "call check_call check_output getoutput getstatusoutput run".split(),
}
"""Functions that do something with files, descriptors or programs."""
_PROGRAMS = "subprocess"
"""What the tests' files start with its functions runs where the code is: it is the code's own program, or uses it."""
_UNTOLD = ("environ",)
"""What is told by other means, see `effects.py`."""
_NOTHING = object()


class StandIn:
    """A function of `ACTING`, as the tests' files see it."""

    def __init__(self, original: Any, call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self.original, self._call = original, call
        self.__module__, self.__doc__ = original.__module__, original.__doc__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(self.original, args, kwargs)

    def __eq__(self, other: object) -> bool:  # `os.stat in os.supports_fd`
        return other is self or other is self.original

    def __hash__(self) -> int:
        return hash(self.original)


class Patches:
    """Watches, from `watch` to `unwatch`.

    Args:
        folder: where the tests' files are.
    """

    def __init__(self, peer: Peer, folder: str) -> None:
        self._peer, self._folder = peer, folder.rstrip("/") + "/"
        self._running = 0
        """Fakes that run for the code right now."""
        self._told: set[tuple[str, str]] = set()
        self._modules = {name: importlib.import_module(name) for name in WATCHED}
        self._originals = {name: dict(vars(module)) for name, module in self._modules.items()}
        self._stand_ins = {
            module: {name: self._stand_in(module, name) for name in names if name in self._originals[module]}
            for module, names in ACTING.items()
        }

    def watch(self) -> None:
        for name, module in self._modules.items():
            module.__class__ = _watched(self, self._stand_ins.get(name, {}))

    def unwatch(self) -> None:
        for module in self._modules.values():
            module.__class__ = types.ModuleType

    def is_of_tests(self, frame: types.FrameType) -> bool:
        return frame.f_code.co_filename.startswith(self._folder)

    def set(self, module: str, name: str, value: Any) -> None:
        """A test has set it."""
        if value is self._originals[module].get(name, _NOTHING):
            self._restore(module, name)
        elif not (isinstance(value, types.ModuleType) or name in _UNTOLD or name.startswith("__")):
            self._tell("patch", module, name, value if isinstance(value, type) else self._outward(name, value))

    def delete(self, module: str, name: str) -> None:
        """A test has deleted it."""
        if name in self._originals[module]:
            self._tell("patch", module, name)
        else:
            self._restore(module, name)

    def _tell(self, op: str, module: str, name: str, *args: Any) -> None:
        self._told.add((module, name))
        self._ask(op, module, name, args)

    def _restore(self, module: str, name: str) -> None:
        if (module, name) in self._told:
            self._told.discard((module, name))
            self._ask("unpatch", module, name, ())

    def _outward(self, name: str, value: Any) -> Any:
        if not callable(value) or type(value) is StandIn:
            return value

        def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            self._running += 1
            try:
                return value(*args, **kwargs)
            finally:
                self._running -= 1

        return relayed(name, call)

    def _stand_in(self, module: str, name: str) -> StandIn:
        def call(original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if not (self._running or module == _PROGRAMS):
                return original(*args, **kwargs)
            return self._ask("original", module, name, args, kwargs)

        return StandIn(self._originals[module][name], call)

    def _ask(self, op: str, module: str, name: str, args: tuple[Any, ...], kwargs: Any = None) -> Any:
        there = self._peer.mirrors.handle_of(self._peer.ask("import", 0, module))
        assert there is not None
        return self._peer.ask(op, there, name, args, kwargs)


def _watched(patches: Patches, stand_ins: dict[str, StandIn]) -> type[types.ModuleType]:
    frame, plain = sys._getframe, types.ModuleType

    class Watched(types.ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            known = stand_ins.get(name)
            value = known.original if known is not None and value is known else value
            plain.__setattr__(self, name, value)
            patches.set(self.__name__, name, value)

        def __delattr__(self, name: str) -> None:
            plain.__delattr__(self, name)
            patches.delete(self.__name__, name)

    if not stand_ins:
        return Watched

    class Acting(Watched):
        def __getattribute__(self, name: str) -> Any:
            value = plain.__getattribute__(self, name)
            known = stand_ins.get(name)
            return known if known is not None and value is known.original and patches.is_of_tests(frame(1)) else value

    return Acting
