"""Functions of JavaScript, TypeScript, Go and Rust are found, named and told from tests; a body can be stubbed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.sources.syntax.functions import GRAMMARS, functions_of
from journeyman.tasks.sources.syntax.stubs import stub
from tests.tasks.syntax_sources import GO, JAVASCRIPT, RUST, SOURCES, TYPESCRIPT


def names(path: str, source: bytes) -> list[str]:
    return [function.qualname for function in functions_of(path, source)]


def test_functions_have_the_names_that_people_call_them_by() -> None:
    assert names("shelf.js", JAVASCRIPT) == ["fee", "Shelf.constructor", "Shelf.add", "Shelf.find", "isIsbn"]
    assert names("shelf.ts", TYPESCRIPT) == ["Shelf.constructor", "Shelf.count", "shorten"]
    assert names("shelf.go", GO) == ["Shelf.Add", "between", "grade"]
    assert names("lib.rs", RUST) == [
        "Shelf.add", "Shelf.fmt", "grade", "clip", "tests.shelf", "tests.takes_no_more_than_fits",
        "tests.clips_only_what_is_there",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("module.exports = function (a) { return a; };", ["exports"]),
        ("exports.parse = (a) => a;", ["parse"]),
        ("export default function () {}", ["default"]),
        ("const utils = { parse() {}, 'to-text': function () {} };", ["utils.parse", "utils.to-text"]),
        ("const slow = memoize(function (a) { return a; });", ["slow"]),
        ("function outer() { const inner = (a) => a; return list.map((b) => b); }", ["outer", "outer.inner"]),
        ("(function () { function inside() {} })();", ["inside"]),
        ("class A { #key = () => 1; get size() { return 1; } set size(n) {} }", ["A.#key", "A.size", "A.size#2"]),
        ("list.forEach((a) => a);", []),
    ],
)
def test_a_function_may_get_its_name_from_where_it_stands(source: str, expected: list[str]) -> None:
    assert names("m.js", source.encode()) == expected


def test_places_and_comments() -> None:
    add = next(f for f in functions_of("lib.rs", RUST) if f.qualname == "Shelf.add")
    assert RUST[add.span.start :].startswith(b"#[must_use]")
    assert add.doc is not None
    assert RUST[add.doc.start : add.doc.end].strip() == b"/// Puts a book on the shelf."
    assert (add.first_line, add.last_line, add.lines) == (14, 25, 12)
    assert RUST[add.body.start : add.body.end].startswith(b"{\n        if self.used")

    trims = next(f for f in functions_of("shelf.go", GO) if f.qualname == "Shelf.Add")
    assert trims.doc is not None
    assert GO[trims.doc.start : trims.doc.end] == b"// Add puts a book on the shelf.\n// It trims the title."

    short = next(f for f in functions_of("shelf.ts", TYPESCRIPT) if f.qualname == "shorten")
    assert TYPESCRIPT[short.span.start : short.body.start].startswith(b"export const shorten")


def test_tests_are_told_from_the_rest() -> None:
    tested = {f.qualname: f.is_test for f in functions_of("src/lib.rs", RUST)}
    assert tested["tests.shelf"]
    assert not tested["Shelf.add"]
    go = b'package p\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {}\n\nfunc Tester() {}\n\nfunc ExampleAdd() {}\n'
    assert [f.is_test for f in functions_of("p.go", go)] == [True, False, True]
    assert all(f.is_test for f in functions_of("p_test.go", go))
    script = b"function f() {}\ndescribe('f', () => { function helper() {} it('is', () => {}); });\n"
    assert [(f.qualname, f.is_test) for f in functions_of("f.js", script)] == [("f", False), ("helper", True)]
    for path in ("test/f.js", "src/f.test.ts", "f.spec.mjs", "src/__tests__/f.jsx", "test.js", "test-f.js"):
        assert all(f.is_test for f in functions_of(path, script)), path
    assert not all(f.is_test for f in functions_of("src/latest.js", script))


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("a.rb", b"", "no grammar for this kind of file"),
        ("a.d.ts", b"", "no grammar for this kind of file"),
        ("a.js", b"let a = 1;\nfunction (", r"a\.js: line 2: not a javascript source"),
        ("a.go", b"package p\n\nfunc f( {\n}\n", r"a\.go: line 3: not a go source"),
        ("a.rs", b"fn f() { \xff }", r"a\.rs: not UTF-8 \(byte 9\)"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(path: str, source: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        functions_of(path, source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "qualname", "body"),
    [
        ("lib/shelf.js", "Shelf.add", b'{\n    throw new Error("not implemented");\n  }'),
        ("src/shelf.ts", "Shelf.count", b'{\n    throw new Error("not implemented");\n  }'),
        ("shelf.go", "grade", b'{\n\tpanic("not implemented")\n}'),
        ("shelf.go", "between", b'{\n\tpanic("not implemented")\n}'),
        ("src/lib.rs", "Shelf.add", b"{\n        todo!()\n    }"),
    ],
)
def test_a_stub_says_that_it_is_not_written(path: str, qualname: str, body: bytes) -> None:
    source = SOURCES[path]
    stubbed = stub(path, source, qualname)
    assert body in stubbed
    assert names(path, stubbed) == names(path, source)
    before = next(f for f in functions_of(path, source) if f.qualname == qualname)
    assert stubbed.startswith(source[: before.body.start])
    assert stubbed.endswith(source[before.body.end :])


def test_a_value_becomes_a_block() -> None:
    stubbed = stub("shelf.ts", TYPESCRIPT, "shorten")
    assert stubbed.endswith(b' tail: string): string => {\n  throw new Error("not implemented");\n};\n')


def test_go_keeps_no_import_that_only_the_stubbed_body_used() -> None:
    stubbed = stub("shelf.go", GO, "Shelf.Add")
    assert b'"strings"' not in stubbed
    assert b'"fmt"' not in stubbed
    assert b'"errors"' in stubbed


def test_what_cannot_be_stubbed_is_refused() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        stub("lib.rs", RUST, "nowhere")
    with pytest.raises(ValueError, match="inferred from its body"):
        stub("lib.rs", b"fn f() -> impl Iterator<Item = u8> { [1].into_iter() }\n", "f")


@given(st.sampled_from(sorted(GRAMMARS)), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(suffix: str, source: bytes) -> None:
    try:
        found = functions_of(f"a{suffix}", source)
    except ValueError:
        return
    for function in found:
        assert 0 <= function.span.start <= function.body.start <= function.body.end <= len(source)
