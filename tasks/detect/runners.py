"""What a repository runs its tests with: tox, nox (its syntax tree alone), requirement files, pytest's own settings."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.setup_files import literal, literals, read_ini

_FACTOR = re.compile(r"^!?[\w{}.,!-]+\s*:\s+")
_TEST_FILES = re.compile(
    r"^(requirements/|requirements[-_]?)?(tests?|testing)([-_]?requirements)?\.(txt|in|pip)$", re.IGNORECASE
)
_DEV_FILES = re.compile(
    r"^(requirements/|requirements[-_]?)?(dev|development)([-_]?requirements)?\.(txt|in)$", re.IGNORECASE
)
_RUNTIME_FILES = frozenset({"requirements.txt", "requirements.in", "requirements/base.txt", "requirements/main.txt"})
_OUR_PLACES = re.compile(r"\{(toxinidir|toxworkdir|envdir|envtmpdir|posargs)[^}]*\}")


def read_tox(facts: Facts) -> None:
    ini = read_ini(facts, "tox.ini")
    if ini.has_section("pytest"):
        for key, value in ini["pytest"].items():
            facts.settings.setdefault(key, value.strip())
    section = next((name for name in ("testenv", "testenv:test", "testenv:tests") if ini.has_section(name)), "")
    if not section:
        return
    deps, where = ini.get(section, "deps", fallback=""), f"tox.ini, [{section}]"
    facts.need("test", _tox_lines(facts, deps), f"{where} deps")
    for name in re.split(r"[\s,]+", ini.get(section, "extras", fallback="").strip()):
        if name:
            facts.tell("extras", name, f"{where} extras")
    for line in (ini.get(section, "setenv", fallback="") or ini.get(section, "set_env", fallback="")).splitlines():
        key, equals, value = line.partition("=")
        # A value that names tox's own folders means nothing here.
        if equals and re.fullmatch(r"[A-Z_][A-Z0-9_]*", key.strip()) and "{" not in value and "PYTHONPATH" not in key:
            facts.variables.setdefault(key.strip(), value.strip())
    facts.tell("command", _command(ini, section), f"{where} commands")


def _tox_lines(facts: Facts, deps: str) -> Iterator[str]:
    for line in deps.splitlines():
        line = _OUR_PLACES.sub(".", line.partition("#")[0]).strip()
        if match := re.match(r"^-r\s*(\S+)", line):
            yield from requirement_lines(facts, str(PurePosixPath(match[1])))
        elif line and not line.startswith(("-", ".")) and "{" not in line and not _FACTOR.match(line):
            yield line


def _command(ini: configparser.ConfigParser, section: str) -> str:
    lines = [line.strip() for line in ini.get(section, "commands", fallback="").splitlines()]
    tests = (line for line in lines if re.search(r"pytest|py\.test|unittest|nose|trial|manage\.py test", line))
    return re.sub(r"\{posargs:?([^}]*)\}", r"\1", next(tests, "")).strip()


def read_nox(facts: Facts) -> None:
    """`session.install("pytest", …)` in the functions whose names speak of tests or units; lists have names there."""
    tree = facts.module("noxfile.py")
    if tree is None:
        return
    lists = literals(tree)
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or not re.search(r"test|unit", function.name, re.IGNORECASE):
            continue
        for node in ast.walk(function):
            words = _words(node, literals(function, lists))
            if words and words[0] == "install":
                lines = list(_installed(facts, words[1:]))
                facts.need("test", lines, f"noxfile.py, session {function.name}")
            elif words and words[0] == "run" and len(words) > 1 and re.search(r"pytest|unittest", " ".join(words)):
                facts.tell("command", shlex.join(words[1:]), f"noxfile.py, session {function.name}")


def _words(node: ast.AST, lists: dict[str, Any]) -> list[str]:
    """A session's call as words: its name, then the arguments that are written out, or are lists with a name."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    words = [node.func.attr]
    for argument in node.args:
        value = literal(argument.value if isinstance(argument, ast.Starred) else argument, lists)
        words += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    return words


def _installed(facts: Facts, words: list[str]) -> Iterator[str]:
    waiting = iter(words)
    for word in waiting:
        if word in ("-r", "--requirement"):
            yield from requirement_lines(facts, next(waiting, ""))
        elif word.startswith("-r"):
            yield from requirement_lines(facts, word[2:])
        elif word in ("-c", "--constraint", "-e", "--editable"):
            next(waiting, "")
        elif not word.startswith(("-", ".")):
            yield word


def read_requirements(facts: Facts) -> None:
    names = [path.name for path in facts.folder.iterdir() if path.is_file()]
    for folder in ("requirements", "tests", "test"):
        if (facts.folder / folder).is_dir():
            names += [f"{folder}/{path.name}" for path in (facts.folder / folder).iterdir() if path.is_file()]
    for name in sorted(names):
        inner = name.removeprefix("tests/").removeprefix("test/")
        if (inner != name and inner.startswith("requirements")) or _TEST_FILES.match(name):
            facts.need("test", requirement_lines(facts, name), name)
        elif _DEV_FILES.match(name):
            facts.need("dev", requirement_lines(facts, name), name)
        elif name in _RUNTIME_FILES:
            facts.need("runtime", requirement_lines(facts, name), name)


def requirement_lines(facts: Facts, name: str, depth: int = 0) -> Iterator[str]:
    """A requirement file's lines, those of the files that it names in their place."""
    path = PurePosixPath(name)
    if depth > 5 or path.is_absolute() or ".." in path.parts:
        return
    for line in facts.text(name).replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*|\s--hash=\S+", "", line).strip()
        if match := re.match(r"^(?:-r|--requirement)[\s=]*(\S+)", line):
            yield from requirement_lines(facts, str(path.parent / match[1]), depth + 1)
        elif line and not line.startswith(("-", ".")):
            yield line


def read_pytest_ini(facts: Facts) -> None:
    for name in ("pytest.ini", ".pytest.ini"):
        ini = read_ini(facts, name)
        if ini.has_section("pytest"):  # it stands above all other places
            facts.settings.update({key: value.strip() for key, value in ini["pytest"].items()})
