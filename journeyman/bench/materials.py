"""What all rows work on: the repository, an interpreter with pytest on the host, and images with the same."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from journeyman.bench.peers.box import IN_IMAGE, VARIABLES
from journeyman.sandbox.docker_engine import Engine
from journeyman.sandbox.docker_image import LABEL, image_for, write_context
from journeyman.sandbox.image import environment_of
from journeyman.sandbox.sandbox import Environment, ImageError
from journeyman.sandbox.template import template_of

PYTHON = "{}.{}".format(*sys.version_info)
ENVIRONMENT = Environment(python=PYTHON)
PARTS = 50
"""Modules of the small repository; with the tests and the rest it has 57 files."""
PACKAGES = "/opt/peer"

_TEST = """import pytest

from shop.part{0:02} import price


@pytest.mark.skipif(price(0) < 0, reason="never")
def test_price_{0}() -> None:
    assert price(3) >= 0
"""


def small_repository(folder: Path) -> Path:
    """57 files, five tests."""
    (folder / "shop").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "README.md").write_text("# A shop\n")
    (folder / "shop" / "__init__.py").write_text("")
    for number in range(PARTS):
        body = "".join(f"def helper{line}(x):\n    return x + {line}\n\n\n" for line in range(10))
        (folder / "shop" / f"part{number:02}.py").write_text(f"{body}def price(n):\n    return n * {number}\n")
    for number in range(5):
        (folder / "tests" / f"test_part{number:02}.py").write_text(_TEST.format(number))
    return folder


def many_files(folder: Path, count: int) -> Path:
    """A repository of so many small files."""
    for number in range(count - 1):
        path = folder / f"d{number // 100}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    (folder / "README.md").write_text("# Files\n")
    return folder


def interpreter(folder: Path) -> str:
    """The folder of an interpreter on the host with the very packages that the sandboxes have."""
    built = environment_of(ENVIRONMENT)
    make = [str(built.interpreter.executable), "-I", "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(make, check=True, capture_output=True)
    target = folder / "lib" / f"python{PYTHON}" / "site-packages"
    shutil.copytree(built.site_packages, target, dirs_exist_ok=True)
    return str(folder / "bin")


def peer_image(engine: Engine, repository: Path) -> str:
    """The image that our own docker backend builds, with the workspace filled and the variables set.

    Raises:
        ImageError: it could not be built.
    """
    base = image_for(engine, ENVIRONMENT, template_of(repository))
    variables = {**VARIABLES, "PATH": "/opt/env/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": "/workspace"}
    settings = " ".join(f"{name}={value}" for name, value in variables.items())
    copy = f"RUN mkdir -p /workspace && cp -a {IN_IMAGE}/. /workspace"
    return _built(engine, f"FROM {base}\nUSER 0\nENV {settings}\n{copy}\nWORKDIR /workspace\n", [])


def with_packages(engine: Engine, image: str, requirement: str, python: str) -> str:
    """The image with a peer's own package in it, for those that run a server of theirs there.

    Args:
        python: the peers' interpreter: its pip downloads what the image gets.

    Raises:
        ImageError: pip could not install it, or the interpreter has another minor version than the image.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "peer")
        pip = [python, "-m", "pip", "install", "--quiet", "--target", str(target), "--python-version", PYTHON]
        got = subprocess.run([*pip, "--only-binary=:all:", requirement], capture_output=True, text=True)
        if got.returncode:
            raise ImageError(f"{requirement} could not be installed for the image: {got.stderr.strip()[-500:]}")
        for script in (target / "bin").iterdir():  # they name the interpreter of the host
            lines = script.read_text(errors="replace").splitlines(keepends=True)
            if lines and lines[0].startswith("#!"):
                script.write_text("".join(["#!/usr/bin/env python3\n", *lines[1:]]))
        variables = f"PATH=/opt/env/bin:{PACKAGES}/bin:/usr/local/bin:/usr/bin:/bin"
        recipe = f"FROM {image}\nCOPY peer {PACKAGES}\nENV {variables} PYTHONPATH=/workspace:{PACKAGES}\n"
        return _built(engine, recipe, [("peer", target)], name=requirement)


def _built(engine: Engine, recipe: str, folders: list[tuple[str, Path]], *, name: str = "") -> str:
    tag = f"journeyman/bench:{hashlib.sha256((recipe + name).encode()).hexdigest()[:24]}"
    if not engine.image(tag):
        with tempfile.TemporaryFile() as context, tempfile.TemporaryDirectory() as folder:
            write_context(context, recipe, folders)
            context.seek(0)
            engine.build(context, tag, labels={LABEL: "bench"}, network="none", log=Path(folder, "build.log"))
    return tag
