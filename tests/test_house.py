"""The house stands as DESIGN draws it: floors import downwards, rooms stay small, the package is whole and light."""

from __future__ import annotations

import ast
import itertools
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
FLOORS = ("sandbox", "tasks", "envs", "policies", "training")
"""The rooms, ground floor first; the front door (`journeyman/`) stands above them all."""
FRONT_DOOR = len(FLOORS)
OPTIONAL = frozenset(
    {
        "torch",
        "transformers",
        "tokenizers",
        "trl",
        "peft",
        "datasets",
        "pyarrow",
        "accelerate",
        "gguf",
        "safetensors",
        "matplotlib",
        "PIL",
        "zipfile_zstd",
    }
    | {"starlette", "uvicorn", "jinja2", "pygments", "ray", "docker", "xllamacpp", "vllm"}
)
"""Not everybody has these, or they are slow to load: only they may be imported inside a function."""
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
DATA = {"library", "templates", "hacks"}
"""Folders whose Python files are data: tasks, and what a policy might leave."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[Path]:
    """Every Python file of the rooms and the front door, each once (the links below journeyman/ are not followed)."""
    for room in FLOORS:
        yield from (path for path in sorted((HOUSE / room).rglob("*.py")) if not DATA & set(path.parts))
    for path in sorted((HOUSE / "journeyman").iterdir()):
        if path.suffix == ".py":
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from sorted(path.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def installed_path(path: Path) -> Path:
    """Where a source file lands below site-packages."""
    relative = path.relative_to(HOUSE)
    return relative if relative.parts[0] == "journeyman" else "journeyman" / relative


every_source = pytest.mark.parametrize("path", list(sources()), ids=name_of)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every absolute module name that the code imports; `from journeyman import tasks` counts as journeyman.tasks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node, node.module
            if node.module == "journeyman":
                yield from ((node, f"journeyman.{alias.name}") for alias in node.names)


def floor_of(module: str) -> int | None:
    """The floor that a journeyman module stands on; None for what is not ours."""
    package, _, rest = module.partition(".")
    if package != "journeyman":
        return None
    room = rest.partition(".")[0]
    return FLOORS.index(room) if room in FLOORS else FRONT_DOOR


@cache
def needs_an_extra(module: str) -> bool:
    """Whether loading a module of ours loads something optional, itself or through others: then it is optional too."""
    parts = module.split(".")[1:]
    bares = (HOUSE.joinpath(*parts), HOUSE.joinpath("journeyman", *parts))
    candidates = (path for bare in bares for path in (bare.with_suffix(".py"), bare / "__init__.py"))
    path = next((path for path in candidates if path.is_file()), None)
    if path is None or floor_of(module) is None:
        return False
    tops = [node for node in parse(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in tops for _, name in imported(node)}
    return any(name.partition(".")[0] in OPTIONAL or (name != module and needs_an_extra(name)) for name in names)


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def test_every_room_is_there() -> None:
    for folder in (*FLOORS, "journeyman", "tests", "docs", "benchmarks"):
        assert (HOUSE / folder).is_dir(), f"the folder {folder}/ of the design is missing"
    for room in FLOORS:
        link = HOUSE / "journeyman" / room
        assert link.is_symlink(), f"{name_of(link)} must be a link, so that type checkers find journeyman.{room}"
        assert link.readlink() == Path("..", room), f"{name_of(link)} must be relative"


@every_source
def test_a_floor_imports_only_floors_below(path: Path) -> None:
    own = path.relative_to(HOUSE).parts[0]
    height = FLOORS.index(own) if own in FLOORS else FRONT_DOOR
    for node, module in imported(parse(path)):
        floor = floor_of(module)
        if module == "journeyman" or (floor == FRONT_DOOR and module.startswith("journeyman.__")):
            continue  # the version number, which every floor may read
        assert floor is None or floor <= height, (
            f"{name_of(path)}:{node.lineno}: {own} must not import {module}, above it"
        )


@every_source
def test_rooms_are_imported_by_their_full_name(path: Path) -> None:
    for node, module in imported(parse(path)):
        assert module.partition(".")[0] not in FLOORS, f"{name_of(path)}:{node.lineno}: import journeyman.{module}"


@every_source
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= MAX_FILE_LINES, f"{name_of(path)} has {lines} lines, of {MAX_FILE_LINES} at most: split it"
    for function in functions(ast.parse(text)):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= MAX_FUNCTION_LINES, f"{name_of(path)}:{function.lineno}: {function.name} has {length} lines"


@every_source
def test_only_optional_dependencies_are_imported_late(path: Path) -> None:
    for function in functions(parse(path)):
        for node, module in imported(function):
            late_is_fine = module.partition(".")[0] in OPTIONAL or needs_an_extra(module)
            assert late_is_fine, f"{name_of(path)}:{node.lineno}: import {module} at the top of the file"


@pytest.mark.parametrize("path", sorted((HOUSE / "sandbox" / "inside").rglob("*.py")), ids=name_of)
def test_what_runs_inside_a_sandbox_needs_only_what_is_there(path: Path) -> None:
    there = sys.stdlib_module_names | {"pytest", "_pytest"}  # every environment has pytest
    for node, module in imported(parse(path)):
        top = module.partition(".")[0]
        assert top in there, f"{name_of(path)}:{node.lineno}: {module} is not there inside a sandbox"


@pytest.mark.parametrize("room", [*FLOORS, ""], ids=lambda room: room or "front door")
def test_importing_a_room_loads_nothing_heavy(room: str) -> None:
    module = f"journeyman.{room}".rstrip(".")
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    heavy = (OPTIONAL | {"numpy", "gymnasium", "pydantic", "git", "tree_sitter"}) & set(json.loads(loaded.stdout))
    assert not heavy, f"import {module} loads {sorted(heavy)}"


def test_every_package_is_listed_for_installation() -> None:
    listed = set(tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {".".join(installed_path(path).parent.parts) for path in sources() if path.name != "__init__.py"}
    assert found <= listed, f"pyproject.toml, [tool.setuptools] packages: add {sorted(found - listed)}"


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    names_of_extras = ("train", "llamacpp", "view", "scale", "formats", "dev")
    wanted = itertools.chain(project["dependencies"], *(extras[name] for name in names_of_extras))
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (HOUSE / "constraints.txt").read_text().splitlines()
    }
    names = {"".join(itertools.takewhile(lambda c: c.isalnum() or c in "-_.", line)).lower() for line in wanted}
    assert names <= pinned, f"constraints.txt lacks {sorted(names - pinned)}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy of the tree (setuptools writes into what it builds) without asking the network."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for room in (*FLOORS, "journeyman"):
        shutil.copytree(HOUSE / room, tree / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for path in HOUSE.iterdir():
        if path.is_file():
            shutil.copy(path, tree)
    (tree / "tasks/library/_probe/.hidden").mkdir(parents=True)
    for name in ("task.toml", ".dotfile", ".hidden/inner"):
        (tree / "tasks/library/_probe" / name).write_text(name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    built = subprocess.run(
        [*command, "--wheel-dir=out", "./tree"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    (path,) = (folder / "out").glob("journeyman-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_module_and_the_whole_library(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for path in sources():
        inside = installed_path(path).as_posix()
        assert inside in names, f"the wheel lacks {inside}"
    data = (*tracked("tasks/library"), *tracked("tasks/templates"), *tracked("training/run_presets"))
    library = {f"journeyman/{name_of(path)}" for path in data}
    library |= {f"journeyman/tasks/library/_probe/{name}" for name in ("task.toml", ".dotfile", ".hidden/inner")}
    assert library <= names, f"the wheel lacks {sorted(library - names)[:5]}"
    assert "journeyman/py.typed" in names


def test_installing_leaves_one_top_level_name(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".dist-info")] == ["journeyman"]
    code = "import sys, journeyman.sandbox.sandbox as s; print(s.__file__); assert 'torch' not in sys.modules"
    environment = {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith(str(tmp_path))


def tracked(folder: str) -> list[Path]:
    """A folder's files, without what tests leave behind."""
    leftovers = {"__pycache__", ".pytest_cache"}
    return [p for p in (HOUSE / folder).rglob("*") if p.is_file() and not leftovers & set(p.parts)]
