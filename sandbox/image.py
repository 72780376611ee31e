"""Environments: an interpreter's virtual environment with a task's requirements, built once per `Environment.key`.

    environments/<key>/env/…        looks as it will in the sandbox: its own paths say /opt/env and /opt/python
    environments/<key>/node_modules what was installed from npm, where the toolchain is node
    environments/<key>/build.log    what pip said
    environments/<key>/built.json   with which interpreter, from what

The interpreter is the host's. Nothing else of the host's Python is in it, and byte code is compiled ahead, since
nothing can be written there later. `env/lib/pythonX.Y/site-packages` may be copied to any interpreter of the same
minor version.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from journeyman.sandbox.calls import call
from journeyman.sandbox.home import home, locked
from journeyman.sandbox.sandbox import Environment, ImageError
from journeyman.sandbox.toolchain import install_modules
from journeyman.sandbox.usage import Pruned, hold, note_use, note_user

ENV = "/opt/env"
PYTHON = "/opt/python"
BUILD_S = 1800.0
"""Wall clock for installing one environment, in seconds."""
LOG_LINES = 15

_ABOUT = (
    "import json, sys, sysconfig; print(json.dumps([sys.base_prefix, '%d.%d' % sys.version_info[:2],"
    " sysconfig.get_config_var('LIBDIR') if sysconfig.get_config_var('Py_ENABLE_SHARED') else '']))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of the host that sandboxes may use."""

    executable: Path
    prefix: Path
    """Its installation, mounted at /opt/python."""
    version: str
    """Minor version, such as "3.11"."""
    library: str
    """Folder of its shared library below the prefix ("lib"); empty for a static build or a system library."""


@dataclass(frozen=True, slots=True)
class Built:
    """An environment that is ready to be mounted at /opt/env."""

    folder: Path
    interpreter: Interpreter

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{self.interpreter.version}" / "site-packages"

    @property
    def modules(self) -> Path:
        """What was installed from npm; a folder only where something was."""
        return self.folder.with_name("node_modules")


@cache
def interpreter_for(version: str) -> Interpreter:
    """The host's interpreter of a minor version: the one that runs this, else `pythonX.Y` on PATH.

    Raises:
        ImageError: there is none.
    """
    if not re.fullmatch(r"3\.\d{1,2}", version):
        raise ImageError(f'python = "{version}": give a minor version such as "3.11"')
    here = "{}.{}".format(*sys.version_info)
    executable = sys.executable if version == here else shutil.which(f"python{version}")
    reason = "it is not on PATH"
    if executable:
        found = subprocess.run([executable, "-I", "-c", _ABOUT], capture_output=True, text=True, timeout=60)
        if found.returncode == 0:
            prefix, is_version, library = json.loads(found.stdout)
            if is_version == version:
                real = Path(prefix, "bin", f"python{version}")
                below = os.path.relpath(library, prefix) if library and Path(library).is_relative_to(prefix) else ""
                return Interpreter(real if real.exists() else Path(executable), Path(prefix), version, below)
        reason = f"{executable} does not run: {(found.stderr.strip() or 'wrong version').splitlines()[-1]}"
    raise ImageError(
        f"the task needs Python {version}, and this machine has no python{version} ({reason}); "
        f"install it, or run Journeyman with it (this is Python {here})"
    )


def note_task(environment: Environment, name: str) -> None:
    """Say that a task's sandboxes have this environment."""
    note_user(home("environments") / environment.key, name)


_ready: dict[str, Built] = {}


def environment_of(environment: Environment) -> Built:
    """The built environment; installing it the first time may take a minute.

    Raises:
        ImageError: no such interpreter, or a requirement cannot be installed; the message names it.
    """
    place = home("environments") / environment.key
    note_use(place)
    if (built := _ready.get(str(place))) and built.folder.is_dir():
        return built
    interpreter = interpreter_for(environment.python)
    while True:
        if not (place / "built.json").is_file():
            with locked(lock_of(place)):
                if not (place / "built.json").is_file():
                    place.mkdir(exist_ok=True)
                    _build(place, environment, interpreter)
        with suppress(Pruned):
            hold(place)  # as long as we live: sandboxes may have it mounted
            break
    note_use(place)
    _ready[str(place)] = Built(place / "env", interpreter)
    return _ready[str(place)]


def lock_of(place: Path) -> Path:
    """What is locked while an environment is built or taken away; it outlives it."""
    return place.with_name(f".{place.name}.lock")


def _build(place: Path, environment: Environment, interpreter: Interpreter) -> None:
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
    try:
        env = work / "env"
        with (place / "build.log").open("wb") as log:
            log.write(f"python {environment.python}, {', '.join(environment.requirements)}\n".encode())
            _step(log.name, log.fileno(), [str(interpreter.executable), "-I", "-m", "venv", "--without-pip", str(env)])
            if environment.toolchain and environment.requirements:
                _install_modules(work, place, environment)
            elif environment.requirements:
                _install(env, environment, log.name, log.fileno())
            compiled = ["-m", "compileall", "-q", "-s", str(env), "-p", ENV, "--invalidation-mode", "unchecked-hash"]
            with_python = [str(env / "bin" / "python"), "-I", *compiled, str(env / "lib")]
            subprocess.run(with_python, stdout=log, stderr=log, timeout=BUILD_S)  # a file of another Python is no fault
        _relocate(env, interpreter)
        shutil.rmtree(place / "env", ignore_errors=True)
        env.rename(place / "env")
        about = {
            "python": interpreter.version,
            "prefix": str(interpreter.prefix),
            "requirements": list(environment.requirements),
        }
        (work / "built.json").write_text(json.dumps(about))
        (work / "built.json").rename(place / "built.json")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install_modules(work: Path, place: Path, environment: Environment) -> None:
    if environment.toolchain != "node":
        raise ImageError(f"requirements cannot be installed with toolchain = {environment.toolchain!r}: vendor them")
    install_modules(work / "node_modules", environment, place / "build.log", BUILD_S)
    shutil.rmtree(place / "node_modules", ignore_errors=True)
    (work / "node_modules").rename(place / "node_modules")


def _install(env: Path, environment: Environment, log_name: str, log: int) -> None:
    for line in environment.requirements:
        if not line.strip() or line.lstrip().startswith("-") or "\n" in line:
            raise ImageError(f"requirement {line!r}: only plain requirements such as 'pytest==8.3.4' can be built")
    requirements = env.parent / "requirements.txt"
    requirements.write_text("\n".join(environment.requirements) + "\n")
    if importlib.util.find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "--python", str(env / "bin" / "python")]
    elif found := shutil.which("pip") or shutil.which("pip3"):
        pip = [found, "--python", str(env / "bin" / "python")]
    else:
        raise ImageError(f"there is no pip to install requirements with; run: {sys.executable} -m ensurepip")
    command = [*pip, "install", "--no-input", "--no-compile", "--disable-pip-version-check", "-r", str(requirements)]
    _step(log_name, log, command, environment.requirements)


def _step(log_name: str, log: int, command: list[str], requirements: tuple[str, ...] = ()) -> None:
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    try:
        done = call(command, timeout_s=BUILD_S, stdout=log, stderr=log, env=variables)
        problem = "failed" if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"took more than {BUILD_S:.0f} s"
    except OSError as error:
        problem = f"could not start: {error}"
    if problem:
        lines = Path(log_name).read_text(errors="replace").splitlines()
        step = "installing the requirements" if requirements else "making the virtual environment"
        culprit = f" at {found!r}" if (found := _culprit(lines, requirements)) else ""
        end = "\n".join("  " + line for line in lines[-LOG_LINES:])
        raise ImageError(f"{step} {problem}{culprit}; the end of {log_name}:\n{end}")


def _culprit(lines: list[str], requirements: tuple[str, ...]) -> str:
    """The requirement line that pip's errors speak of; empty if that is not clear."""
    errors = " ".join(line for line in lines if "ERROR" in line or "error:" in line).lower().replace("_", "-")
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")
        if name and re.search(rf"(?<![a-z0-9.-]){re.escape(name)}(?![a-z0-9-])", errors):
            return requirement
    return ""


def _relocate(env: Path, interpreter: Interpreter) -> None:
    """Make the environment say where it will stand."""
    bin_folder = env / "bin"
    for script in list(bin_folder.iterdir()):
        if script.name.lower().startswith(("python", "activate")):
            script.unlink()
        elif not script.is_symlink():
            script.write_bytes(script.read_bytes().replace(os.fsencode(env), ENV.encode()))
    (bin_folder / "python").symlink_to(f"{PYTHON}/bin/python{interpreter.version}")
    for name in ("python3", f"python{interpreter.version}"):
        (bin_folder / name).symlink_to("python")
    (env / "pyvenv.cfg").write_text(
        f"home = {PYTHON}/bin\ninclude-system-site-packages = false\nversion = {interpreter.version}\n"
    )
    (env / "lib64").unlink(missing_ok=True)
    for folder, _, files in os.walk(env):  # a strict umask must not lock out the sandbox's user
        Path(folder).chmod(0o755)
        for name in files:
            if not (path := Path(folder, name)).is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
