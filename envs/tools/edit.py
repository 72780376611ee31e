"""`edit`: replace lines by number, or a text where it stands (nearest to a line, if one is named)."""

from __future__ import annotations

from difflib import SequenceMatcher

from journeyman.envs.actions import Edit
from journeyman.envs.text import shorten
from journeyman.envs.tools.syntax import is_python, syntax_error
from journeyman.envs.tools.textfile import TextFile
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, workspace_path

MAX_SHOWN_LINES = 12
_MAX_COMPARED_LINES = 5000


class EditTool:
    mutates = True
    runs_code = False

    def apply(self, arguments: Edit, workspace: Workspace) -> ToolResult:
        path = workspace_path(arguments.path)
        file = workspace.read(path)
        if arguments.old is not None:
            changed, first, count = _replace_text(path, file, arguments.old, arguments.line, arguments.new)
        else:
            line = arguments.line or 1  # an action without both is malformed
            changed, first, count = _replace_lines(path, file, line, arguments.end, arguments.new)
        if changed == file:
            raise Refused("the edit changes nothing: the new text is what stands there already")
        workspace.write(path, encodable(changed))
        lines = [
            f"edited {path}:{first}",
            _around(changed, first, count, workspace.config.echo_lines),
            syntax_note(path, changed),
        ]
        return ToolResult("\n".join(line for line in lines if line))


def encodable(file: TextFile) -> TextFile:
    """The file itself.

    Raises:
        Refused: it holds half a surrogate pair, which no encoding can write.
    """
    try:
        file.encode()
    except UnicodeEncodeError as error:
        raise Refused("the new text holds a lone surrogate, which cannot be written as UTF-8") from error
    return file


def syntax_note(path: str, file: TextFile) -> str:
    """What the policy is told at once when a Python file's syntax is broken; else nothing. The change stands."""
    error = syntax_error(file.text) if is_python(path) else None
    if error is None:
        return ""
    line, what = error
    code = file.lines[line - 1].strip() if line <= len(file.lines) else ""
    return f"syntax error at line {line}: {what}: {shorten(code, 80)}"


def _replace_lines(path: str, file: TextFile, line: int, end: int | None, new: str) -> tuple[TextFile, int, int]:
    count = len(file.lines)
    last = end or line
    if last > count and not (line == count + 1 and end is None):
        raise Refused(f"{path} has {count} lines; there is no line {last}")
    text = new.replace("\r\n", "\n")
    put = tuple(text.removesuffix("\n").split("\n")) if text else ()
    lines = (*file.lines[: line - 1], *put, *file.lines[last:])
    return file.with_lines(lines), line, len(put)


def _replace_text(path: str, file: TextFile, old: str, near: int | None, new: str) -> tuple[TextFile, int, int]:
    text = file.text
    if file.crlf:  # its text is seen with plain line ends
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if not old:
        raise Refused("`old` is empty: give the text to replace, or a line number")
    places = _places(text, old)
    if not places:
        raise Refused(f"`old` does not stand in {path}{_near(file, old)}")
    first, place = _meant(path, places, near)
    changed = file.with_text(text[:place] + new + text[place + len(old) :])
    return changed, first, new.removesuffix("\n").count("\n") + 1 if new else 0


def _places(text: str, old: str) -> list[tuple[int, int]]:
    """Line and offset of each place where `old` stands."""
    places, line, seen, start = [], 1, 0, text.find(old)
    while start != -1:
        line += text.count("\n", seen, start)
        places.append((line, start))
        seen, start = start, text.find(old, start + 1)
    return places


def _meant(path: str, places: list[tuple[int, int]], near: int | None) -> tuple[int, int]:
    """The one place that there is, or the nearest to a line."""
    if near is None and len(places) > 1:
        lines = ", ".join(str(line) for line, _ in places[:10])
        raise Refused(f"`old` stands {len(places)} times in {path}, at lines {lines}: give more of it, or its `line`")
    distances = [abs(line - (near or line)) for line, _ in places]
    nearest = min(distances)
    if distances.count(nearest) > 1:
        raise Refused(f"`old` stands more than once just as near to line {near} of {path}: give more of it")
    return places[distances.index(nearest)]


def _near(file: TextFile, old: str) -> str:
    """The lines that look most like the first line of a text that was not found."""
    wanted = next((line.strip() for line in old.split("\n") if line.strip()), "")[:200]
    same = [n for n, line in enumerate(file.lines, 1) if wanted and line.strip() == wanted]
    if same:
        n = same[0]
        there = file.numbered(n, n + old.removesuffix("\n").count("\n"))
        return f"; its first line stands at line {n}, but the text differs:\n{there}"
    matcher = SequenceMatcher(autojunk=False, b=wanted)
    scored: list[tuple[float, int]] = []
    for n, line in enumerate(file.lines[:_MAX_COMPARED_LINES], 1):
        matcher.set_seq1(line.strip()[:200])
        if matcher.real_quick_ratio() > 0.6 and matcher.quick_ratio() > 0.6 and (ratio := matcher.ratio()) > 0.6:
            scored.append((-ratio, n))
    best = sorted(n for _, n in sorted(scored)[:2])
    return ("; the nearest:\n" + "\n".join(file.numbered(n, n) for n in best)) if best else ""


def _around(file: TextFile, first: int, count: int, context: int) -> str:
    """The changed lines with their new numbers and `context` lines around them; the middle of a long change is left
    out. Nothing for a context of 0."""
    if not context:
        return ""
    start, end = max(1, first - context), min(len(file.lines), first + count - 1 + context)
    if end - start < MAX_SHOWN_LINES:
        return file.numbered(start, end)
    half = MAX_SHOWN_LINES // 2
    left = end - start + 1 - 2 * half
    return f"{file.numbered(start, start + half - 1)}\n… {left} lines …\n{file.numbered(end - half + 1, end)}"
