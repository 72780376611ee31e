"""`view`: a file's numbered lines (a definition, a window or the beginning), or a folder's entries."""

from __future__ import annotations

import re
from collections.abc import Mapping

from journeyman.envs.actions import View
from journeyman.envs.config import EnvConfig
from journeyman.envs.tools.scan import scan
from journeyman.envs.tools.syntax import Definition, definitions, is_python
from journeyman.envs.tools.textfile import TextFile
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, did_you_mean, workspace_path

MAX_ENTRIES = 60
"""Entries of a folder that are listed."""
_MAX_CANDIDATES = 200
_MAX_FILES = 4
"""Files in which a name is looked up."""


class ViewTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: View, workspace: Workspace) -> ToolResult:
        path = workspace_path(arguments.path)
        symbol = (arguments.symbol or "").strip()
        below = workspace.files_below(path)
        is_folder = path == "." or (bool(below) and path not in below)
        if is_folder and symbol:
            return ToolResult(_find(path, symbol, arguments.line, workspace))
        if is_folder:
            return ToolResult(listing(path, below))
        if symbol:
            return ToolResult(_in_file(path, symbol, arguments.line, workspace))
        return ToolResult(_window(path, workspace.read(path), arguments.line, workspace.config.window_lines))


def listing(folder: str, files: list[str]) -> str:
    """The entries of a folder, a line each; a folder ends in "/" and says how many files it holds."""
    prefix = "" if folder == "." else folder + "/"
    inside: dict[str, int] = {}
    for file in files:
        name, slash, _ = file[len(prefix) :].partition("/")
        inside[name + slash] = inside.get(name + slash, 0) + 1
    lines = [f"{name} ({count})" if name.endswith("/") else name for name, count in sorted(inside.items())]
    if len(lines) > MAX_ENTRIES:
        lines = [*lines[:MAX_ENTRIES], f"… {len(lines) - MAX_ENTRIES} more entries"]
    return "\n".join(lines) or "(empty)"


def _window(path: str, file: TextFile, line: int | None, size: int) -> str:
    count = len(file.lines)
    if not count:
        return f"{path} is empty"
    if line is not None and line > count:
        raise Refused(f"{path} has {count} lines; there is no line {line}")
    start = max(1, min((line or 1) - size // 2, count - size + 1))
    end = min(count, start + size - 1)
    whole = "" if (start, end) == (1, count) else f" of {count}"
    return f"{path}:{start}-{end}{whole}\n{file.numbered(start, end)}"


def _in_file(path: str, symbol: str, line: int | None, workspace: Workspace) -> str:
    """The definition in that file; where it is not there but elsewhere, it is shown from there."""
    try:
        return _definition(path, workspace.read(path), symbol, line, workspace.config)
    except Refused as refusal:
        try:
            elsewhere = _find(".", symbol, line, workspace)
        except Refused:
            raise refusal from None
        return f"not in {path}\n{elsewhere}"


def _definition(path: str, file: TextFile, symbol: str, line: int | None, config: EnvConfig) -> str:
    """One definition; of a long one the part around `line`, or else its beginning."""
    if not is_python(path):
        raise Refused(f"{path} is not Python: view it by line")
    known = definitions(file.text)
    found = _named(known, symbol)
    if not found:
        raise Refused(f"no {symbol} in {path}{did_you_mean(symbol, [d.name for d in known])}")
    chosen = next((d for d in found if line and d.start <= line <= d.end), found[0])
    ordered = (chosen, *(d for d in found if d is not chosen))
    shown, others = _fitting({str(d.start): _part(path, file, d, line, config) for d in ordered}, config.window_lines)
    return shown + (f"\nalso at line {', '.join(others[:5])}" if others else "")


def _fitting(parts: Mapping[str, str], most_lines: int) -> tuple[str, list[str]]:
    """The first of several texts, with the others as far as all of them fit, and the names of those left out."""
    first, *others = parts
    shown = [parts[first]]
    for key in list(others):
        if sum(text.count("\n") + 1 for text in (*shown, parts[key])) <= most_lines:
            shown.append(parts[key])
            others.remove(key)
    return "\n".join(shown), others


def _part(path: str, file: TextFile, found: Definition, line: int | None, config: EnvConfig) -> str:
    folded = _folded(found, line) if config.fold_docstrings else range(0)
    numbers = [n for n in range(found.start, found.end + 1) if n not in folded]
    if len(numbers) > config.window_lines:
        middle = numbers.index(line) if line in numbers else 0
        first = max(0, min(middle - config.window_lines // 2, len(numbers) - config.window_lines))
        numbers = numbers[first : first + config.window_lines]
    lines, expected = [f"{path}:{numbers[0]}-{numbers[-1]}"], found.start
    for n in [*numbers, found.end + 1]:
        if n > expected:
            what = "docstring" if n - 1 in folded and expected in folded else "left out"
            lines.append(f"… lines {expected}-{n - 1} {what}")
        if n <= found.end:
            lines.append(file.numbered(n, n))
        expected = n + 1
    return "\n".join(lines)


def _folded(found: Definition, line: int | None) -> range:
    """The lines of a long docstring after its first, unless one of them was asked for."""
    if found.docstring is None:
        return range(0)
    start, end = found.docstring
    asked = line is not None and start <= line <= end
    return range(start + 1, end + 1) if end - start >= 2 and not asked else range(0)


def _find(folder: str, symbol: str, line: int | None, workspace: Workspace) -> str:
    """The definition wherever it stands below a folder: source files before tests, then in path order."""
    last = symbol.rsplit(".", 1)[-1]
    if not last.isidentifier():
        raise Refused(f"{symbol} is no name of a function or class")
    pattern = rf"^\s*(?:async\s+def|def|class)\s+{re.escape(last)}\b"
    matches = scan(workspace, pattern, folder, limit=_MAX_CANDIDATES, suffix=".py")
    paths = sorted(dict.fromkeys(m.path for m in matches.shown), key=lambda p: (_is_test(p), p))
    texts: list[tuple[str, TextFile]] = []
    for path in paths:
        file = workspace.read(path)
        if _named(definitions(file.text), symbol):
            texts.append((path, file))
    if not texts:
        raise Refused(_nowhere(folder, symbol, last, workspace))
    parts = {path: _definition(path, file, symbol, line, workspace.config) for path, file in texts[:_MAX_FILES]}
    shown, others = _fitting(parts, workspace.config.window_lines)
    return shown + (f"\nalso in {', '.join(others)}" if others else "")


def _nowhere(folder: str, symbol: str, last: str, workspace: Workspace) -> str:
    """The nearest names, taken from definitions that share the beginning of the name."""
    pattern = rf"^\s*(?:async\s+def|def|class)\s+\w*(?:{re.escape(last[:3])}|{re.escape(last[-3:])})"
    near = scan(workspace, pattern, folder, limit=_MAX_CANDIDATES, suffix=".py").shown
    names = [re.split(r"\W+", match.text.strip().removeprefix("async "), maxsplit=2)[1] for match in near]
    return f"no definition of {symbol} in {folder}{did_you_mean(last, list(dict.fromkeys(names)))}"


def _named(known: list[Definition], symbol: str) -> list[Definition]:
    """Definitions of that dotted name; else those whose name ends with it, as `area` is in `Circle.area`."""
    exact = [d for d in known if d.name == symbol]
    return exact or [d for d in known if d.name.endswith("." + symbol)]


def _is_test(path: str) -> bool:
    parts = path.split("/")
    return parts[-1].startswith("test_") or parts[-1] == "conftest.py" or bool({"tests", "test"} & set(parts[:-1]))
