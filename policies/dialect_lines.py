"""Tool calls as lines: the tool and its arguments on the first one, a body verbatim below.

    view pkg/mod.py ordinalize        edit pkg/mod.py:142-145        replace pkg/mod.py       plan
    view pkg/mod.py:120               <new lines>                    <old text>               - first part
    search def ordinal                                               =====                    - [x] second part
    outline pkg/mod.py                write pkg/new.py               <new text>               - [x] third <- step 7
    run python -m pkg                 <all of it>
    test tests/test_mod.py::test_it                                                           report Fixed the suffix.
                                                                                              tests_pass: tests

A model of a hundred million parameters has no tokens to spare for quotes and braces, and code written as it stands in
a file is what it has seen most. Only what would be ambiguous is quoted, as a JSON string: a path with a space or a
colon, a pattern that begins with a quote, a title of two lines. Where the old text of `replace` holds a line `=====`,
a longer separator is named after the path; `replace pkg/mod.py:12` means the place nearest to that line.

What shows that a part of the plan is done stands behind an arrow: `- [x] second part <- tests/test_x.py::test_y`. It is
a test or a path, `step 7`, or quoted; so a title may hold an arrow. How sure the policy is stands in the mark, as in
`- [x 0.8] second part`, and `- [0.8] second part` of one that is open.
"""

from __future__ import annotations

import json
import re
from typing import Any

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.observation import Observation

_SYSTEM = """Fix the code. One call per turn:
view file name
view file:line
edit file:from-to, new lines below
replace file, old, =====, new below
write file, text below
search regex
outline file
run command
test id
plan, - parts below
report text"""
_CALLS = (*TOOLS, "replace")
HAS_BODY = frozenset({"edit", "replace", "write", "plan", "report"})
"""Calls below whose first line more may follow."""
_SEPARATOR = "====="
_PLAIN_PATH = re.compile(r'[^\s":\\,]+')
_ANCHOR = re.compile(r":(\d{1,9})(?:-(\d{1,9}))?")
_SURE = r"0\.\d{1,20}|1\.0{1,20}|\d(?:\.\d{1,20})?e-\d{1,3}"
"""A confidence as it is written: with a point, since `[1]` more likely numbers something."""
_SUBTASK = re.compile(
    rf"\s*(?:[-*]|\d{{1,3}}[.)])?\s*(?:\[(?:([ xX-])|({_SURE})|([xX-]) ({_SURE}))\])?\s*(.*)", re.DOTALL
)
_SHOWN_BY = " <- "
_EVIDENCE = re.compile(r"step \d{1,9}|[^\s\"]*(?:::|/|\.\w)[^\s\"]*")
"""What stands unquoted behind the arrow. Other words may be part of a title: "x <- y"."""
_MAX_ARROWS = 100
"""How many are tried: more than the longest evidence can hold."""
_LONGEST = 300
"""Characters that evidence may have."""
_CLAIM = re.compile(r"(tests_pass|tests_run|changed|fixed|not_done|blocked)(?::(.*))?", re.DOTALL)
_STATUS = {"x": "done", "X": "done", "-": "dropped"}
_MARK = {"done": "x", "dropped": "-", "open": ""}


class _UnreadableError(ValueError):
    """The first line does not fit its tool; the message is for the model."""


class LinesDialect:
    """A first line `tool arguments`, a body below."""

    name = "lines"
    shots: tuple[tuple[str, str], ...] = ()  # its models are taught, and have no tokens to spare

    def system(self) -> str:
        return _SYSTEM

    def render(self, observation: Observation) -> str:
        return observation.text

    def parse(self, text: str) -> Action:
        """Read the first line that begins with a tool, and what is below it. See `Dialect.parse`."""
        call = _find_call(text)
        if call is None:
            return Action.malformed(text, f"the first line must begin with one of: {', '.join(_CALLS)}")
        tool, rest, body = call
        try:
            arguments = _read(tool, rest, body)
        except _UnreadableError as error:
            return Action.malformed(text, f"{tool}: {error}")
        return Action.checked("edit" if tool == "replace" else tool, arguments, text)

    def format(self, action: Action) -> str:
        if action.tool == MALFORMED:
            return action.text
        return _write(action.tool, action.parsed())


def _find_call(text: str) -> tuple[str, str, str] | None:
    """Tool, the rest of its line, and the body; prose and a code fence around them are tolerated."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        word, rest = _word(line)
        # The first written line may be capitalised; further down that is more likely prose.
        if not any(map(str.strip, lines[:index])):
            word = word.lower()
        if word in _CALLS:
            body = lines[index + 1 :]
            if index and lines[index - 1].lstrip().startswith("```"):
                fences = [at for at, below in enumerate(body) if below.strip() == "```"]
                body = body[: fences[-1]] if fences else body
            return word, rest, "\n".join(body)
    return None


def _word(line: str) -> tuple[str, str]:
    """The first word, and what follows the one blank behind it."""
    match = re.match(r"\s*(\S*)\s?(.*)", line, re.DOTALL)
    assert match is not None  # the pattern matches any text
    return match.group(1), match.group(2)


def _read(tool: str, rest: str, body: str) -> dict[str, Any]:
    if tool in ("view", "outline", "edit", "replace", "write"):
        return _read_path_call(tool, rest, body)
    if tool == "search":
        return _read_search(rest)
    if tool == "run":
        return {"command": f"{rest}\n{body}".strip() if rest.strip() else body}
    if tool == "test":
        return {"target": _unquoted(rest)} if rest.strip() else {}
    if tool == "plan":
        lines = [line for line in [rest, *body.split("\n")] if line.strip()]
        return {"subtasks": [_read_subtask(line) for line in lines]}
    return _read_report(rest, body)


def _read_path_call(tool: str, rest: str, body: str) -> dict[str, Any]:
    path, line, end, after = _read_path(rest)
    if tool == "view":
        arguments: dict[str, Any] = {} if path is None else {"path": path}
        arguments |= {"line": line} if line is not None else {}
        return arguments | ({"symbol": _unquoted(after)} if after else {})
    if path is None:
        raise _UnreadableError("a path must follow on the same line")
    if tool == "outline":
        return {"path": path}
    if tool == "write":
        return {"path": path, "content": body}
    if tool == "replace":
        separator = after if re.fullmatch(f"{_SEPARATOR}=*", after) else _SEPARATOR
        old, found, new = body.partition(f"\n{separator}\n")
        if not found:
            if not body.endswith(f"\n{separator}"):
                raise _UnreadableError(f"the old text, a line {separator}, and the new text must follow below")
            old, new = body.removesuffix(f"\n{separator}"), ""
        return {"path": path, "old": old, "new": new} | ({} if line is None else {"line": line})
    if line is None:
        raise _UnreadableError("a line number must follow the path, as in edit pkg/mod.py:12 or pkg/mod.py:12-14")
    return {"path": path, "line": line, "new": body} | ({} if end is None else {"end": end})


def _read_path(rest: str) -> tuple[str | None, int | None, int | None, str]:
    """Path, line, end of lines, and what is left of the line."""
    rest = rest.strip()
    if not rest:
        return None, None, None, ""
    if quoted := _quoted(rest):
        path, tail = quoted
        anchor, _, after = tail.partition(" ")
        if anchor and not _ANCHOR.fullmatch(anchor):
            raise _UnreadableError(f"after the quoted path only :LINE or :LINE-END may stand, not {anchor[:40]!r}")
    else:
        word, after = _word(rest)
        word = word.rstrip(",")
        match = re.fullmatch(rf"(.+?)({_ANCHOR.pattern})?", word, re.DOTALL)
        path, anchor = (match.group(1), match.group(2) or "") if match else (word, "")
    numbers = _ANCHOR.fullmatch(anchor)
    line = int(numbers.group(1)) if numbers else None
    end = int(numbers.group(2)) if numbers and numbers.group(2) else None
    return path, line, end, after.strip()


def _read_search(rest: str) -> dict[str, Any]:
    rest = rest.strip()
    quoted = _quoted(rest)
    if quoted and (not quoted[1] or quoted[1].startswith(" ")):
        path, _, _, more = _read_path(quoted[1])
        if not more:
            return {"pattern": quoted[0]} | ({} if path is None else {"path": path})
    return {"pattern": rest}


def _read_subtask(line: str) -> dict[str, Any]:
    match = _SUBTASK.fullmatch(line)
    assert match is not None  # the pattern matches any text
    mark, sure = match.group(1) or match.group(3) or "", match.group(2) or match.group(4)
    title, evidence = _read_evidence(match.group(5).strip())
    subtask: dict[str, Any] = {"title": _unquoted(title), "status": _STATUS.get(mark, "open")}
    subtask |= {} if evidence is None else {"evidence": evidence}
    return subtask | ({} if sure is None else {"confidence": float(sure)})


def _read_evidence(text: str) -> tuple[str, str | None]:
    """A title, quoted or not, and the evidence behind it, where there is any."""
    if quoted := _quoted(text):
        after = quoted[1]
        if after.startswith(_SHOWN_BY) and (evidence := _as_evidence(after[len(_SHOWN_BY) :])) is not None:
            return text[: len(text) - len(after)], evidence
        return text, None
    title = text
    for _ in range(_MAX_ARROWS):  # quoted evidence may hold an arrow too
        title, arrow, _ = title.rpartition(_SHOWN_BY)
        if title.strip() and (evidence := _as_evidence(text[len(title) + len(arrow) :])) is not None:
            return title, evidence
    return text, None


def _as_evidence(text: str) -> str | None:
    if len(text) <= _LONGEST and _EVIDENCE.fullmatch(text):
        return text
    quoted = _quoted(text)
    return quoted[0] if quoted and not quoted[1].strip() else None


def _read_report(rest: str, body: str) -> dict[str, Any]:
    summary, claims = [rest] if rest.strip() else [], []
    for line in body.split("\n"):
        if claim := _CLAIM.fullmatch(line.strip()):
            claims.append({"kind": claim.group(1), "subject": _unquoted(claim.group(2) or "")})
        elif line.strip():
            summary.append(line)
    return {"summary": _unquoted("\n".join(summary))} | ({"claims": claims} if claims else {})


def _write(tool: str, call: Any) -> str:
    if tool == "view":
        at = f":{call.line}" if call.line is not None else ""
        return f"view {_path(call.path)}{at}" + (f" {_inline(call.symbol)}" if call.symbol is not None else "")
    if tool == "search":
        return (
            f"search {_inline(call.pattern)}"
            if call.path == "."
            else f"search {json.dumps(call.pattern)} {_path(call.path)}"
        )
    if tool == "outline":
        return f"outline {_path(call.path)}"
    if tool == "edit":
        return _write_edit(call)
    if tool == "write":
        return _below(f"write {_path(call.path)}", call.content)
    if tool == "run":
        return f"run {call.command}" if call.command == call.command.strip() else f"run\n{call.command}"
    if tool == "test":
        return "test" if call.target is None else f"test {_inline(call.target)}"
    if tool == "plan":
        return "\n".join(["plan", *map(_write_subtask, call.subtasks)])
    summary = f"report {_inline(call.summary)}" if call.summary else "report"
    return "\n".join([summary, *(f"{c.kind}: {_inline(c.subject)}" if c.subject else c.kind for c in call.claims)])


def _write_subtask(subtask: Any) -> str:
    sure = "" if subtask.confidence is None else repr(subtask.confidence)
    mark = f"{_MARK[subtask.status]} {sure}".strip()
    title = _title(subtask.title)
    if subtask.evidence is None:
        plain = title.startswith('"') or _read_evidence(title)[1] is None
        shown = title if plain else json.dumps(subtask.title)
    else:
        title = json.dumps(subtask.title) if _SHOWN_BY.strip() in title and not title.startswith('"') else title
        evidence = subtask.evidence if _EVIDENCE.fullmatch(subtask.evidence) else json.dumps(subtask.evidence)
        shown = f"{title}{_SHOWN_BY}{evidence}"
    return f"- [{mark}] {shown}" if mark else f"- {shown}"


def _write_edit(call: Any) -> str:
    if call.old is None:
        lines = f"{call.line}" if call.end is None else f"{call.line}-{call.end}"
        return _below(f"edit {_path(call.path)}:{lines}", call.new)
    separator = _SEPARATOR
    while f"\n{separator}\n" in f"\n{call.old}\n":
        separator += "="
    named = "" if separator == _SEPARATOR else f" {separator}"
    at = "" if call.line is None else f":{call.line}"
    return _below(f"replace {_path(call.path)}{at}{named}\n{call.old}\n{separator}", call.new)


def _below(head: str, body: str) -> str:
    return f"{head}\n{body}" if body else head


def _path(path: str) -> str:
    return path if _PLAIN_PATH.fullmatch(path) else json.dumps(path)


def _inline(text: str) -> str:
    """The rest of a line: as it is where it can be read back so, else as a JSON string."""
    plain = text and text == text.strip() and "\n" not in text and not text.startswith('"')
    return text if plain else json.dumps(text)


def _title(text: str) -> str:
    # What looks like a bullet or a mark would be taken for one.
    match = _SUBTASK.fullmatch(text)
    return _inline(text) if match and match.group(5) == text else json.dumps(text)


def _quoted(text: str) -> tuple[str, str] | None:
    """The JSON string that a text begins with, and what follows it."""
    if not text.startswith('"'):
        return None
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text)
    except ValueError:
        return None
    return value, text[end:]


def _unquoted(text: str) -> str:
    """A JSON string's value when all of the text is one, else the text without blanks at its ends."""
    text = text.strip()
    quoted = _quoted(text)
    return quoted[0] if quoted and not quoted[1].strip() else text
