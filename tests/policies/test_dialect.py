"""A demonstration written in a dialect is read back as the same call, and no text makes a parser raise."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import DIALECTS, Dialect, dialect

# Text that has broken parsers: separators, quotes, bullets, claims, fences, odd blanks, other scripts.
_HOSTILE = st.sampled_from(
    ['"', "=====", "\n=====\n", "======", "- x", "[x] y", "1. z", "tests_pass: t", "```", "a b", "a:3", "a:3-4", "\\",
     " ", "\r\n", "\r", "\u2028", "\x1c", "\x0b", "\x00", "é", "日本", "🙂", "view a.py", "report\n", "</tool_call>",
     ",", '{"tool": "test"}', " <- ", "<-", "a.py", '"b c"', "[0.5] ", "[x 0.5] ", "step 7"]
)  # fmt: skip
_ANY = st.one_of(st.text(max_size=20), st.lists(st.one_of(_HOSTILE, st.text(max_size=5)), max_size=6).map("".join))
_SOME = _ANY.filter(bool)
_LINE = st.integers(1, 10**6)


def _optional(**strategies: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({}, optional=strategies)


@st.composite
def _calls(draw: st.DrawFn) -> Action:
    """Any valid call of any tool."""
    line = draw(_LINE)
    tool, arguments = draw(
        st.one_of(
            st.tuples(
                st.just("plan"), st.fixed_dictionaries({"subtasks": st.lists(_subtasks(), min_size=1, max_size=4)})
            ),
            st.tuples(st.just("view"), _optional(path=_ANY, symbol=_ANY, line=_LINE)),
            st.tuples(st.just("search"), st.builds(dict, _optional(path=_ANY), pattern=_SOME)),
            st.tuples(st.just("outline"), st.fixed_dictionaries({"path": _ANY})),
            st.tuples(st.just("edit"), st.builds(dict, _optional(line=_LINE), path=_ANY, old=_ANY, new=_ANY)),
            st.tuples(
                st.just("edit"),
                st.builds(
                    dict,
                    _optional(end=st.integers(line, line + 50)),
                    path=_ANY,
                    line=st.just(line),
                    new=_ANY,
                ),
            ),
            st.tuples(st.just("write"), st.fixed_dictionaries({"path": _ANY, "content": _ANY})),
            st.tuples(st.just("run"), st.fixed_dictionaries({"command": _SOME})),
            st.tuples(st.just("test"), _optional(target=_ANY)),
            st.tuples(st.just("report"), _optional(summary=_ANY, claims=st.lists(_claims(), max_size=3))),
        )
    )
    action = Action.checked(tool, arguments)
    assert action.tool == tool
    return action


def _subtasks() -> st.SearchStrategy[dict[str, object]]:
    said = _optional(
        status=st.sampled_from(["open", "done", "dropped"]),
        evidence=st.one_of(st.none(), _ANY, st.sampled_from(["tests/t.py::t[a b]", "a/b.py", "step 7", "a <- b.py"])),
        confidence=st.one_of(st.none(), st.floats(0, 1)),
    )
    return st.builds(dict, said, title=_SOME)


def _claims() -> st.SearchStrategy[dict[str, object]]:
    kinds = ["tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked"]
    return st.builds(dict, _optional(subject=_ANY), kind=st.sampled_from(kinds))


@pytest.mark.parametrize("name", DIALECTS)
@given(action=_calls())
def test_what_is_formatted_is_read_back(name: str, action: Action) -> None:
    spoken = dialect(name)
    text = spoken.format(action)
    back = spoken.parse(text)
    assert back.tool == action.tool, back.arguments
    assert back.parsed() == action.parsed()
    assert back.text == text


@pytest.mark.parametrize("name", DIALECTS)
@given(text=st.one_of(st.text(), _ANY, _calls().map(Action.to_json), _calls().map(dialect("lines").format)))
@example(text="")
@example(text='{"tool": "view", "line": ' + "1" * 5000 + "}")
@example(text="view a.py:" + "1" * 5000)
@example(text='{"arguments": "{", "tool": "test"}')
def test_no_text_makes_a_parser_raise(name: str, text: str) -> None:
    action = dialect(name).parse(text)
    assert action.tool in TOOLS or (action.tool == MALFORMED and action.arguments["why"])
    assert action.text == text
    json.loads(action.to_json())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 40_000,
        "{" * 200_000,
        '{"tool": "' + "{" * 100_000,
        '{"tool": ' * 40_000,
        '"' * 100_000,
        "view\n" * 40_000,
        "plan\n- a" + " <- b" * 40_000,
        "plan\n- a <- " + "b/" * 40_000 + " c",
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_hostile_text_is_read_in_no_time(name: str, text: str) -> None:
    started = time.process_time()
    dialect(name).parse(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "view", "path": "a.py", "symbol": "f"}',
        'I will look.\n```json\n{"tool": "view", "path": "a.py", "symbol": "f"}\n```\nThen I edit {something}.',
        '<tool_call>\n{"name": "view", "arguments": {"path": "a.py", "symbol": "f"}}\n</tool_call>',
        '{"name": "view", "arguments": "{\\"path\\": \\"a.py\\", \\"symbol\\": \\"f\\"}"}',
        '{"function": {"name": "view", "parameters": {"path": "a.py", "symbol": "f"}}}',
        '{"tool": "view", "path": "a.py", "symbol": "f", "line": null,}',
        'a set {1, 2}, then {"tool": "view", "path": "a.py", "symbol": "f"} and {"tool": "test"}',
    ],
)
def test_json_calls_are_read_in_every_wrapping(text: str) -> None:
    action = dialect("json").parse(text)
    assert (action.tool, action.arguments) == ("view", {"path": "a.py", "symbol": "f"})


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ('{"tool": "edit", "path": "a.py", "line": 3, "new": "return f"{a}""}', 'return f"{a}"'),
        ('```\n{"tool": "edit", "path": "a.py", "line": 3, "new": "say("a\\n", \\"b\\")"}\n```', 'say("a\n", "b")'),
        ('{"tool": "edit", "path": "a.py", "line": 3, "new": "f("a")"}, {"tool": "test"}', 'f("a")'),
        ('{"tool": "edit", "new": "{"a": "}"}", "path": "a.py", "line": 3}', '{"a": "}"}'),
    ],
)
def test_quotes_in_code_that_were_not_escaped_are_understood(text: str, new: str) -> None:
    action = dialect("json").parse(text)
    assert (action.tool, action.arguments) == ("edit", {"path": "a.py", "line": 3, "new": new})


def test_a_json_string_may_hold_raw_newlines_and_what_looks_like_a_trailing_comma() -> None:
    action = dialect("json").parse('{"tool": "write", "path": "a.py", "content": "x = [1,]\n",}')
    assert action.arguments["content"] == "x = [1,]\n"


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("view . ordinalize", "view", {"path": ".", "symbol": "ordinalize"}),
        ("view", "view", {}),
        ("view pkg/mod.py:120", "view", {"path": "pkg/mod.py", "line": 120}),
        ("search def f(a, b):", "search", {"pattern": "def f(a, b):"}),
        ('search "a b" pkg', "search", {"pattern": "a b", "path": "pkg"}),
        ('search "a" + "b"', "search", {"pattern": '"a" + "b"'}),
        ("edit m.py:14\n    return 1", "edit", {"path": "m.py", "line": 14, "new": "    return 1"}),
        ("edit m.py:14-16", "edit", {"path": "m.py", "line": 14, "end": 16, "new": ""}),
        ('edit "my file.py":14\nx', "edit", {"path": "my file.py", "line": 14, "new": "x"}),
        ("replace m.py\na\n=====\nb\n", "edit", {"path": "m.py", "old": "a", "new": "b\n"}),
        ("replace m.py ======\n=====\n======\nb", "edit", {"path": "m.py", "old": "=====", "new": "b"}),
        ("write m.py\n\nx = 1\n", "write", {"path": "m.py", "content": "\nx = 1\n"}),
        ("run cat <<E\nx\nE", "run", {"command": "cat <<E\nx\nE"}),
        ("test", "test", {}),
        ("test tests/t.py::t[a b]", "test", {"target": "tests/t.py::t[a b]"}),
        ("report Done.\ntests_pass: tests\nchanged: m.py", "report",
         {"summary": "Done.",
          "claims": [{"kind": "tests_pass", "subject": "tests"}, {"kind": "changed", "subject": "m.py"}]}),
        ("Here it is:\n```\nedit m.py:3\n  x\n```\nHope it helps", "edit", {"path": "m.py", "line": 3, "new": "  x"}),
        ("\n\nView m.py f", "view", {"path": "m.py", "symbol": "f"}),
    ],
)  # fmt: skip
def test_lines_calls(text: str, tool: str, arguments: dict[str, object]) -> None:
    action = dialect("lines").parse(text)
    assert (action.tool, action.arguments) == (tool, arguments)


def test_a_plan_in_lines_keeps_what_is_done() -> None:
    plan = dialect("lines").parse("plan\n- read\n- [x] mend\n- [-] rest\n2. check").parsed()
    assert [(s.title, s.status) for s in plan.subtasks] == [
        ("read", "open"), ("mend", "done"), ("rest", "dropped"), ("check", "open"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("- [x] mend <- tests/t.py::test_a", ("mend", "done", "tests/t.py::test_a", None)),
        ("- [x] mend <- step 7", ("mend", "done", "step 7", None)),
        ('- [x 0.9] mend <- "what I saw"', ("mend", "done", "what I saw", 0.9)),
        ("- [0.25] mend", ("mend", "open", None, 0.25)),
        ("- [- 1.0] mend <- a.py", ("mend", "dropped", "a.py", 1.0)),
        ('- [x] "a <- b.py" <- c.py', ("a <- b.py", "done", "c.py", None)),
        ("- [x] say <- <- a.py", ("say <-", "done", "a.py", None)),
        # As before: what neither names a test, a path or a step, nor is quoted, belongs to the title.
        ("- [x] x <- y", ("x <- y", "done", None, None)),
        ("- x = 3", ("x = 3", "open", None, None)),
        ("- [1] first", ("[1] first", "open", None, None)),
        ("- [] first", ("[] first", "open", None, None)),
        ("- <- a.py", ("<- a.py", "open", None, None)),
        ('- "a" b', ('"a" b', "open", None, None)),
    ],
)
def test_a_part_of_a_plan_may_say_what_shows_it_and_how_sure_that_is(text: str, read: tuple[object, ...]) -> None:
    (part,) = dialect("lines").parse(f"plan\n{text}").parsed().subtasks
    assert (part.title, part.status, part.evidence, part.confidence) == read


def test_a_plan_without_evidence_is_written_as_ever() -> None:
    plan = {"subtasks": [{"title": "read x <- y"}, {"title": "mend", "status": "done"}, {"title": "-"}]}
    assert dialect("lines").format(Action("plan", plan)) == 'plan\n- read x <- y\n- [x] mend\n- "-"'
    told = {"subtasks": [{"title": "mend", "status": "done", "evidence": "tests/t.py::test_a", "confidence": 0.9}]}
    assert dialect("lines").format(Action("plan", told)) == "plan\n- [x 0.9] mend <- tests/t.py::test_a"


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("json", "I am not sure.", "no JSON object"),
        ("json", '{"tool": "view", "path": ', "not complete"),
        ("json", '{"path": "a.py"}', "names no tool"),
        ("json", '{"tool": "fly"}', "no tool 'fly'"),
        ("lines", "I am not sure.", "first line must begin"),
        ("lines", "edit m.py\nx", "line number"),
        ("lines", "outline", "path must follow"),
        ("lines", "replace m.py\na", "====="),
        ("lines", "edit m.py:5-2\nx", "must not be smaller"),
        ("lines", "search ", "pattern"),
        ("json", '{"tool": "plan", "subtasks": [{"title": "a", "confidence": 1.5}]}', "confidence"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, text: str, hint: str) -> None:
    action = dialect(name).parse(text)
    assert action.tool == MALFORMED
    assert hint in action.arguments["why"]


@pytest.mark.parametrize("spoken", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_shows_every_tool_and_what_was_observed(spoken: Dialect) -> None:
    assert all(tool in spoken.system() for tool in TOOLS)
    assert spoken.render(Observation("1 failed", tool="test")) == "1 failed"


@pytest.mark.parametrize("spoken", DIALECTS.values(), ids=DIALECTS)
def test_what_a_dialect_shows_is_what_it_understands(spoken: Dialect) -> None:
    for _, answer in spoken.shots:
        action = spoken.parse(answer)
        assert action.tool in TOOLS
        assert spoken.format(action) == answer


def test_the_system_prompt_of_lines_is_short() -> None:
    assert len(dialect("lines").system()) <= 240  # about 70 tokens of a small model's vocabulary


def test_an_unknown_dialect_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"xml.*json, lines"):
        dialect("xml")
