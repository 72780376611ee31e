"""Harbor tasks that were not made for Journeyman, as far as they map.

Harbor builds any image and runs any script; a `Task` declares its environment and lists its checks. What lies in both:
a `python:` image with packages and one copied repository, and tests in pytest files whose functions can be listed
without running them. Everything else is collected and told in one error, so that nobody learns of it one by one.
The reference solution is a script there, not files; it is named in the metadata and left behind. Without it nothing can
show that the tests bear two sandboxes, so such a task is graded at `fresh`.
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from journeyman.sandbox.sandbox import WORKSPACE, Environment
from journeyman.tasks.harbor_toml import DESCRIBED, build_task, table
from journeyman.tasks.task import Check, Task, TaskFormatError
from journeyman.tasks.verdict import Assurance

_HARMLESS = frozenset({"LABEL", "CMD", "ENTRYPOINT", "EXPOSE", "MAINTAINER", "SHELL", "STOPSIGNAL"})
_HARMLESS_ENV = frozenset(
    {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR", "DEBIAN_FRONTEND", "PATH"}
)


@dataclass
class Image:
    """What a Dockerfile was understood to say."""

    python: str = ""
    workdir: str = "/"
    repository: Path | None = None
    requirements: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    pythonpath: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)


def load_plain(folder: Path, document: dict[str, Any]) -> Task:
    """Read a Harbor task that lacks `[metadata.journeyman]`.

    Raises:
        TaskFormatError: it lists everything that does not map.
    """
    path = folder / "task.toml"
    image = read_dockerfile(folder / "environment")
    checks, hidden_problems = list_checks(folder / "tests", image.workdir)
    unmapped = [*settings_that_do_not_map(document, path), *image.unmapped, *hidden_problems]
    instruction_file = folder / "instruction.md"
    if not instruction_file.is_file():
        unmapped.append("instruction.md: missing")
    if unmapped:
        listed = "".join(f"\n  - {what}" for what in unmapped)
        raise TaskFormatError(
            f"{folder}: has no [metadata.journeyman], and this much of it does not map:{listed}\n"
            "Add the section by hand (docs/task-format.md), or leave this task to Harbor."
        )
    harbor = table(document, "task", path)
    metadata = {**table(document, "metadata", path), **{key: harbor[key] for key in DESCRIBED if key in harbor}}
    metadata["harbor"] = {"left_behind": [n for n in ("solution/solve.sh",) if (folder / n).is_file()]}
    timeouts = {
        "episode_timeout_s": table(document, "agent", path).get("timeout_sec"),
        "grading_timeout_s": table(document, "verifier", path).get("timeout_sec"),
    }
    if not any(re.match(r"pytest\b(?!-)", line) for line in image.requirements):
        image.requirements.append("pytest")
    values = {
        "name": harbor.get("name", folder.name),
        "instruction": instruction_file.read_text(encoding="utf-8"),
        "repository": image.repository,
        "environment": Environment(
            image.python, tuple(image.requirements), tuple(image.packages), tuple(image.pythonpath) or (".",)
        ),
        "checks": [Check(id=check) for check in checks],
        "hidden": folder / "tests",
        "assurance": Assurance.FRESH,
        "budget": {key: value for key, value in timeouts.items() if value is not None},
        "metadata": metadata,
    }
    return build_task(values, path)


def settings_that_do_not_map(document: dict[str, Any], path: Path) -> list[str]:
    said = []
    if document.get("steps"):
        said.append("[[steps]]: turns in sequence; `journeyman task import harbor` makes milestones of them")
    environment = table(document, "environment", path)
    for key in ("docker_image", "gpus", "mcp_servers", "healthcheck", "env", "skills_dir", "allowed_hosts"):
        if environment.get(key):
            said.append(f"[environment].{key}: a sandbox here is declared, offline and without devices")
    verifier = table(document, "verifier", path)
    for key in ("env", "environment", "collect"):
        if verifier.get(key):
            said.append(f"[verifier].{key}: the grader here runs listed tests in a fresh sandbox")
    return said


def read_dockerfile(folder: Path) -> Image:
    image = Image()
    if any((folder / name).is_file() for name in ("docker-compose.yaml", "docker-compose.yml", "compose.yaml")):
        image.unmapped.append("environment/docker-compose.yaml: several containers")
    path = folder / "Dockerfile"
    if not path.is_file():
        image.unmapped.append("environment/Dockerfile: missing")
        return image
    text = re.sub(r"\\\s*\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", path.read_text(encoding="utf-8")))
    for line in filter(None, map(str.strip, text.splitlines())):
        keyword, _, rest = line.partition(" ")
        if not _understand(image, folder, keyword.upper(), rest.strip()):
            image.unmapped.append(f"environment/Dockerfile: {line}")
    if image.repository is None:
        image.unmapped.append("environment/Dockerfile: no COPY of a repository into the working directory")
    if not image.python:
        image.unmapped.append("environment/Dockerfile: the base image is not python:X.Y")
    return image


def _understand(image: Image, folder: Path, keyword: str, rest: str) -> bool:
    """Take one instruction in; false when it does not map."""
    if keyword == "FROM":
        found = re.fullmatch(r"(?:docker\.io/)?(?:library/)?python:(\d\.\d+)[\w.-]*", rest)
        image.python = found[1] if found and not image.python else ""
        return True
    if keyword == "WORKDIR":
        image.workdir = str(PurePosixPath(image.workdir) / rest)
        return True
    if keyword == "COPY":
        return _understand_copy(image, folder, rest)
    if keyword == "ENV":
        return _understand_env(image, rest)
    if keyword == "RUN":
        return not rest.startswith("[") and all(_understand_command(image, part) for part in rest.split("&&"))
    return keyword in _HARMLESS


def _understand_copy(image: Image, folder: Path, rest: str) -> bool:
    """One folder below `environment/`, copied into the working directory: that is the repository."""
    source, _, target = rest.partition(" ")
    workdir = PurePosixPath(image.workdir)
    place = (folder / source).resolve()
    if image.repository or source.startswith("-") or workdir / target != workdir:
        return False
    image.repository = place
    return place.is_dir() and place.is_relative_to(folder.resolve()) and place != folder.resolve()


def _understand_env(image: Image, rest: str) -> bool:
    for name, _, value in (pair.partition("=") for pair in shlex.split(rest)):
        if name == "PYTHONPATH":
            places = [PurePosixPath(place) for place in value.split(":") if place]
            if not all(place.is_relative_to(image.workdir) for place in places):
                return False
            image.pythonpath = [place.relative_to(image.workdir).as_posix() for place in places]
        elif name not in _HARMLESS_ENV:
            return False
    return True


def _understand_command(image: Image, command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    match words:
        case ["pip" | "pip3", "install", *rest] | ["python" | "python3", "-m", "pip", "install", *rest]:
            image.requirements += [word for word in rest if not word.startswith("-")]
            harmless = {"--no-cache-dir", "--upgrade", "-U", "-q", "--quiet"}
            return all(not word.startswith("-") or word in harmless for word in rest) and "." not in rest
        case ["apt-get" | "apt", *rest] if "install" in rest:
            image.packages += [word for word in rest if not word.startswith("-") and word != "install"]
            return True
        case ["apt-get" | "apt", ("update" | "clean"), *_]:
            return True
        case ["rm", "-rf", *places]:
            return all(place.startswith("/var/lib/apt/lists") for place in places)
    return False


def list_checks(tests: Path, workdir: str) -> tuple[list[str], list[str]]:
    """Node ids of the test functions, and what stands against listing them."""
    checks: list[str] = []
    problems: list[str] = []
    script = tests / "test.sh"
    if not script.is_file():
        problems.append("tests/test.sh: missing")
    elif "pytest" not in script.read_text(encoding="utf-8", errors="replace"):
        problems.append("tests/test.sh: does not run pytest")
    files = sorted(tests.glob("test_*.py"))
    if not files:
        problems.append("tests/: no test_*.py")
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        if workdir != WORKSPACE and re.search(rf"{re.escape(workdir.rstrip('/') or '/')}(/|\b)", text):
            problems.append(f"tests/{file.name}: names {workdir}; the repository stands at {WORKSPACE} here")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            problems.append(f"tests/{file.name}: {error}")
            continue
        for prefix, function in listed_tests(tree):
            if any("parametrize" in ast.unparse(decorator) for decorator in function.decorator_list):
                problems.append(f"tests/{file.name}: {function.name} is parametrized: its ids are not known unrun")
            checks.append(f"{file.name}::{prefix}{function.name}")
    return checks, problems


def listed_tests(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            found += [(f"{node.name}::", n) for n in node.body if _is_test(n)]
        elif _is_test(node):
            found.append(("", node))
    return [(prefix, node) for prefix, node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
