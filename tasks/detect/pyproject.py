"""`pyproject.toml`: the standard tables, and those of Poetry, PDM, Hatch, setuptools, Flit and uv."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from journeyman.tasks.detect.facts import Facts

FILE = "pyproject.toml"
_EXTRA_OF = re.compile(r"^([A-Za-z0-9._-]+)\s*\[([^\]]*)\]\s*$")


def read_pyproject(facts: Facts) -> None:
    """Gather what the file says; a file that is no TOML is noted and passed over."""
    if not (text := facts.text(FILE)):
        return
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        facts.notes.append(f"{FILE} is not valid TOML ({error}); it was passed over")
        return
    tool = _table(data, "tool")
    facts.tell("build", _table(data, "build-system").get("build-backend"), f"{FILE}, [build-system]")
    _project(facts, _table(data, "project"))
    _groups(facts, _table(data, "dependency-groups"))
    _setuptools(facts, _table(tool, "setuptools"))
    _poetry(facts, _table(tool, "poetry"))
    _others(facts, tool)
    _pytest(facts, tool)


def _table(data: dict[str, Any], *names: str) -> dict[str, Any]:
    """A table below others; an empty one where there is none."""
    found: Any = data
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _project(facts: Facts, project: dict[str, Any]) -> None:
    where = f"{FILE}, [project]"
    for key, name in (("name", "name"), ("version", "version"), ("python", "requires-python")):
        facts.tell(key, project.get(name), f"{where} {name}")
    licence = project.get("license")
    facts.tell("licence", licence.get("text") if isinstance(licence, dict) else licence, f"{where} license")
    facts.need("runtime", project.get("dependencies", ()), f"{where} dependencies")
    facts.announce("console_scripts", _table(project, "scripts"))
    for group, points in _table(project, "entry-points").items():
        facts.announce(group, points)
    extras = _table(project, "optional-dependencies")
    for name in extras:
        lines = list(_with_extras(name, extras, str(project.get("name", "")), set()))
        facts.group(name, lines, f"{FILE}, [project.optional-dependencies] {name}")


def _with_extras(name: str, extras: dict[str, Any], own: str, seen: set[str]) -> Iterator[str]:
    """The lines of an extra; where one names the project's own extras ("mylib[test]"), theirs."""
    if name in seen:
        return
    seen.add(name)
    for line in extras.get(name, ()):
        match = _EXTRA_OF.match(line) if isinstance(line, str) else None
        if match and _plain(match[1]) == _plain(own):
            for other in match[2].split(","):
                yield from _with_extras(other.strip(), extras, own, seen)
        else:
            yield line


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _groups(facts: Facts, groups: dict[str, Any]) -> None:
    for name in groups:
        facts.group(name, list(_of_group(name, groups, set())), f"{FILE}, [dependency-groups] {name}")


def _of_group(name: str, groups: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """The lines of a dependency group, those of the groups that it includes in their place."""
    if name in seen:
        return
    seen.add(name)
    for line in groups.get(name, ()):
        if isinstance(line, dict):
            yield from _of_group(str(line.get("include-group", "")), groups, seen)
        elif isinstance(line, str):
            yield line


def _setuptools(facts: Facts, table: dict[str, Any]) -> None:
    where = f"{FILE}, [tool.setuptools]"
    facts.place(_table(table, "package-dir"), f"{where} package-dir")
    places = _table(table, "packages", "find").get("where")
    if isinstance(places, list) and len(places) == 1:
        facts.tell("base", places[0], f"{where} packages.find")
    version = _table(table, "dynamic", "version")
    facts.tell("version attribute", version.get("attr"), f"{where} dynamic.version")


def _poetry(facts: Facts, table: dict[str, Any]) -> None:
    where = f"{FILE}, [tool.poetry]"
    for key, name in (("name", "name"), ("version", "version"), ("licence", "license")):
        facts.tell(key, table.get(name), f"{where} {name}")
    for package in table.get("packages", ()):
        if isinstance(package, dict):
            facts.tell("base", package.get("from"), f"{where} packages")
    facts.announce("console_scripts", _table(table, "scripts"))
    for group, points in _table(table, "plugins").items():
        facts.announce(group, points)
    needs = _table(table, "dependencies")
    facts.tell("python", poetry_range(str(needs.get("python", ""))), f"{where} dependencies.python")
    facts.need("runtime", _poetry_lines(needs), f"{where} dependencies")
    facts.group("dev", _poetry_lines(_table(table, "dev-dependencies")), f"{FILE}, [tool.poetry.dev-dependencies]")
    for name, group in _table(table, "group").items():
        lines = _poetry_lines(_table(group, "dependencies"))
        facts.group(name, lines, f"{FILE}, [tool.poetry.group.{name}.dependencies]")


def _poetry_lines(needs: dict[str, Any]) -> list[str]:
    lines = []
    for name, wish in needs.items():
        wish = wish[0] if isinstance(wish, list) and wish else wish
        version = wish.get("version", "") if isinstance(wish, dict) else wish
        if name.lower() == "python" or (isinstance(wish, dict) and wish.get("optional")):
            continue
        if isinstance(wish, dict) and {"git", "path", "url"} & wish.keys():
            lines.append(f"{name} @ {wish.get('git') or wish.get('path') or wish.get('url')}")
            continue
        extras = f"[{','.join(wish['extras'])}]" if isinstance(wish, dict) and wish.get("extras") else ""
        marker = f" ; {wish['markers']}" if isinstance(wish, dict) and wish.get("markers") else ""
        lines.append(f"{name}{extras}{poetry_range(str(version))}{marker}")
    return lines


def poetry_range(wish: str) -> str:
    """A version constraint of Poetry ("^1.2", "~1.2", "1.*") as the packaging standard writes it."""
    parts = [_poetry_part(part.strip()) for part in wish.split("||")[-1].split(",")]
    return ",".join(part for part in parts if part)


def _poetry_part(part: str) -> str:
    if part in ("", "*"):
        return ""
    if part[0] not in "^~" or part.startswith("~="):
        return part if part[0] in "<>=!~" else f"=={part}"
    numbers = [int(number) for number in re.findall(r"\d+", part)]
    fixed = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1) if part[0] == "^" else 1
    fixed = min(fixed, len(numbers) - 1)
    upper = [*numbers[:fixed], numbers[fixed] + 1]
    return f">={part[1:].strip()},<{'.'.join(map(str, upper))}"


def _others(facts: Facts, tool: dict[str, Any]) -> None:
    for name, lines in _table(tool, "pdm", "dev-dependencies").items():
        facts.group(name, lines, f"{FILE}, [tool.pdm.dev-dependencies] {name}")
    facts.group("dev", _table(tool, "uv").get("dev-dependencies", ()), f"{FILE}, [tool.uv] dev-dependencies")
    for name, env in _table(tool, "hatch", "envs").items():
        lines = [*_table(env).get("dependencies", ()), *_table(env).get("extra-dependencies", ())]
        facts.group(name, lines, f"{FILE}, [tool.hatch.envs.{name}]")
        if name in ("test", "hatch-test", "default"):
            facts.variables.update({key: str(value) for key, value in _table(env, "env-vars").items()})
    packages = _table(tool, "hatch", "build", "targets", "wheel").get("packages", ())
    if packages and isinstance(packages[0], str) and "/" in packages[0]:
        facts.tell("base", packages[0].rpartition("/")[0], f"{FILE}, [tool.hatch.build.targets.wheel] packages")
    hatch_vcs = _table(tool, "hatch", "build", "hooks", "vcs").get("version-file")
    scm = _table(tool, "setuptools_scm")
    pdm = _table(tool, "pdm", "version").get("write_to")
    written = (hatch_vcs, scm.get("version_file"), scm.get("write_to"), pdm)
    facts.version_files += [place for place in written if isinstance(place, str)]
    path = _table(tool, "hatch", "version").get("path")
    facts.tell("version file", path, f"{FILE}, [tool.hatch.version] path")
    facts.tell("base", _table(tool, "pdm", "build").get("package-dir"), f"{FILE}, [tool.pdm.build] package-dir")


def _pytest(facts: Facts, tool: dict[str, Any]) -> None:
    for key, value in _table(tool, "pytest", "ini_options").items():
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        facts.settings.setdefault(key, text.lower() if isinstance(value, bool) else text)
