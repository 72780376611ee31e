"""Tool calls as one JSON object per turn: `{"tool": "edit", "path": "a.py", "line": 3, "new": "…"}`.

Models wrap that object in many ways (fences, prose, `<tool_call>`, `{"name": …, "arguments": …}`); the parser takes
the first complete call wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.observation import Observation

_MAX_STARTS = 64
"""How many opening braces are tried: each costs a scan, and hostile text is made of them."""
_DECODER = json.JSONDecoder(strict=False)  # raw newlines inside strings are a common slip, and unambiguous
_ARGUMENTS = sorted({name for call in TOOLS.values() for name in call.model_fields})
_FIRST_FIELD = re.compile(r'\{\s*"(tool)"\s*:')
_FIELD = re.compile(rf'[,{{]\s*"(tool|{"|".join(_ARGUMENTS)})"\s*:')
_ESCAPE_OR_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_EXAMPLES = {
    "plan": '{"tool": "plan", "subtasks": ["first part", {"title": "second part", "status": "done",'
    ' "evidence": "tests/test_mod.py::test_name"}]}',
    "view": '{"tool": "view", "path": "pkg/mod.py", "symbol": "name"}'
    ' or {"tool": "view", "path": "pkg/mod.py", "line": 120}',
    "search": '{"tool": "search", "pattern": "regex", "path": "."}',
    "outline": '{"tool": "outline", "path": "pkg/mod.py"}',
    "edit": '{"tool": "edit", "path": "pkg/mod.py", "line": 12, "old": "exact text", "new": "new text"}'
    ' or {"tool": "edit", "path": "pkg/mod.py", "line": 12, "end": 13, "new": "    new lines"}',
    "write": '{"tool": "write", "path": "pkg/new.py", "content": "all of it"}',
    "run": '{"tool": "run", "command": "ls -l"}',
    "test": '{"tool": "test"} or {"tool": "test", "target": "tests/test_mod.py::test_name"}',
    "report": '{"tool": "report", "summary": "what I did", "claims": [{"kind": "tests_pass", "subject": "tests"}]}',
}
_SHOTS = (
    (
        "`area` gives a wrong result.\ntests/test_shapes.py::test_area fails:\n"
        "    assert area(2, 3) == 6\n    assert 5 == 6",
        '{"tool": "view", "path": ".", "symbol": "area"}',
    ),
    (
        "shapes/plane.py:8-9\n8|def area(width, height):\n9|    return width + height",
        '{"tool": "edit", "path": "shapes/plane.py", "line": 9, "old": "    return width + height",'
        ' "new": "    return width * height"}',
    ),
    ("edited shapes/plane.py:9", '{"tool": "test"}'),
    (
        "1 passed",
        '{"tool": "report", "summary": "area multiplies width and height.", "claims": [{"kind": "tests_pass"}]}',
    ),
    (
        "`last_order` raises IndexError.\ntests/test_shop.py::test_last_order fails:\n"
        "    assert shop.last_order() == 'no. 7'\n    IndexError: list index out of range\n"
        "    in shop/orders.py, last_order",
        '{"tool": "view", "path": "shop/orders.py", "symbol": "last_order"}',
    ),
    (
        "shop/orders.py:31-33\n31|    def last_order(self):\n32|        count = len(self.orders)\n"
        '33|        return f"no. {self.orders[count]}"',
        r'{"tool": "edit", "path": "shop/orders.py", "line": 33, "old": "        return f\"no. {self.orders[count]}\"",'
        r' "new": "        return f\"no. {self.orders[count - 1]}\""}',
    ),
    ("edited shop/orders.py:33", '{"tool": "test"}'),
    (
        "1 passed",
        '{"tool": "report", "summary": "last_order takes the last one.", "claims": [{"kind": "tests_pass"}]}',
    ),
)
"""Conversations that went before: small models do what they are shown rather than what they are told. Without them, one
of half a billion parameters reports the problem at once; after one alone, it edits what it has not seen."""


class JsonDialect:
    """One JSON object per turn."""

    name = "json"
    shots: tuple[tuple[str, str], ...] = _SHOTS

    def system(self) -> str:
        tools = "\n".join(f"- {tool}: {(TOOLS[tool].__doc__ or '').strip()}\n  {_EXAMPLES[tool]}" for tool in TOOLS)
        return (
            "You solve a problem in a repository by calling tools, one call per turn. Answer each message with exactly"
            " one JSON object and nothing else; the next message shows what the call did. Find the cause, edit the"
            " code, run the tests, and end with `report` when they pass.\n"
            f"Tools:\n{tools}"
        )

    def render(self, observation: Observation) -> str:
        return observation.text

    def parse(self, text: str) -> Action:
        """Read the first complete call. See `Dialect.parse`."""
        found: Mapping[str, Any] | None = None
        # What a reasoning model considers on the way is not what it calls.
        answer = text.partition("</think>")[2] if text.lstrip().startswith("<think>") else text
        for found in _objects(answer):
            if call := _as_call(found):
                return Action.checked(call[0], call[1], text)
        if found is not None:
            return Action.malformed(text, 'the JSON object names no tool; a call is {"tool": NAME, …arguments}')
        hint = "the JSON object is not complete or not valid" if "{" in text else "there is no JSON object"
        return Action.malformed(text, f'{hint}; a call is {{"tool": NAME, …arguments}}')

    def format(self, action: Action) -> str:
        if action.tool == MALFORMED:
            return action.text
        return json.dumps({"tool": action.tool, **_given(action.arguments)}, ensure_ascii=False)


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in a text, from left to right; what stands inside one is not offered again."""
    start = text.find("{")
    for _ in range(_MAX_STARTS):
        if start < 0:
            return
        value, end = _decode(text, start)
        if value is not None:
            yield value
        start = text.find("{", end)


def _decode(text: str, start: int) -> tuple[Mapping[str, Any] | None, int]:
    """The object that begins at `start` and where it ends; `None` and the next place to look when there is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        return value, end
    except (ValueError, RecursionError):
        pass
    try:  # a trailing comma is the one slip that leaves no doubt
        repaired = _STRING_OR_TRAILING_COMMA.sub(lambda match: match.group(1) or "", text[start:])
        value, length = _DECODER.raw_decode(repaired)
    except (ValueError, RecursionError):
        return _with_bare_quotes(text, start)
    # Behind a repaired object the offsets differ; nothing there is looked at when this one is a call, as it mostly is.
    return value, start + length


def _with_bare_quotes(text: str, start: int) -> tuple[Mapping[str, Any] | None, int]:
    """A call whose strings hold quotes without a backslash, as code often does: `"new": "    return f"{x}""`.

    A string then ends where the next argument begins, or at the last closing brace.
    """
    fields: dict[str, Any] = {}
    mark = _FIRST_FIELD.match(text, start)
    while mark and mark.group(1) not in fields:
        following = _FIELD.search(text, mark.end())
        end = following.start() if following else len(text)
        if following is None or following.group(1) in (*fields, mark.group(1)):
            following, end = None, max(text.rfind("}", mark.end(), end), mark.end())
        raw = text[mark.end() : end].strip()
        if len(raw) > 1 and raw[0] == raw[-1] == '"':
            raw = f'"{_ESCAPE_OR_QUOTE.sub(_escaped, raw[1:-1])}"'
        try:
            fields[mark.group(1)] = json.loads(raw, strict=False)
        except (ValueError, RecursionError):
            return None, start + 1
        mark, start = following, end
    return fields or None, start + 1


def _escaped(match: re.Match[str]) -> str:
    return '\\"' if match.group() == '"' else match.group()


def _as_call(data: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Tool and arguments of an object in any of the shapes that models use."""
    for wrapper in ("function", "tool_call", "function_call"):
        if isinstance(data.get(wrapper), dict):
            data = data[wrapper]
    tool = data.get("tool", data.get("name"))
    if not isinstance(tool, str):
        return None
    for key in ("arguments", "parameters"):
        if key in data:
            nested = data[key]
            if isinstance(nested, str):
                nested, _ = _decode(nested, len(nested) - len(nested.lstrip()))
            if isinstance(nested, dict):
                return tool, _given(nested)
    return tool, _given({key: value for key, value in data.items() if key not in ("tool", "name")})


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Without the nulls that stand for "not given"."""
    return {key: value for key, value in arguments.items() if value is not None}
