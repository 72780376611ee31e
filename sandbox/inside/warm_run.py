"""One warm run: from the fork of process 1 to what a freshly started interpreter is. See `warm.py`."""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH113, PTH114, PTH115, PTH116, PTH117, PTH119,
# ruff: noqa: PTH109, PTH120, PTH121, PTH123, PTH208, PTH211, RUF100, SIM105, SIM115, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import io
import os
import signal
import sys
import time
import weakref

from . import kernel as k

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from collections.abc import Callable
    from typing import Any

    from .warm import Preloaded

NO_USER_SITE = 5
"""Its place in `sys.flags`."""
OF_A_LIVING_INTERPRETER = ("path", "argv", "path_hooks", "path_importer_cache", "meta_path")
"""What `sys` has no more at the end."""


class Run(BaseException):  # not an Exception: nothing on the way up may catch it
    """One warm run, raised in the forked process. `prepare` is called when the stack is gone.

    Args:
        preloaded: what it starts from.
        file: the program that the command names.
        script: `__main__`, "" for `-m pytest`.
        command: what the interpreter is given, itself first.
        arguments: those of it that are pytest's.
        variables: the environment.
        folder: the current one.
    """

    def __init__(
        self,
        preloaded: Preloaded,
        file: str,
        script: str,
        command: list[str],
        arguments: list[str],
        variables: dict[str, str],
        folder: str,
    ) -> None:
        self.preloaded = preloaded
        self.file, self.script, self.command, self.arguments = file, script, command, arguments
        self.variables = variables
        self.path = [os.path.dirname(os.path.realpath(script)) if script else folder]
        self.path += variables["PYTHONPATH"].split(":") if variables.get("PYTHONPATH") else []
        self.has_shell = False
        """Whether a shell would have stayed as its parent and led its session. The helper leads one of its own."""

    def born(self, files: list[tuple[int, ...]]) -> None:
        """In the forked process: leave the helper's session and streams, and unwind. Never returns."""
        if not self.has_shell:
            os.setsid()
        for _, handle, place in files:
            os.dup2(handle, place)
        raise self

    def prepare(self) -> Callable[[], object]:
        """Become a fresh interpreter; returns what is to be called at the top of the program."""
        self.__traceback__ = None  # the helper's frames
        k.prctl(k.PR_SET_DUMPABLE, 1)
        name = ctypes.create_string_buffer(os.path.basename(self.file).encode()[:15])
        k.prctl(k.PR_SET_NAME, ctypes.addressof(name))
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _reset_signals()
        os.environ.clear()
        os.environ.update(self.variables)
        time.tzset()
        _reset_streams()
        sys.executable = self.command[0] if "/" in self.command[0] else self.file
        sys.orig_argv = self.command
        sys.argv = [self.script or "-m", *self.arguments]
        if "-s" in self.command[:2]:
            _set_flag(NO_USER_SITE)
        sys.path[:] = [self.path[0], *dict.fromkeys(self.path[1:]), *self.preloaded.path]
        sys.path_importer_cache.clear()
        sys.path_importer_cache.update(self.preloaded.finders)
        sys.modules.clear()
        sys.modules.update(self.preloaded.modules)
        _be_young()
        return self._main()

    def leave(self, code: object) -> None:
        """End the process as the interpreter does, without taking apart what was loaded ahead: a sixth of a short run.

        Threads are waited for and exit handlers run; then what the run itself made is taken apart, for its destructors.
        Comes back where something is out of the ordinary.
        """
        if code is not None and not isinstance(code, int):
            return  # words to be printed
        try:
            sys.modules["threading"]._shutdown()
            atexit._run_exitfuncs()
            _flush_streams()
            self._take_apart()
            _flush_files()
            _flush_streams()
        except BaseException:
            return
        os._exit((code or 0) & 0xFF)

    def _take_apart(self) -> None:
        """Remove the run's own modules, and whatever lives by them alone; names of modules that live on become None."""
        shared = {*map(id, self.preloaded.modules.values()), *map(id, self.preloaded.runpy.values())}
        names = [name for name, each in sys.modules.items() if type(each) is type(sys) and id(each) not in shared]
        modules = [weakref.ref(sys.modules[name]) for name in names]
        for name in OF_A_LIVING_INTERPRETER:
            setattr(sys, name, None)
        sys.modules.clear()  # nothing can be imported from here on
        gc.collect()
        for reference in reversed(modules):
            if (module := reference()) is not None:
                _empty(vars(module))
        gc.collect()

    def _main(self) -> Callable[[], object]:
        """A new `__main__`, and what runs it."""
        main = sys.modules["__main__"] = type(sys)("__main__")
        names: dict[str, Any] = main.__dict__
        loader = sys.modules["_frozen_importlib"].BuiltinImporter
        names.update(__annotations__={}, __builtins__=sys.modules["builtins"], __loader__=loader)
        if not self.script:
            sys.modules.update(self.preloaded.runpy)
            return functools.partial(sys.modules["runpy"]._run_module_as_main, "pytest")
        loader = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", self.script)
        names.update(__file__=self.script, __cached__=None, __loader__=loader)
        sys.path_importer_cache[self.script] = None  # it was asked whether it is a folder to import from
        with io.open_code(self.script) as file:
            code = compile(file.read(), self.script, "exec", dont_inherit=True)
        return functools.partial(exec, code, names)


def _be_young() -> None:
    """What modules remember of the moment when they were imported."""
    if (logging := sys.modules.get("logging")) is not None:
        kind = type(logging._startTime)  # seconds, or nanoseconds from Python 3.13 on
        logging._startTime = time.time() if kind is float else time.time_ns()  # type: ignore[attr-defined]
    if (threading := sys.modules.get("threading")) is not None:
        threading.main_thread()._set_native_id()


def _reset_signals() -> None:
    """As Python has them when it starts with the defaults."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _reset_streams() -> None:
    """New ones: a file's object remembers what kind of file it was over."""
    for handle, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        old = getattr(sys, name)
        buffer: Any = open(handle, mode + "b", -1, closefd=False)
        buffer.raw.name = f"<{name}>"
        new: Any = io.TextIOWrapper(
            buffer, old.encoding, old.errors, "\n", line_buffering=old.line_buffering, write_through=old.write_through
        )
        new.mode = mode
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _empty(names: dict[str, Any]) -> None:
    """In the interpreter's order: first the private ones, each time as they stand."""
    for is_first in (True, False):
        for name in list(names):
            if (name[:1] == "_" and name[1:2] != "_") is is_first and name != "__builtins__":
                names[name] = None


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def _flush_files() -> None:
    """Files that were left open where nothing is taken apart."""
    kinds = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
    found = [each for each in gc.get_objects() if type(each) in kinds]
    for file in sorted(found, key=lambda each: type(each) is not io.TextIOWrapper):
        try:
            file.flush()
        except (OSError, ValueError):  # closed, or detached
            pass


def _set_flag(index: int) -> None:
    one = ctypes.py_object(1)
    ctypes.pythonapi.Py_IncRef(one)  # the next call takes a reference
    ctypes.pythonapi.PyStructSequence_SetItem(ctypes.py_object(sys.flags), ctypes.c_ssize_t(index), one)
