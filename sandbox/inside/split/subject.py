"""The tests' side: whoever imports the code under test gets mirrors of it."""

from __future__ import annotations

import importlib.machinery
import os
import sys

from ..link import READ, WRITE
from .effects import Surroundings, repeat
from .guard import TestsGuard
from .lockdown import lock_down
from .mirror import Mirrors
from .mirrored import ModuleMirror
from .patches import Patches
from .peer import Peer
from .shared import SharedFolder
from .values import CannotCross
from .wire import Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any


class SubjectFinder:
    """Finds the modules of the code under test on the other side. What is not there may be a file of the tests; and
    what is theirs is never asked for there."""

    def __init__(self, peer: Peer, names: Sequence[str], tests: Sequence[str]) -> None:
        self._peer, self._names, self._tests = peer, frozenset(names), frozenset(tests)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in self._names or name in self._tests:
            return None
        try:
            module = self._peer.ask("import", 0, name)
        except ModuleNotFoundError as error:
            if error.args and str(error.args[0]) in (f"No module named {name!r}", _no_package(name)):
                return None
            raise
        if not isinstance(module, ModuleMirror):  # what may bring which names is asked of modules
            raise CannotCross(f"{name} is no module of the code under test, but something in its place")
        spec = importlib.machinery.ModuleSpec(name, _Loader(module), is_package=True)  # type: ignore[arg-type]
        spec.submodule_search_locations = [
            place for entry in sys.path if os.path.isdir(place := os.path.join(entry, *name.split(".")))
        ]
        return spec

    def invalidate_caches(self) -> None:
        """Nothing is kept."""


def _no_package(name: str) -> str:
    parent = name.rpartition(".")[0]
    return f"No module named {name!r}; {parent!r} is not a package"


class _Loader:
    def __init__(self, module: ModuleMirror) -> None:
        self._module = module

    def create_module(self, spec: Any) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """It was executed on the other side."""


def install(names: Sequence[str], tests: Sequence[str], folder: str, timeout_s: float) -> Peer:
    """Make the code under test importable from the other end of the link.

    Args:
        names: the top-level modules of the code under test.
        tests: modules within them that are the tests' own.
        folder: where the tests are.
        timeout_s: the longest that one call may take.
    """
    files = SharedFolder(takes_programs=False)
    peer = Peer(
        Wire(READ, WRITE, timeout_s),
        TestsGuard(folder),
        news=Surroundings(files).changes,
        on_news=lambda effects: repeat(effects, files),
        is_trusted=True,
    )
    peer.mirrors = Mirrors(peer)
    sys.meta_path.insert(0, SubjectFinder(peer, names, tests))
    Patches(peer, folder).watch()
    lock_down(folder)
    return peer
