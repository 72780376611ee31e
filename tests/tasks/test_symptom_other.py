"""What is said of a fault in JavaScript, Go or Rust: the failing line, the runner's words, never the fix."""

from __future__ import annotations

import random

import pytest

from journeyman.tasks.sources.hide import choose_hidden, cut, function_of
from journeyman.tasks.sources.symptom import describe
from journeyman.tasks.sources.trial import Failure

JS = (
    b"const test = require('tape');\nconst parse = require('../');\n\n"
    b"test('nums', (t) => {\n  t.deepEqual(\n    parse(['-x', '1234']),\n    { x: 1234, _: [] }\n  );\n  t.end();\n"
    b"});\n\n"
    b"test('dash', (t) => {\n  const first = parse('a');\n  const other = parse('b');\n  t.equal(first, 2);\n});\n"
)
GO = (
    b'package trim\n\nimport "testing"\n\nfunc TestPad(t *testing.T) {\n\tfor _, c := range cases {\n'
    b'\t\tgot := Pad(c.in)\n\t\tif got != c.want {\n\t\t\tt.Errorf("got %q, want %q", got, c.want)\n\t\t}\n\t}\n}\n\n'
    b"func TestCut(t *testing.T) {\n\tCut()\n}\n"
)
RUST = b'use super::*;\n\n#[test]\nfn trims() {\n    assert_eq!(trim(" a"), "a");\n}\n\n#[test]\nfn other() {}\n'


@pytest.mark.parametrize(
    ("path", "source", "test", "line", "said", "fault", "expected"),
    [
        (
            "test/a.js", JS, "nums", 5, "expected: { x: 1234 }\nactual: { x: '1234' }", "exports",
            ["`parse` gives a wrong result.", "test/a.js::nums fails:", "    t.deepEqual(",
             "    parse(['-x', '1234']),", "    { x: 1234, _: [] }",
             "    expected: { x: 1234 }", "    actual: { x: '1234' }"],
        ),
        (
            "trim_test.go", GO, "TestPad/long", 9, 'got "a", want " a"', "Pad",
            ["`Pad` gives a wrong result.", "trim_test.go::TestPad/long fails:", "    got := Pad(c.in)",
             '    t.Errorf("got %q, want %q", got, c.want)', '    got "a", want " a"'],
        ),
        (
            "trim_test.go", GO, "TestCut", 15, "panic: runtime error: index out of range [1]", "Cut",
            ["`Cut` ends in runtime error.", "trim_test.go::TestCut fails:", "    Cut()",
             "    panic: runtime error: index out of range [1]"],
        ),
        (
            "test/a.js", JS, "late", 15, "expected: 2", "exports",
            ["`parse` gives a wrong result.", "test/a.js::late fails:", "    const first = parse('a');",
             "    t.equal(first, 2);", "    expected: 2"],
        ),
        (
            "src/tests.rs", RUST, "trims", 5, 'assertion failed\n  left: " a"\n right: "a"', "inner",
            ["`trim` gives a wrong result.", "src/tests.rs::trims fails:", '    assert_eq!(trim(" a"), "a");',
             "    assertion failed", '    left: " a"', '    right: "a"'],
        ),
    ],
)  # fmt: skip
def test_the_symptom(
    path: str, source: bytes, test: str, line: int, said: str, fault: str, expected: list[str]
) -> None:
    failure = Failure(f"{path}::{test}", "AssertionError", said, (("lib/code", 3, ""), (path, line, "")))
    symptom = describe(failure, fault, {path: source}, {"exports", "Pad", "Cut", "trim", "inner"})
    assert symptom.text.splitlines() == expected
    assert symptom.names_the_fault == (fault != "inner")


def test_what_a_long_statement_uses_is_looked_for_above_it() -> None:
    source = (
        b"package v\n\nfunc TestLess(t *testing.T) {\n\tv2, err := NewVersion(tc.v2)\n\tactual := v1.LessThan(v2)\n"
        b'\tt.Fatalf(\n\t\t"%s: %t",\n\t\ttc.v1, tc.v2,\n\t\texpected, actual)\n}\n'
    )
    failure = Failure("v_test.go::TestLess", "AssertionError", "v1: true", (("v_test.go", 6, ""),))
    found = describe(failure, "LessThan", {"v_test.go": source}, {"LessThan", "NewVersion"})
    assert found.text.splitlines()[2:4] == ["    actual := v1.LessThan(v2)", "    t.Fatalf("] and found.names_the_fault


def test_a_member_of_a_module_is_named_with_it_and_strings_name_nothing() -> None:
    source = b"const qs = require('../lib');\ntest('x', () => {\n  t.equal(qs.parse({ kind: 'brackets' }), 1);\n});\n"
    failure = Failure("a.js::x", "AssertionError", "actual: 2", (("a.js", 3, ""),))
    for fault, named, is_named in (
        ("brackets", "qs.parse", False),
        ("exports", "qs.parse", False),
        ("parse", "parse", True),
    ):
        found = describe(failure, fault, {"a.js": source}, {"brackets", "exports", fault})
        assert (found.named, found.names_the_fault) == (named, is_named)


def test_what_breaks_within_the_code_shows_the_first_call_of_the_test() -> None:
    failure = Failure("src/tests.rs::trims", "", "attempt to subtract with overflow", (("src/lib.rs", 3, ""),))
    assert describe(failure, "trim", {"src/tests.rs": RUST}, {"trim"}).text.splitlines() == [
        "`trim` ends in a panic.",
        "src/tests.rs::trims fails:",
        '    assert_eq!(trim(" a"), "a");',
        "    attempt to subtract with overflow",
    ]


def test_a_failure_without_a_place_says_what_it_can() -> None:
    symptom = describe(Failure("a.js::x", "AssertionError", "", ()), "f", {"a.js": b""}, {"f"})
    assert symptom.text == "Something gives a wrong result.\na.js::x fails:" and not symptom.names_the_fault


def test_about_half_of_the_failing_tests_are_cut_out_and_never_the_one_that_is_shown() -> None:
    tests = {"test/a.js": JS, "trim_test.go": GO, "src/tests.rs": RUST}
    for path, names in (("test/a.js", ["nums", "dash"]), ("src/tests.rs", ["trims", "other"])):
        ids = [f"{path}::{name}" for name in names]
        hidden = choose_hidden(ids, ids[0], tests, random.Random(0))
        assert hidden == (ids[1],)
        left = cut(path, tests[path], hidden)
        assert names[0].encode() in left and names[1].encode() not in left
    subtests = [f"trim_test.go::{name}" for name in ("TestPad/a", "TestPad/b", "TestCut")]
    assert choose_hidden(subtests, subtests[0], tests, random.Random(0)) == ("trim_test.go::TestCut",)
    made_by_a_loop = ["test/a.js::nums", "test/a.js::case 1"]
    assert choose_hidden(made_by_a_loop, made_by_a_loop[0], tests, random.Random(0)) == ()


def test_what_is_cut_as_one() -> None:
    assert function_of("a_test.go::TestX/deep/er") == "a_test.go::TestX"
    assert function_of("deep/a_test.go::TestX") == "deep/a_test.go::TestX"
    assert function_of("test/a.js::takes [1] / two") == "test/a.js::takes [1] / two"
    assert function_of("tests/test_a.py::test_x[1]") == "tests/test_a.py::test_x"
