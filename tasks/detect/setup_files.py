"""`setup.cfg`, `setup.py` (its syntax tree alone: nothing of it runs) and an archive's `PKG-INFO`."""

from __future__ import annotations

import ast
import configparser
import email.parser
import re
from typing import Any

from journeyman.tasks.detect.facts import Facts

_OF_EXTRA = re.compile(r"^(.*?)\s*;\s*(?:\(?(.*?)\)?\s+and\s+)?extra\s*==\s*['\"]([^'\"]+)['\"]\s*$")


def read_ini(facts: Facts, name: str) -> configparser.ConfigParser:
    """An ini file; an empty one where it is none, which is noted."""
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string(facts.text(name))
    except configparser.Error as error:
        facts.notes.append(f"{name} cannot be read ({str(error).splitlines()[0]}); it was passed over")
        return configparser.ConfigParser(interpolation=None)
    return ini


def read_setup_cfg(facts: Facts) -> None:
    ini = read_ini(facts, "setup.cfg")
    for key, name in (("name", "name"), ("version", "version"), ("licence", "license")):
        value = ini.get("metadata", name, fallback="").strip()
        if value.startswith(("attr:", "file:")):
            if value.startswith("attr:") and key == "version":
                facts.tell("version attribute", value[5:].strip(), "setup.cfg, [metadata] version")
            continue
        facts.tell(key, value, f"setup.cfg, [metadata] {name}")
    options = dict(ini["options"]) if ini.has_section("options") else {}
    facts.tell("python", options.get("python_requires", "").strip(), "setup.cfg, [options] python_requires")
    folders = dict(re.findall(r"^[ \t]*([\w.]*)[ \t]*=[ \t]*(\S+)", options.get("package_dir", ""), re.MULTILINE))
    facts.place(folders, "setup.cfg, [options] package_dir")
    facts.tell(
        "base", ini.get("options.packages.find", "where", fallback="").strip(), "setup.cfg, [options.packages.find]"
    )
    facts.need("runtime", options.get("install_requires", "").splitlines(), "setup.cfg, [options] install_requires")
    facts.need("test", options.get("tests_require", "").splitlines(), "setup.cfg, [options] tests_require")
    if ini.has_section("options.extras_require"):
        for name, lines in ini["options.extras_require"].items():
            facts.group(name, lines.splitlines(), f"setup.cfg, [options.extras_require] {name}")
    for group, lines in ini["options.entry_points"].items() if ini.has_section("options.entry_points") else ():
        facts.announce(group, lines)
    if ini.has_section("tool:pytest"):
        for key, value in ini["tool:pytest"].items():
            facts.settings.setdefault(key, value.strip())


def read_setup_py(facts: Facts) -> None:
    """The arguments of `setup(…)` that are written out, or are names and sums of what is."""
    tree = facts.module("setup.py")
    if tree is None:
        return
    known = literals(tree)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _called(call.func) == "setup":
            _arguments(facts, {word.arg: literal(word.value, known) for word in call.keywords if word.arg})


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def literals(tree: ast.Module | ast.FunctionDef, outer: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the names of a file, or of a function in it, stand for, as far as it is written out."""
    known = dict(outer or {})
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and isinstance(target, ast.Name):
            known[target.id] = literal(node.value, known)
    return known


def literal(node: ast.expr, known: dict[str, Any]) -> Any:
    """What an expression of literals and known names gives; None for all others."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [item for item in (literal(each, known) for each in node.elts) if item is not None]
    if isinstance(node, ast.Dict):
        pairs = (
            (literal(key, known), literal(value, known))
            for key, value in zip(node.keys, node.values, strict=True)
            if key
        )
        return {key: value for key, value in pairs if isinstance(key, str)}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = literal(node.left, known), literal(node.right, known)
        return left + right if type(left) is type(right) and isinstance(left, list | str) else left or right
    if isinstance(node, ast.Subscript) and isinstance(container := literal(node.value, known), dict):
        key = literal(node.slice, known)
        return container.get(key) if isinstance(key, str) else None
    return node.value if isinstance(node, ast.Constant) else None


def _arguments(facts: Facts, given: dict[str, Any]) -> None:
    for key, name in (("name", "name"), ("version", "version"), ("python", "python_requires"), ("licence", "license")):
        facts.tell(key, given.get(name) if isinstance(given.get(name), str) else "", f"setup.py, {name}")
    facts.place(given.get("package_dir"), "setup.py, package_dir")
    for kind, name in (("runtime", "install_requires"), ("test", "tests_require")):
        facts.need("runtime" if kind == "runtime" else "test", _lines(given.get(name)), f"setup.py, {name}")
    extras = given.get("extras_require")
    for name, lines in (extras if isinstance(extras, dict) else {}).items():
        facts.group(name, _lines(lines), f"setup.py, extras_require {name}")
    points = given.get("entry_points")
    for group, lines in points.items() if isinstance(points, dict) else ():
        facts.announce(group, lines)


def _lines(value: Any) -> list[Any]:
    return value.splitlines() if isinstance(value, str) else value if isinstance(value, list) else []


def read_pkg_info(facts: Facts) -> None:
    """What the authors' own build wrote into the archive."""
    if not (text := facts.text("PKG-INFO")):
        return
    said = email.parser.HeaderParser().parsestr(text)
    for key, name in (("name", "Name"), ("version", "Version"), ("python", "Requires-Python")):
        facts.tell(key, str(said.get(name) or ""), f"PKG-INFO, {name}")
    runtime, extras = [], dict[str, list[str]]()
    for line in map(str, said.get_all("Requires-Dist", [])):
        if match := _OF_EXTRA.match(line):
            extras.setdefault(match[3], []).append(f"{match[1]} ; {match[2]}" if match[2] else match[1])
        else:
            runtime.append(line)
    facts.need("runtime", runtime, "PKG-INFO, Requires-Dist")
    for name, lines in extras.items():
        facts.group(name, lines, f"PKG-INFO, Requires-Dist of the extra {name}")


def read_egg_info(facts: Facts) -> None:
    """The entry points that the authors' own build wrote."""
    for place in sorted((*facts.folder.glob("*.egg-info"), *facts.folder.glob("*/*.egg-info"))):
        name = (place / "entry_points.txt").relative_to(facts.folder).as_posix()
        ini = read_ini(facts, name)
        for group in ini.sections():
            facts.announce(group, dict(ini[group]))
