"""Which commands can be warm test runs, and why the others are cold. See `warm.py`.

A run is cold where its result could differ from that of a run that was started afresh: the command is more than
`pytest …` or `python -m pytest …`; a module of the repository stands where pytest would have found its own; the
interpreter would have started with other variables; packages changed.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH113, PTH114, PTH115, PTH116, PTH117, PTH119,
# ruff: noqa: PTH109, PTH120, PTH121, PTH123, PTH208, PTH211, RUF100, SIM105, SIM115, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import _imp
import os
import re
import sys

from .warm import REPORT, SCRIPT, preloaded, stamp
from .warm_run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from .warm import Preloaded

WORD = r"""(?:[\w./:=,@%+-]|'[^'\n]*'|"[^"$`\\\n]*")+"""
SIMPLE = re.compile(rf" *{WORD}(?: +{WORD})*(?: +2>&1)? *", re.ASCII)
"""A shell command of plain and quoted words. stdout and stderr are one anyway."""
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
AT_START = ("PYTHON", "LD_", "LC_", "LANG", "LOCPATH", "MALLOC_", "GLIBC_", "COVERAGE_", "COV_CORE_")
"""Variables, by their beginning, that are read when an interpreter starts or that a `.pth` file may read."""
NOT_WARM = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
FLAGS = "qvxslhV"
"""pytest's short options that take no value."""
HARMLESS = frozenset({"PYTHONPATH", "JOURNEYMAN_PYTHONPATH", "COLUMNS", "PWD"})
SUFFIXES = (".py", ".pyc", *_imp.extension_suffixes())
"""Of modules."""


class Cold(Exception):
    """The run must be cold. The message says why."""


def plan(argv: list[str], env: dict[str, str]) -> Run | str:
    """How to run the command warm in our folder, or why it must be cold."""
    loaded = preloaded()
    if loaded is None:
        return "pytest is not loaded"
    try:
        run = _understood(loaded, argv, dict(env), os.getcwd())
        _check_variables(loaded, run.variables)
        _check_options(run.arguments)
        for place in run.path:
            _check_folder(loaded, place)
        if stamp(loaded.path) != loaded.stamp:
            return "packages may have changed"
    except Cold as why:
        return str(why)
    return run


def _understood(loaded: Preloaded, argv: list[str], env: dict[str, str], folder: str) -> Run:
    if argv[:2] == ["/bin/sh", "-c"]:
        return _in_shell(loaded, argv[2], env, folder)
    file = _found(argv[0], env)
    name = os.path.basename(file)
    if os.path.dirname(file) != loaded.folder or not os.path.isfile(file):
        raise Cold("it is not pytest")
    if name in ("pytest", "py.test"):
        with open(file, "rb") as script:
            mark, interpreter = script.read(2), script.readline(200).rstrip().decode("utf-8", "replace")
        if mark != b"#!" or not _is_ours(interpreter):
            raise Cold("the script has another interpreter")
        return Run(loaded, file, file, [interpreter, file, *argv[1:]], argv[1:], env, folder)
    if argv[1:3] == ["-m", "pytest"] and _is_ours(file):
        return Run(loaded, file, "", argv, argv[3:], env, folder)
    raise Cold("it is not pytest")


def _in_shell(loaded: Preloaded, command: str, env: dict[str, str], folder: str) -> Run:
    if loaded.shell is None:
        raise Cold("it is not known what this shell does")
    if command == REPORT:
        env["JOURNEYMAN_PYTHONPATH"], env["PYTHONPATH"] = env.get("PYTHONPATH", ""), ""
        python = f"{loaded.folder}/python"
        run = Run(loaded, python, SCRIPT, [python, "-s", SCRIPT], [], env, folder)
    else:
        run = _understood(loaded, words(command), env, folder)
        run.has_shell = loaded.shell.forks
    run.variables.update(loaded.shell.adds(run.file, folder))
    return run


def _is_ours(python: str) -> bool:
    return os.path.dirname(python) == os.path.dirname(sys.executable) and os.path.samefile(python, sys.executable)


def words(command: str) -> list[str]:
    """A shell command's words, where it is made of nothing else."""
    if not SIMPLE.fullmatch(command):
        raise Cold("it has shell syntax")
    found = [QUOTED.sub(r"\1\2", word) for word in re.findall(rf"{WORD}", command.replace("2>&1", ""), re.ASCII)]
    if not found or "=" in found[0]:
        raise Cold("it has shell syntax")
    return found


def _found(name: str, env: dict[str, str]) -> str:
    """The program that a command's first word names."""
    if "/" in name:
        return name
    for place in env.get("PATH", "").split(":"):
        if os.access(f"{place}/{name}", os.X_OK):
            return f"{place}/{name}"
    raise Cold("it is not pytest")


def _check_variables(loaded: Preloaded, env: dict[str, str]) -> None:
    for name in sorted({*env, *loaded.variables} - HARMLESS):
        if loaded.variables.get(name) == env.get(name):
            continue
        if loaded.pth_runs_code or name.startswith(AT_START) or name in NOT_WARM:
            raise Cold(f"{name} is set otherwise" if len(name) < 50 else "a variable is set otherwise")


def _check_options(arguments: list[str]) -> None:
    for n, argument in enumerate(arguments):
        if argument == "--":
            return
        if argument.startswith(("@", "--numprocesses", "--dist")):
            raise Cold("arguments lie in a file" if argument[0] == "@" else "-n is given")
        if argument[:1] != "-" or argument[:2] == "--":
            continue
        cluster = argument[1:].lstrip(FLAGS)  # -xvp… is -x -v -p…
        value = cluster[1:] or (arguments[n + 1 : n + 2] or [""])[0]
        if cluster[:1] == "n" or (cluster[:1] == "p" and not value.strip().startswith("no:")):
            raise Cold(f"-{cluster[0]} is given")


def _check_folder(loaded: Preloaded, folder: str) -> None:
    """Whether something there would have been imported in place of what is loaded."""
    if not os.path.isabs(folder) or os.path.normpath(folder) != folder or folder in loaded.path:
        raise Cold("PYTHONPATH is out of the ordinary")
    try:
        found = os.listdir(folder)
    except OSError:
        if os.path.lexists(folder):
            raise Cold("a folder of PYTHONPATH cannot be read") from None
        return
    for name in found:
        top, dot, rest = name.partition(".")
        if top in loaded.names and (dot + rest in SUFFIXES if dot else _is_package(f"{folder}/{name}")):
            raise Cold(f"the repository has its own {top}")


def _is_package(path: str) -> bool:
    try:
        return any(name.startswith("__init__.") for name in os.listdir(path))
    except NotADirectoryError:
        return False
    except OSError:
        return True
