"""The tests' side: `pytest_report`, with the code under test at the other end of the link."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import pytest_report
from .plugin import SplitPlugin
from .subject import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def split_off(subject: dict[str, Any], paths: list[str]) -> SplitPlugin:
    """Let the code under test be imported from the other end of the link. Gives the plugin that goes with it."""
    for folder in dict.fromkeys(folder for path in paths for folder in _import_folders(Path(path))):
        sys.path.append(str(folder))
    peer = install(subject["names"], subject["tests"], str(pytest_report.WORKSPACE), subject["timeout"])
    return SplitPlugin(peer)


def _import_folders(test: Path) -> list[Path]:
    """Folders from which a test file's helpers are importable in pytest's usual import mode."""
    folders = [test.parent, *(folder for folder in test.parents if (folder / "conftest.py").exists())]
    roots = []
    for folder in folders:
        root = folder
        while (root / "__init__.py").exists():
            root = root.parent
        roots.append(root.resolve())
    return roots


def main() -> None:
    """See `pytest_report.main`."""
    status = pytest_report.main(split_off)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
