"""Faults in JavaScript, TypeScript, Go and Rust are the mistakes that they are named after; no other byte changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.operators.registry import OPERATORS as PYTHON_OPERATORS
from journeyman.tasks.sources.syntax.functions import functions_of, parse
from journeyman.tasks.sources.syntax.mutations import OPERATORS, WRONG_DEFAULT, mutations_of
from tests.tasks.syntax_sources import GO, JAVASCRIPT, SOURCES

FOUND = {path: mutations_of(path, source) for path, source in SOURCES.items()}
HEADS = {
    "m.js": "function f(a, b, c) {\n  %s\n}\n",
    "m.ts": "function f(a: number, b: number, c: string): number {\n  %s\n}\n",
    "m.go": 'package m\n\nimport "strings"\n\nvar X = strings.Title\n\n'
    "func f(a, b int, c string) (int, error) {\n  %s\n}\n",
    "m.rs": "fn f(a: usize, b: usize, c: &str) -> Option<usize> {\n  %s\n}\n",
}


def mutants_of(path: str, body: str, operator: str) -> set[str]:
    """The bodies that one operator makes of a function's body."""
    head, tail = HEADS[path].split("%s")
    source = f"{head}{body}{tail}".encode()
    made = [m.apply(source).decode() for m in mutations_of(path, source) if m.operator == operator]
    return {mutant.removeprefix(head).removesuffix(tail) for mutant in made}


@pytest.mark.parametrize(
    ("path", "operator", "body", "expected"),
    [
        ("m.js", "comparison", "return a < b;", {"return a <= b;", "return a > b;"}),
        ("m.js", "comparison", "return a === b;", {"return a !== b;"}),
        ("m.go", "comparison", "return a <= b", {"return a < b"}),
        ("m.rs", "comparison", "a != b", {"a == b"}),
        ("m.js", "boundary", "return a[1];", {"return a[2];", "return a[0];"}),
        ("m.js", "boundary", "return a.slice(1, b);",
         {"return a.slice(2, b);", "return a.slice(0, b);", "return a.slice(1, b - 1);", "return a.slice(1, b + 1);"}),
        ("m.go", "boundary", "return c[:b], nil", {"return c[:b - 1], nil", "return c[:b + 1], nil"}),
        ("m.rs", "boundary", "for i in 0..=b {}", {"for i in 1..=b {}", "for i in 0..b {}"}),
        ("m.rs", "boundary", "a.0", set()),
        ("m.go", "boundary", "switch a {\ncase 1:\ncase 2:\n}",
         {"switch a {\ncase 0:\ncase 2:\n}", "switch a {\ncase 1:\ncase 3:\n}"}),
        ("m.js", "arithmetic", "return a + b;", {"return a - b;"}),
        ("m.js", "arithmetic", "return 'x' + a + b;", set()),
        ("m.js", "arithmetic", "a++;", {"a--;"}),
        ("m.js", "arithmetic", "for (;; a++) {}", set()),
        ("m.go", "arithmetic", "return a + b, nil", {"return a - b, nil"}),
        ("m.go", "arithmetic", "return c + X(c), nil", set()),
        ("m.go", "arithmetic", "*a = 1", set()),
        ("m.rs", "arithmetic", "a -= -b;", {"a += -b;", "a -= b;"}),
        ("m.js", "boolean", "return a && b;", {"return a || b;", "return a;", "return b;"}),
        ("m.js", "boolean", "return a ?? b;", {"return a || b;"}),
        ("m.js", "boolean", "if (a) b();", {"if (!a) b();"}),
        ("m.ts", "boolean", "if (c) b();", set()),
        ("m.go", "boolean", "for !X(c) {\n}", {"for X(c) {\n}"}),
        ("m.go", "boolean", "return a != 1 && a != 2", {"return a != 1", "return a != 2"}),
        ("m.rs", "boolean", "if c.is_empty() {}", {"if !c.is_empty() {}"}),
        ("m.js", "wrong_name", "return a;", {"return c;", "return b;"}),
        ("m.js", "wrong_name", "{ const d = a; }\nreturn b.x(1);", {"{ const d = c; }\nreturn b.x(1);",
         "{ const d = b; }\nreturn b.x(1);", "{ const d = a; }\nreturn c.x(1);", "{ const d = a; }\nreturn a.x(1);"}),
        ("m.ts", "wrong_name", "return a;", {"return b;"}),
        ("m.go", "wrong_name", "return a, nil", {"return b, nil"}),
        ("m.go", "wrong_name", "d := a\nreturn d, nil",
         {"d := b\nreturn d, nil"}),  # `d` must be used
        ("m.go", "wrong_name", "g(T{a: 1, b: 2})", set()),
        ("m.go", "wrong_name", "g(T{x: a})", {"g(T{x: b})"}),
        ("m.rs", "wrong_name", "Some(a)", {"Some(b)"}),
        ("m.rs", "wrong_name", "let d = String::new();\nlet e = String::new();\nd", set()),  # moved
        ("m.js", "swapped_arguments", "return g(a, 1);", {"return g(1, a);"}),
        ("m.js", "swapped_arguments", "return g(a, ...b);", set()),
        ("m.go", "swapped_arguments", "return f(a, b, c)", {"return f(b, a, c)"}),
        ("m.rs", "swapped_arguments", "f(a, b, c)", {"f(b, a, c)"}),
        ("m.js", "wrong_method", "a.push(b);", {"a.unshift(b);"}),
        ("m.js", "wrong_method", "a.pushed(b);", set()),
        ("m.go", "wrong_method", 'return strings.HasPrefix(c, "a")', {'return strings.HasSuffix(c, "a")'}),
        ("m.rs", "wrong_method", "c.trim_start()", {"c.trim()", "c.trim_end()"}),
        ("m.js", "wrong_constant", "return true;", {"return false;"}),
        ("m.js", "wrong_constant", "return typeof a === 'string';", {"return typeof a === 'object';"}),
        ("m.js", "wrong_constant", "return /^a$/g;", {"return /a$/g;", "return /^a/g;", "return /^a$/;"}),
        ("m.ts", "wrong_constant", "return c === 'open' || c === '-';", {"return c === 'open' || c === '_';"}),
        ("m.go", "wrong_constant", "return c[0] == 'b'", {"return c[0] == 'c'"}),
        ("m.rs", "wrong_constant", "match (true, false) { (true, _) => 1, _ => 2 }",
         {"match (false, false) { (true, _) => 1, _ => 2 }", "match (true, true) { (true, _) => 1, _ => 2 }"}),
        ("m.js", "dropped_branch", "if (a) {\n    return 1;\n  }\n  return 2;", {"return 2;"}),
        ("m.js", "dropped_branch", "if (a) b(); else c();", {"if (a) b();"}),
        ("m.js", "dropped_branch", "if (a) return 1;", set()),
        ("m.go", "dropped_branch", "if a > b {\nreturn 1, nil\n} else {\nreturn 2, nil\n}", set()),
        ("m.rs", "dropped_branch", "let d = if a > b { 1 } else { 2 };", set()),
        ("m.rs", "dropped_branch", "match a {\n    1 => 1,\n    _ => 2,\n  }", {"match a {\n    _ => 2,\n  }"}),
        ("m.js", "dropped_statement", "b();\n  this.a = b;", {"this.a = b;", "b();\n"}),
        ("m.js", "dropped_statement", "for (const d of a) continue;", {"for (const d of a) break;"}),
        ("m.go", "dropped_statement", "d := a\n  d++\n  return d, nil", {"d := a\n  return d, nil"}),
        ("m.go", "dropped_statement", "d := a\n  X(d)\n  return a, nil", set()),  # `d` would be unused
        ("m.rs", "dropped_statement", "loop { break; }", {"loop { continue; }"}),
        ("m.js", "forced_condition", "if (a > b) c();", {"if (true) c();", "if (false) c();"}),
        ("m.rs", "forced_condition", "if let Some(d) = g() {}", set()),
        ("m.js", "return_value", "return [a, b];", {"return [b, a];"}),
        ("m.js", "return_value", "return g(a);", {"return a;", "return undefined;"}),
        ("m.ts", "return_value", "return a;", {"return 0;"}),
        ("m.go", "return_value", "return a, err", {"return 0, err", "return a, nil"}),
        ("m.rs", "return_value", "Some(a)", {"None"}),
    ],
)  # fmt: skip
def test_what_each_operator_does(path: str, operator: str, body: str, expected: set[str]) -> None:
    made = mutants_of(path, body, operator)
    assert {mutant.strip() for mutant in made} == {mutant.strip() for mutant in expected}


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("m.js", "function f(a, b = true) {", {"function f(a, b = false) {"}),
        ("m.js", "function f({ a = 1, b }, c = g(2)) {", {"function f({ a = 2, b }, c = g(2)) {",
                                                         "function f({ a = 0, b }, c = g(2)) {"}),
        ("m.ts", "function f(a: string, b: number = 9) {", {"function f(a: string, b: number = 8) {",
                                                           "function f(a: string, b: number = 10) {"}),
        ("m.js", "const f = (a = () => 1) => {", set()),
    ],
)  # fmt: skip
def test_a_default_that_is_not_what_it_was(path: str, head: str, expected: set[str]) -> None:
    source = f"{head}\n  return a.x;\n}}\n".encode()
    found = [m for m in mutations_of(path, source) if m.operator == WRONG_DEFAULT]
    assert {m.apply(source).decode().partition("\n")[0] for m in found} == expected


def test_a_fault_has_one_name_in_all_languages() -> None:
    assert {*OPERATORS, WRONG_DEFAULT} <= set(PYTHON_OPERATORS)


@pytest.mark.parametrize(
    ("path", "operators"),
    [
        ("lib/shelf.js", set(OPERATORS) - {"swapped_arguments"}),
        ("src/shelf.ts", {"comparison", "boundary", "arithmetic", "boolean", "wrong_name", "dropped_statement"}),
        ("shelf.go", set(OPERATORS) - {"wrong_constant"}),
        ("src/lib.rs", set(OPERATORS) - {"boolean", "wrong_constant"}),
    ],
)
def test_a_small_module_has_faults_of_many_kinds(path: str, operators: set[str]) -> None:
    assert operators <= {mutation.operator for mutation in FOUND[path]} | {"swapped_arguments"}
    assert len(FOUND[path]) > 25


PROTECTED = {
    "lib/shelf.js": [b"'use strict'", b"require('assert')", b"// Days that", b"console.log('late by ' + late)",
                     b"new TypeError('no title < 1')", b"DAYS = 14", b"{ Shelf, fee, isIsbn }"],
    "src/shelf.ts": [b"'./store'", b"'open' | 'shut'", b"pages: number }", b"state: State = 'open'", b"as number",
                     b"/** How many books"],
    "shelf.go": [b'"strings"', b"[]string", b'errors.New("full < 1")', b'Errorf("no room for %d < 1", copies)',
                 b"// Add puts"],
    "src/lib.rs": [b"use std::fmt", b"/// Puts a book", b'println!("{} < 1", self.used)', b"#[must_use]",
                   b"Vec<String>", b'write!(f, "{} of {}", self.used, self.size)', b"Option<usize>",
                   b"fn shelf() -> Shelf {\n        Shelf", b"let end = 1 + 1"],
}  # fmt: skip


@pytest.mark.parametrize(("path", "words"), [(path, word) for path, words in PROTECTED.items() for word in words])
def test_words_types_and_tests_are_left_alone(path: str, words: bytes) -> None:
    """No fault in imports, types, comments, macros, logs, the wording of errors, and what only tests run."""
    start = SOURCES[path].index(words)
    inside = [m for m in FOUND[path] if start <= m.start and m.end <= start + len(words)]
    assert inside == []


@settings(max_examples=60)
@given(st.sampled_from(sorted(SOURCES)), st.data())
def test_every_mutant_parses_differs_and_touches_only_its_span(path: str, data: st.DataObject) -> None:
    source = SOURCES[path]
    mutation = data.draw(st.sampled_from(FOUND[path]))
    mutant = mutation.apply(source)
    parse(path, mutant)
    assert mutant != source
    assert mutant[: mutation.start] == source[: mutation.start]
    rest = mutant[mutation.start :]
    assert rest.removeprefix(mutation.replacement.encode()) == source[mutation.end :]
    undone = mutant[: mutation.start] + mutation.original.encode() + source[mutation.end :]
    assert undone == source
    if mutation.one_line:
        before, after = source.splitlines(), mutant.splitlines()
        assert [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b] == [mutation.line]
    home = next(f for f in functions_of(path, source) if f.qualname == mutation.function)
    within = home.span if mutation.operator == WRONG_DEFAULT else home.body
    assert within.start <= mutation.start <= mutation.end <= within.end
    assert Mutation.from_dict(mutation.to_dict()) == mutation


def test_a_source_has_the_same_mutations_each_time() -> None:
    for path, source in SOURCES.items():
        assert mutations_of(path, source) == FOUND[path]
        assert len({(m.start, m.end, m.replacement) for m in FOUND[path]}) == len(FOUND[path])


@pytest.mark.parametrize("path", HEADS)
def test_what_a_program_wrote_is_passed_over(path: str) -> None:
    """A sum of thousands would take minutes, and no person makes a mistake in one."""
    head, tail = HEADS[path].split("%s")
    deep = f"{head}return {' + '.join(['a'] * 3000)};{tail}".encode()
    assert mutations_of(path, deep) == ()
    usual = f"{head}return {' + '.join(['a'] * 30)};{tail}".encode()
    assert mutations_of(path, usual)
    assert mutations_of(path, b"// Code generated by a tool. DO NOT EDIT.\n" + usual) == ()
    assert mutations_of(path, usual + b"\n// " + b"x" * 9000) == ()


def test_a_test_file_has_none() -> None:
    assert mutations_of("shelf_test.go", GO) == ()
    assert mutations_of("test/shelf.js", JAVASCRIPT) == ()
