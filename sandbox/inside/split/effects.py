"""What goes with a message beside its value: of the code's side text that it printed, warnings that it gave and files
that it wrote; of the tests' side the state that the code is to run in.
"""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import suppress

from .shared import SharedFolder
from .system import os
from .values import NAMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TEXT = 1 << 20
_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTHONPATH", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"})
"""Variables that are the tests' side's business."""


class Recorder:
    """On the code's side: what was printed and warned since it was last asked."""

    def __init__(self, files: SharedFolder) -> None:
        self._files = files
        self._out, self._err = io.StringIO(), io.StringIO()
        self._warnings: list[list[str]] = []
        sys.stdout, sys.stderr = self._out, self._err
        warnings.simplefilter("always")
        warnings.showwarning = self._warned  # type: ignore[assignment]

    def take(self) -> Any:
        texts = []
        for stream in (self._out, self._err):
            texts.append(stream.getvalue()[:MAX_TEXT])
            stream.seek(0)
            stream.truncate()
        given, self._warnings = self._warnings[:1000], []
        files = self._files.changes()
        return [*texts, given, files] if files is not None or given or any(texts) else None

    def _warned(self, message: Any, category: Any, *where: Any) -> None:
        names = (str(kind.__name__) for kind in category.__mro__)
        name = next((name for name in names if NAMED.get(name) in category.__mro__), "UserWarning")
        self._warnings.append([name, str(message)])


def repeat(effects: Any, files: SharedFolder) -> None:
    """On the tests' side: let it happen here too, where pytest looks for it."""
    if effects is None:
        return
    out, err, given, changed = effects
    files.apply(changed)
    print(out, end="")
    print(err, end="", file=sys.stderr)
    for name, message in given:
        category = NAMED.get(name)
        if isinstance(category, type) and issubclass(category, Warning):
            warnings.warn(str(message), category, stacklevel=5)


class Surroundings:
    """On the tests' side: environment variables, the working directory and temporary files, told when they change."""

    def __init__(self, files: SharedFolder) -> None:
        self._files = files
        self._told = self._now()

    def changes(self) -> Any:
        now, files = self._now(), self._files.changes()
        if now == self._told and files is None:
            return None
        before, self._told = self._told, now
        variables, folder = now
        changed: dict[str, Any] = {key: value for key, value in variables.items() if before[0].get(key) != value}
        changed.update({key: None for key in before[0] if key not in variables})
        return [changed, folder if folder != before[1] else None, files]

    def _now(self) -> tuple[dict[str, str], str]:
        return {key: value for key, value in os.environ.items() if key not in _OWN}, os.getcwd()


def adopt(state: Any, files: SharedFolder) -> None:
    """On the code's side: be called in the surroundings of the tests."""
    if state is None:
        return
    variables, folder, changed = state
    files.apply(changed)
    for key, value in variables.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    if folder is not None:
        with suppress(OSError):  # a folder of the tests' side alone
            os.chdir(folder)
