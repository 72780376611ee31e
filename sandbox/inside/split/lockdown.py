"""Of the tests' side: text and bytes that came from the code under test are never run.

A test that evaluates a `repr`, unpickles what it was given or starts a program would run what the other side wrote,
beside the verdict; so would an import after a test had unpacked an archive, or written to a path that it was told,
where modules are looked for. Such a test fails here; it can be graded at another level of assurance.
"""

from __future__ import annotations

import logging.config
import os
import sys
import sysconfig

from .values import CannotCross

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any

_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn")
_LOADERS = ("marshal.loads", "marshal.load")
_MAKERS = ("dataclasses.py", "collections/__init__.py", "enum.py")
"""Files of the standard library that make code of their own text. What evaluates another's is not among them: `typing`
evaluates annotations, `runpy` and `importlib` run the file that they are told."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_MOVES = ("os.rename", "os.link", "os.symlink")
_WRITABLE = ("/tmp/", "/dev/")
"""No module is imported from there."""
_SHARED = os.path.join(os.path.dirname(__file__), "shared.py")
"""Opens files by their folder's descriptor, in the shared folder alone."""
_TOOLS = ("_pytest", "pytest", "pluggy", "attr")
"""Installed packages that make code of the tests' files, or of their own text."""
_LIBRARIES = ("import", "ctypes.dlopen")
"""Events that tell of a compiled file."""
_CONDITIONS = ("<skipif condition>", "<xfail condition>")
"""Where pytest evaluates a mark's text."""


def must_be_writable(path: str | bytes) -> None:
    """Raises CannotCross for a place where modules may be looked for."""
    if not os.fsdecode(path).startswith(_WRITABLE):
        raise CannotCross("tests that write outside of temporary folders cannot be split from the code under test")


def must_not_be_written(path: str | bytes) -> None:
    """Raises CannotCross for a compiled file from a place where the code under test may have put it."""
    if os.path.realpath(os.fsdecode(path)).startswith(_WRITABLE):
        raise CannotCross("tests that load what lies in temporary folders cannot be split from the code under test")


def lock_down(folder: str) -> None:
    """Forbid it from now on, in this process. `folder`: where the tests' files are."""
    library = sysconfig.get_path("stdlib")
    installed = tuple(sysconfig.get_path(name) + "/" for name in ("purelib", "platlib"))
    own = tuple(f"{library}/{name}" for name in _MAKERS)
    tools = tuple(f"{place}{name}/" for place in installed for name in _TOOLS)
    importers = ("<frozen ", f"{library}/importlib/", f"{library}/runpy.py")
    files = tuple(os.path.realpath(place) + "/" for place in (folder, library, *installed))
    vars(logging.config)["dictConfigClass"] = _refuse_configuration  # it calls what a text names

    def is_file(name: str) -> bool:
        """Whether code that says it is of this file is of one that the code under test had no hand in."""
        is_frozen = name.startswith("<frozen ") and not os.path.lexists(name)
        return is_frozen or os.path.realpath(name).startswith(files)

    def may_run(code: Any) -> bool:
        frame = sys._getframe(2)
        caller = frame.f_code.co_filename
        if caller.startswith(importers):  # others may compile any text in the name of a file
            return is_file(code.co_filename)
        if caller.startswith(tools):
            return code.co_filename not in _CONDITIONS and not os.path.realpath(code.co_filename).startswith(_WRITABLE)
        return caller.startswith(own) or _is_imported(frame, installed)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec" and not may_run(arguments[0]):
            raise CannotCross("tests that evaluate text cannot be split from the code under test")
        is_loader = event in _LOADERS and sys._getframe(1).f_code.co_filename.startswith(files[0])
        if is_loader or event == "pickle.find_class":
            raise CannotCross("tests that unpickle cannot be split from the code under test")
        is_written = event == "open" and arguments[2] & _WRITING and not isinstance(arguments[0], int)
        if is_written and sys._getframe(1).f_code.co_filename != _SHARED:
            must_be_writable(os.path.realpath(arguments[0]))
        if event in _MOVES:  # a link's source is only a text, but what is moved or linked gets another name there
            for place in arguments[event == "os.symlink" : 2]:
                folder, name = os.path.split(place)
                must_be_writable(os.path.join(os.path.realpath(folder), name))
        if event in _LIBRARIES and isinstance(path := arguments[event == "import"], (str, bytes)):
            must_not_be_written(path)
        if event.startswith(_PROGRAMS):
            raise CannotCross("tests that start programs cannot be split from the code under test")

    sys.addaudithook(hook)


def _refuse_configuration(config: Any) -> Any:
    raise CannotCross("tests that configure logging by a dictionary cannot be split from the code under test")


def _is_imported(frame: types.FrameType | None, installed: tuple[str, ...]) -> bool:
    """Whether it runs for an installed library's own module, which is just being imported: it has seen no text yet."""
    while frame is not None and frame.f_code.co_filename.startswith(installed):
        if frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False
