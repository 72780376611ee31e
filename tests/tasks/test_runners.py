"""Other languages' tests: what their runners print becomes one report, and what hostile code prints is only data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import Environment, SandboxFactory
from journeyman.tasks.report import TestReport, TestResult
from journeyman.tasks.runner import run_tests
from journeyman.tasks.runners.gather import Wanted, leaves
from journeyman.tasks.runners.go import read_events, results
from journeyman.tasks.runners.node import jest_rows, style_of
from journeyman.tasks.runners.node import test_files as find_files
from journeyman.tasks.runners.rust import file_of, name_of, not_built, read_results
from journeyman.tasks.runners.tap import read_flat, read_nested
from tests.tasks.conftest import lay

NODE = {
    "package.json": '{"name": "sums", "scripts": {"test": "node --test"}}',
    "sums.js": "exports.add = (a, b) => a + b;\nexports.half = (a) => a / 3;\n",
    "test/sums.test.js": (
        "const test = require('node:test');\nconst assert = require('node:assert');\n"
        "const { add, half } = require('../sums');\n\n"
        "test('add', () => assert.equal(add(1, 2), 3));\n"
        "test('half', async (t) => {\n  await t.test('of four', () => {\n    assert.strictEqual(half(4), 2);\n  });\n"
        "  await t.test('of # zero', () => assert.strictEqual(half(0), 0));\n});\n"
        "test('later', { skip: true }, () => {});\n"
        "test('twice', () => {});\ntest('twice', () => {});\n"
    ),
    "test/script.js": "require('assert').ok(require('../sums').add(1, 1) === 2);\n",
    "test/plain.test.mjs": "import assert from 'node:assert';\nassert.ok(false, 'never holds');\n",
    "test/broken.test.js": "require('node:test');\nnoSuchThing();\n",
}
GO = {
    "go.mod": "module example.org/sums\n\ngo 1.19\n",
    "sums.go": (
        "package sums\n\nfunc Add(a, b int) int { return a + b }\n\nfunc At(s []int, i int) int { return s[i+1] }\n"
    ),
    "sums_test.go": (
        'package sums\n\nimport "testing"\n\n'
        'func TestAdd(t *testing.T) {\n\tfor _, name := range []string{"one", "two"} {\n'
        '\t\tt.Run(name, func(t *testing.T) {\n\t\t\tif name == "two" {\n\t\t\t\tt.Errorf("got %d", Add(1, 2))\n'
        "\t\t\t}\n\t\t})\n\t}\n}\n\n"
        'func TestLater(t *testing.T) { t.Skip("not yet") }\n\n'
        "func TestFine(t *testing.T) {}\n\n"
        "func TestAt(t *testing.T) { At([]int{1}, 0) }\n"
    ),
    "deep/deep.go": "package deep\n",
    "deep/deep_test.go": "package deep\n\nfunc TestNot(t *testing.T) {}\n",
}
RUST = {
    "Cargo.toml": '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2018"\n',
    "src/lib.rs": (
        "pub mod inner;\npub fn add(a: i32, b: i32) -> i32 { a + b }\n\n"
        "#[cfg(test)]\nmod tests {\n    #[test]\n    fn inline() {}\n}\n"
    ),
    "src/inner/mod.rs": "#[cfg(test)]\nmod tests;\n",
    "src/inner/tests.rs": "#[test]\nfn apart() {}\n\n#[test]\n#[ignore]\nfn later() {}\n",
    "tests/api.rs": (
        "#[test]\nfn adds() { assert_eq!(sums::add(1, 2), 4); }\n\n#[test]\nfn holds() {}\n\n"
        '#[test]\n#[should_panic]\nfn panics() { panic!("so") }\n'
    ),
    "tests/broken.rs": "#[test]\nfn broken() { sums::no_such_thing(); }\n",
}


def run(sandboxes: SandboxFactory, folder: Path, kind: str, **what: object) -> TestReport:
    environment = Environment(requirements=(), toolchain=kind)
    with sandboxes.create(environment, folder) as sandbox:
        return run_tests(sandbox, timeout_s=120, toolchain=kind, **what)  # type: ignore[arg-type]


def outcomes(report: TestReport) -> dict[str, str]:
    return {result.id: result.outcome for result in report.results}


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_node(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    report = run(sandboxes, lay(tmp_path, NODE), "node")
    suite = "test/sums.test.js::"
    assert outcomes(report) == {
        f"{suite}add": "passed",
        f"{suite}half > of four": "failed",
        f"{suite}half > of # zero": "passed",
        f"{suite}later": "skipped",
        f"{suite}twice": "passed",
        "test/plain.test.mjs::whole file": "failed",
    }, "script.js may be a helper: it is run only where it is named"
    assert report.suspect == {f"{suite}twice"} and report.by_id[f"{suite}twice"].runs == 2
    crash = report.by_id[f"{suite}half > of four"].crash
    assert crash is not None and crash.place == "test/sums.test.js:8" and "1.3333333333333333" in crash.message
    assert [(path, crash.message.splitlines()[0]) for path, crash in report.broken_files] == [
        ("test/broken.test.js", "ReferenceError: noSuchThing is not defined")
    ]
    assert report.exit_status == 1 and report.complete

    named = run(sandboxes, tmp_path, "node", target=["test/script.js", f"{suite}half"])
    assert set(outcomes(named)) == {
        "test/script.js::whole file", f"{suite}half > of four", f"{suite}half > of # zero",
    }  # fmt: skip
    only = run(sandboxes, tmp_path, "node", ids=[f"{suite}add", f"{suite}gone"])
    assert outcomes(only) == {f"{suite}add": "passed"} and only.exit_status == 0


@pytest.mark.slow
@pytest.mark.toolchain("go")
def test_go(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    report = run(sandboxes, lay(tmp_path, GO), "go")
    assert outcomes(report) == {
        "sums_test.go::TestAdd/one": "passed",
        "sums_test.go::TestAdd/two": "failed",
        "sums_test.go::TestLater": "skipped",
        "sums_test.go::TestFine": "passed",
        "sums_test.go::TestAt": "failed",
    }
    said, broke = (report.by_id[f"sums_test.go::{name}"].crash for name in ("TestAdd/two", "TestAt"))
    assert said is not None and (said.place, said.message) == ("sums_test.go:9", "got 3")
    assert broke is not None and broke.message.startswith("panic: runtime error: index out of range [1]")
    assert broke.place == "sums_test.go:19" and "sums.go:5" in broke.frames
    assert [path for path, _ in report.broken_files] == ["deep"]
    assert "undefined: testing" in report.broken_files[0][1].message
    only = run(sandboxes, tmp_path, "go", ids=["sums_test.go::TestAdd/one"])
    assert outcomes(only) == {"sums_test.go::TestAdd/one": "passed"}


@pytest.mark.slow
@pytest.mark.toolchain("rust")
def test_rust(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    report = run(sandboxes, lay(tmp_path, RUST), "rust")
    assert outcomes(report) == {
        "src/lib.rs::tests::inline": "passed",
        "src/inner/tests.rs::apart": "passed",
        "src/inner/tests.rs::later": "skipped",
        "tests/api.rs::adds": "failed",
        "tests/api.rs::holds": "passed",
        "tests/api.rs::panics": "passed",
    }
    crash = report.by_id["tests/api.rs::adds"].crash
    assert crash is not None and crash.place == "tests/api.rs:2"
    assert [line.strip() for line in crash.message.splitlines()[1:]] == ["left: 3", "right: 4"]
    assert [path for path, _ in report.broken_files] == ["tests/broken.rs"]
    wanted = ["src/inner/tests.rs::apart", "tests/api.rs::holds"]
    assert outcomes(run(sandboxes, tmp_path, "rust", ids=wanted)) == dict.fromkeys(wanted, "passed")


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_a_suite_that_never_ends_is_ended(sandboxes: SandboxFactory, tmp_path: Path) -> None:
    endless = "const test = require('node:test');\ntest('quick', () => {});\ntest('endless', () => { for (;;); });\n"
    with sandboxes.create(
        Environment(requirements=(), toolchain="node"), lay(tmp_path, {"a.test.js": endless})
    ) as sandbox:
        report = run_tests(sandbox, timeout_s=3, toolchain="node")
    assert report.timed_out and not report.complete
    assert report.by_id.get("a.test.js::endless", TestResult("", "unfinished")).outcome == "unfinished"


TAPE = """TAP version 13
# first
ok 1 should be equal
not ok 2 should be deeply equivalent
  ---
    operator: deepEqual
    expected: |-
      { a: 1 }
    actual: |-
      { a: 2 }
    at: Test.<anonymous> (/workspace/test/x.js:7:5)
    stack: |-
      Error: should be deeply equivalent
          at Test.<anonymous> (/workspace/test/x.js:7:5)
          at bound (/node_modules/tape/index.js:9:1)
  ...
# second
ok 3 fine
# second
ok 4 fine again
"""


def test_tape_is_read_comment_by_comment() -> None:
    found = read_flat(TAPE + "\n1..4\n# tests 4\n# pass  3\n# fail  1\n", "test/x.js")
    assert [(r.id, r.outcome) for r in found] == [
        ("test/x.js::first", "failed"), ("test/x.js::second", "passed"), ("test/x.js::second #2", "passed"),
    ]  # fmt: skip
    crash = found[0].crash
    assert crash is not None and crash.place == "test/x.js:7"
    assert crash.message.splitlines() == [
        "should be deeply equivalent", "expected: { a: 1 }", "actual: { a: 2 }",
    ]  # fmt: skip
    assert read_flat(TAPE, "test/x.js")[-1].outcome == "unfinished", "without its plan the last test did not end"


NAMES = st.lists(st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=1), min_size=1, unique=True)


@given(NAMES, NAMES, st.data())
def test_what_node_reports_is_what_ran(outer: list[str], inner: list[str], data: st.DataObject) -> None:
    """Suites with the same names inside, each test failing or not by chance."""
    lines, expected = ["TAP version 13"], {}
    for suite in outer:
        lines.append(f"# Subtest: {suite}")
        for number, name in enumerate(inner, start=1):
            bad = data.draw(st.booleans())
            expected[f"f.js::{suite} > {name}"] = "failed" if bad else "passed"
            lines += [f"    # Subtest: {name}", f"    {'not ' * bad}ok {number} - {name}"]
            lines += ["      ---", "      duration_ms: 2.5", "      error: 'ok 1 - no'", "      ..."]
        lines.append(f"ok 1 - {suite}")
    found = read_nested("\n".join(lines), "f.js")
    assert {r.id: r.outcome for r in found} == expected and len(found) == len(expected)
    assert all(r.duration_s == 0.0025 for r in found)


@given(
    st.text()
    | st.lists(st.sampled_from([*TAPE.splitlines(), "    ok 1 - x", "    # Subtest: x", "  ---"])).map("\n".join)
)
def test_no_output_can_break_the_reading_or_pass_another_files_tests(text: str) -> None:
    for result in (*read_nested(text, "a.js"), *read_flat(text, "a.js")):
        assert result.id.startswith("a.js::")
    tests, _ = read_events(text)
    assert all(r.id.startswith("x_test.go::") for r in results(tests, {"TestX": "x_test.go"}, "."))
    for result in read_results(text, {"src/lib.rs"}):
        assert "::" in result.id
    not_built(text)
    style_of(text, {})
    assert list(jest_rows({"testResults": [text, {"assertionResults": text}]})) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["TestA", "TestA/x", "TestB"]), st.sampled_from(["run", "pass", "fail", "output"]))
    )
)
def test_what_go_says_twice_is_told_twice_and_the_worse_counts(events: list[tuple[str, str]]) -> None:
    text = "\n".join(json.dumps({"Test": test, "Action": action, "Output": "x\n"}) for test, action in events)
    tests, _ = read_events(text)
    for name, test in tests.items():
        said = [action for test_, action in events if test_ == name and action in ("pass", "fail")]
        assert test.ends == len(said)
        assert test.outcome == ("failed" if "fail" in said else "passed" if said else "unfinished")
    told = [r.id for r in results(tests, {"TestA": "a_test.go"}, ".")]
    assert not any("TestB" in id_ for id_ in told), "no file declares it"


def test_forged_lines_of_libtest_count_as_a_second_report() -> None:
    text = "     Running tests/a.rs (target/a)\ntest a ... ok\ntest a ... ok\ntest b ... FAILED\n"
    found = [(r.id, r.outcome) for r in read_results(text, set())]
    assert found == [("tests/a.rs::a", "passed"), ("tests/a.rs::a", "passed"), ("tests/a.rs::b", "failed")]
    assert not list(read_results("test a ... ok\n", set())), "before any target runs, nothing is a result"


UNEQUAL = "assertion `left == right` failed: so\n  left: 3\n right: 4"


@pytest.mark.parametrize(
    "said",
    [
        f"thread 'a' (71) panicked at tests/a.rs:2:5:\n{UNEQUAL}\nnote: run with\n",
        f"thread 'a' panicked at '{UNEQUAL}', tests/a.rs:2:5\nnote: run with\n",
    ],
)
def test_a_panic_is_read_in_the_words_of_old_and_new_toolchains(said: str) -> None:
    begun = "     Running tests/a.rs (t)\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\n"
    text = f"{begun}{said}\n\nfailures:\n    a\n"
    (found,) = read_results(text, set())
    assert found.crash is not None and found.crash.place == "tests/a.rs:2"
    assert found.crash.message == UNEQUAL


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("tests/api.rs::adds", "adds"),
        ("src/tests.rs::adds", "tests::adds"),
        ("src/inner/tests.rs::more::adds", "inner::tests::more::adds"),
        ("src/inner/mod.rs::tests::adds", "inner::tests::adds"),
        ("src/lib.rs::tests::adds", "tests::adds"),
    ],
)
def test_a_rust_id_and_the_name_of_its_test_are_the_same(id_: str, name: str) -> None:
    assert name_of(id_) == name
    if id_.startswith("src/"):
        assert file_of(name, {id_.partition("::")[0], "src/lib.rs"}) == id_


def test_a_parent_is_reported_only_where_it_alone_went_wrong() -> None:
    told = [("a/x", "passed"), ("a", "failed"), ("b/y", "failed"), ("b", "failed"), ("c", "passed")]
    assert leaves(told, "/") == ("a/x", "a", "b/y", "c")


def test_what_is_wanted() -> None:
    named = Wanted(targets=("test/a.js::outer", "lib"))
    assert [named.takes(id_) for id_ in ("test/a.js::outer > x", "test/a.js::other", "lib/b.js::x")] == [
        True, False, True,
    ]  # fmt: skip
    assert named.holds("test/a.js") and not named.holds("test/ab.js")
    assert Wanted(keyword="deep").takes("x.js::deeper") and not Wanted(keyword="deep").takes("x.js::flat")


def test_which_files_are_tests_and_for_which_runner() -> None:
    files = {
        "package.json": '{"devDependencies": {"mocha": "^10"}}',
        "test/a.js": "describe('a', () => {\n  it('b', () => {});\n});\n",
        "test/helper.js": "module.exports = 1;\n",
        "src/b.test.ts": "import { it } from 'vitest';\n",
        "src/c.spec.mjs": "import test from 'node:test';\n",
        "test/fixtures/d.test.js": "",
        "lib/e.js": "",
    }
    found = find_files(files, lambda path: files.get(path, ""))
    assert found == {"src/b.test.ts": "vitest", "src/c.spec.mjs": "node", "test/a.js": "mocha"}
    assert find_files(files, lambda path: files.get(path, ""), {"test/helper.js"})["test/helper.js"] == "script"
