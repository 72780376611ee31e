"""The tests' side within pytest: what the code under test must not learn from it, or bring into it."""

from __future__ import annotations

import shutil
import types

import pytest

from .special import MirrorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from .peer import Peer


class SplitPlugin:
    """Goes with the reporter."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def doubt(self) -> str:
        """Why the running test cannot have passed, whatever pytest says; empty when it may have."""
        return self._peer.fault or self._peer.refuted

    @pytest.fixture
    def tmp_path(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        """pytest's own is named after the test with its parameters, what is expected among them."""
        path = tmp_path_factory.mktemp("test")
        yield path
        shutil.rmtree(path, ignore_errors=True)  # every call looks through the temporary files

    def pytest_runtest_logstart(self) -> None:
        self._peer.refuted = ""

    def pytest_plugin_registered(self, plugin: Any, manager: pytest.PytestPluginManager) -> None:
        if self._peer.mirrors.handle_of(plugin) is not None:
            manager.unregister(plugin)
            raise pytest.UsageError(f"{plugin!r} is the code under test: it cannot be a plugin of its judge")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A test that the code's decorator replaced is the code's: whether its body runs is not told."""
        items[:] = [item for item in items if not self._is_replaced(item)]

    def _is_replaced(self, item: Any) -> bool:
        """By something of the code's, or by another function of the tests that the code was given."""
        function = getattr(item, "function", None)
        if isinstance(type(getattr(item, "obj", None)), MirrorKind):
            return True
        if not isinstance(function, types.FunctionType) or function not in self._peer.handed:
            return False
        owners = [f"{kind.__qualname__}." for kind in item.cls.__mro__] if item.cls is not None else [""]
        names = {f"{owner}{item.originalname}" for owner in owners}
        return function.__module__ != item.module.__name__ or function.__qualname__ not in names
