"""Images for Docker sandboxes, named by what is in them, so that each is built once.

    base                       JOURNEYMAN_DOCKER_BASE, else journeyman-base:bookworm where the engine has it,
                               else python:<minor>-slim
    journeyman/env:<hash>      + Debian packages, /opt/python, /opt/env, /opt/journeyman
    journeyman/task:<hash>     + the repository's pristine files at /opt/repository (for `docker_plain` alone)

The requirements are installed on the host (see `image`) and copied in, so that only Debian packages need the network.
Contexts are plain tars for the engine's own builder; nothing in them was ever touched by an agent.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from journeyman.sandbox.channel import INSIDE
from journeyman.sandbox.docker_engine import Engine
from journeyman.sandbox.home import home, locked
from journeyman.sandbox.image import ENV, PYTHON, environment_of
from journeyman.sandbox.sandbox import WORKSPACE, Environment, ImageError
from journeyman.sandbox.template import Template
from journeyman.sandbox.toolchain import MODULES, debian_packages
from journeyman.sandbox.usage import note_use

BASE_VARIABLE = "JOURNEYMAN_DOCKER_BASE"
LOCAL_BASE = "journeyman-base:bookworm"
REPOSITORY = "/opt/repository"
LABEL = "journeyman.image"
MEMORY_BYTES = 32 * 1024 * 1024
"""A context up to this size stays in memory."""

# The base's interpreter is found by asking it; /opt/python is where the environment's own paths expect it.
_FIND_PYTHON = (
    "import os, sys; found = '%d.%d' % sys.version_info[:2]; "
    "found == '{version}' or sys.exit('the base image {base} has Python ' + found + ', the task needs {version}'); "
    "os.symlink(sys.base_prefix, '{python}')"
)
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")


def image_for(engine: Engine, environment: Environment, template: Template) -> str:
    """The name of an image that holds the environment and the repository; building what is missing may take a minute.

    Raises:
        ImageError: there is no base image, or a step of the build failed.
    """
    base = environment_image(engine, environment)
    name = f"journeyman/task:{_hash(base, template.digest)}"
    return _built(engine, name, f"FROM {base}\nCOPY tree {REPOSITORY}\n", [("tree", template.folder)], "none")


def helper_texts(folder: Path) -> list[str | bytes]:
    """What names the helper's package: an image with an older one, in any of its folders, is another image."""
    files = sorted(folder.rglob("*.py"))
    return [part for path in files for part in (path.relative_to(folder).as_posix(), path.read_bytes())]


def environment_image(engine: Engine, environment: Environment) -> str:
    """The name of an image that holds the environment; see `image_for`."""
    base, base_id = _base(engine, environment.python)
    recipe = _recipe(base, environment)
    name = f"journeyman/env:{_hash(base_id, environment.key, recipe, *helper_texts(INSIDE))}"
    if engine.image(name):
        note_use(notes_of(name))
        return name
    built = environment_of(environment)
    folders = [("env", built.folder), ("inside", INSIDE)]
    folders += [("node_modules", built.modules)] if environment.toolchain and environment.requirements else []
    # Debian packages come through the host's own network, whatever the engine's bridges look like.
    return _built(engine, name, recipe, folders, "host" if debian_packages(environment) else "none")


def _recipe(base: str, environment: Environment) -> str:
    find = _FIND_PYTHON.format(version=environment.python, base=base, python=PYTHON)
    lines = [f"FROM {base}", "USER 0", f"RUN {json.dumps(['python3', '-c', find])}"]
    for package in environment.system_packages:
        if not _DEBIAN_PACKAGE.fullmatch(package):
            raise ImageError(f"{package!r} is not the name of a Debian package")
    if packages := " ".join(sorted(debian_packages(environment))):
        lines.append(
            "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "
            f"{packages} && rm -rf /var/lib/apt/lists/*"
        )
    lines += [f"COPY node_modules {MODULES}"] if environment.toolchain and environment.requirements else []
    lines += [f"COPY env {ENV}", "COPY inside /opt/journeyman/inside", f"RUN mkdir -p {WORKSPACE}"]
    return "\n".join(lines) + "\n"


def _base(engine: Engine, python: str) -> tuple[str, str]:
    """Name and content id of the image to build on."""
    wanted = os.environ.get(BASE_VARIABLE)
    name = wanted or (LOCAL_BASE if engine.image(LOCAL_BASE) else f"python:{python}-slim")
    if not engine.image(name):
        engine.pull(name)
    found = engine.image(name)
    if not found:
        raise ImageError(f"docker: the engine pulled {name} and does not have it")
    if found["Config"].get("Volumes"):
        raise ImageError(f"the base image {name} declares volumes, which no limit would bound; take another one")
    return name, str(found["Id"])


def _built(engine: Engine, name: str, recipe: str, folders: Iterable[tuple[str, Path]], network: str) -> str:
    """Build the image if the engine does not have it; processes that want the same one wait for the first."""
    note_use(place := notes_of(name))
    if engine.image(name):
        return name
    with locked(place / ".lock"):
        if not engine.image(name):
            with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as context:
                write_context(context, recipe, folders)
                context.seek(0)
                kind = name.partition("/")[2].partition(":")[0]
                engine.build(context, name, labels={LABEL: kind}, network=network, log=place / "build.log")
    return name


def notes_of(name: str) -> Path:
    """Where we note of an image when it was used, and what its build said."""
    return home("docker", name.replace("/", "-").replace(":", "-"))


def write_context(target: IO[bytes], recipe: str, folders: Iterable[tuple[str, Path]]) -> None:
    """A tar of the Dockerfile and of folders under the names given; the same input gives the same bytes."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        dockerfile = tarfile.TarInfo("Dockerfile")
        dockerfile.size = len(recipe.encode())
        tar.addfile(dockerfile, io.BytesIO(recipe.encode()))
        for name, folder in folders:
            for path in sorted([folder, *folder.rglob("*")]):
                if "__pycache__" in path.relative_to(folder).parts and folder == INSIDE:
                    continue
                info = tar.gettarinfo(str(path), str(Path(name, path.relative_to(folder))))
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                if info.isreg():
                    with path.open("rb") as file:
                        tar.addfile(info, file)
                elif info.isdir() or info.issym():
                    tar.addfile(info)


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:24]
