"""Warm test runs: pytest loaded once in a long-lived interpreter, and each run a fork of it.

Half of a short test run is the start of the interpreter and the import of pytest. Process 1 of a sandbox, which runs
the environment's own interpreter, has that behind it: an agent's own test run forks from it, comes back out to
the top of its program (`PROGRAM`), and from there on is `pytest …` or `python -m pytest …` as if it had just been
started. Grading never runs so.

    fork of process 1 ── setsid, its standard streams, its folder ── `Run` is raised and unwinds the helper's stack
    PROGRAM ── modules, path, variables, signals, `__main__` as a fresh interpreter has them ── pytest

Only what a cold run imports before it looks at the repository is loaded ahead. Where the result could still differ a
run is cold, and says why; see `warm_command.py`. What a run can still see of the difference: /proc/self/cmdline and
/proc/self/environ are the helper's, one frame of the helper's program lies below pytest's first, a shell's command has
no shell as its parent, gc does not walk what was loaded ahead, and at the end that is not taken apart (`Run.leave`): an
object that a test left in there sees no destructor.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH113, PTH114, PTH115, PTH116, PTH117, PTH119,
# ruff: noqa: PTH109, PTH120, PTH121, PTH123, PTH208, PTH211, RUF100, SIM105, SIM115, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import gc
import os
import sys

from .warm_shell import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from types import ModuleType

PROGRAM = """\
import sys
started = list(sys.modules)
sys.path[0] = "/opt/journeyman"
from inside.{module} import main
from inside.warm import preload
from inside.warm_run import Run
preload(started)
go, leave = sys.exit, id
try:
    main()
except Run as run:
    go, leave = run.prepare(), run.leave
try:
    go()
except SystemExit as end:
    leave(end.code)
    raise
leave(0)
"""
"""What the long-lived interpreter is given (`python -c`), for one module's `main`. A run begins where it ends. Where
`leave` comes back, it ends as every program does."""

SCRIPT = "/opt/journeyman/inside/pytest_report.py"
REPORT = f'JOURNEYMAN_PYTHONPATH="$PYTHONPATH" PYTHONPATH= exec /opt/env/bin/python -s {SCRIPT}'
"""The shell command by which tests are run for a report: the one line with shell syntax that can be warm."""


class Preloaded:
    """What a run starts from: an interpreter as it is when pytest has been imported and nothing else."""

    def __init__(self, modules: dict[str, ModuleType], runpy: dict[str, ModuleType], missed: set[str]) -> None:
        self.modules, self.runpy = modules, runpy
        self.finders = dict(sys.path_importer_cache)
        self.path = list(sys.path)
        self.variables = dict(os.environ)
        self.folder = os.path.dirname(sys.executable)
        self.stamp = stamp(self.path)
        self.pth_runs_code = any(map(runs_code, pth_files(self.path)))
        tops = {name.partition(".")[0] for name in (*modules, *runpy, *missed)}
        self.names = (tops | {"sitecustomize", "usercustomize"}) - {"__main__", *sys.builtin_module_names}
        """Top-level modules that were looked for."""
        self.shell: Shell | None = None
        try:
            self.shell = Shell()
        except (OSError, ValueError):  # then a command for a shell is cold
            pass


_preloaded: list[Preloaded] = []


def preloaded() -> Preloaded | None:
    return _preloaded[0] if _preloaded else None


class Misses:
    """A finder that comes last, finds nothing and remembers what was looked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        self.names.add(name)


def preload(started: list[str]) -> None:
    """Import what every pytest run imports before it looks at its arguments; without pytest no run will be warm.

    Args:
        started: the modules that this interpreter had before it loaded anything of ours.
    """
    flags = sys.flags
    if flags.isolated or flags.no_site or flags.ignore_environment or flags.hash_randomization:
        return
    if getattr(sys.modules.get("site"), "ENABLE_USER_SITE", True):
        return  # packages that a policy could add
    ours = {name: module for name, module in sys.modules.items() if name not in started}
    path, misses = list(sys.path), Misses()
    sys.path[:] = path[1:]
    for name in ours:  # pytest gets copies of its own, and a run has no module that it would not have cold
        del sys.modules[name]
    sys.path_importer_cache.clear()
    sys.meta_path.append(misses)
    try:
        _import_pytest()
        modules = dict(sys.modules)
        __import__("runpy")
        runpy = {name: module for name, module in sys.modules.items() if name not in modules}
        _preloaded[:] = [Preloaded(modules, runpy, misses.names)]
    except ImportError:
        pass
    finally:
        sys.meta_path.remove(misses)
        sys.modules.update(ours)
        sys.path[:] = path
    gc.collect()
    gc.freeze()  # collections of a run do not touch, and so do not copy, what all share


def _import_pytest() -> None:
    __import__("pytest")
    for plugin in (*sys.modules["_pytest.config"].default_plugins, "_argcomplete"):
        __import__(f"_pytest.{plugin}")


def pth_files(path: list[str]) -> list[str]:
    return [
        f"{folder}/{name}" for folder in path if os.path.isdir(folder) for name in os.listdir(folder) if ".pth" in name
    ]


def runs_code(pth: str) -> bool:
    with open(pth, "rb") as file:
        return any(line.startswith((b"import ", b"import\t")) for line in file)


def stamp(path: list[str]) -> list[int]:
    """Changes when a package or a `.pth` file comes or goes."""
    return [os.stat(each).st_mtime_ns if os.path.exists(each) else 0 for each in path]
