"""Named tests are cut out whole; what is left parses, and says nothing of them."""

from __future__ import annotations

import pytest

from journeyman.tasks.sources.syntax.cut import cut_tests
from journeyman.tasks.sources.syntax.functions import functions_of
from tests.tasks.syntax_sources import RUST

SCRIPT = b"""\
import { test, describe, it } from 'node:test';
import { add } from '../lib/add.js';

// Numbers are added.
// Always.
test('adds', () => {
  add(1, 2);
});

describe('sums', () => {
  before(() => {});

  it("can't overflow", async () => {
    await add(1, 1);
  });

  // Below nothing.
  it.skip('goes below 0', () => {});

  describe('of lists', () => {
    it('is 0 for none', () => {});
  });
});

test('nested', async (t) => {
  await t.test('one', () => {});
  await t.test('two', () => {});
});

if (/a/.test('a', 1)) add(1);
"""

GO = b"""\
package add

import (
	"strings"
	"testing"
)

import "os"

// helper is used by both.
func helper() int { return 1 }

// TestAdd adds.
func TestAdd(t *testing.T) {
	t.Run("one", func(t *testing.T) { _ = strings.ToUpper("a") })
}

func TestHome(t *testing.T) { _ = os.Getenv("HOME") } // its own

func TestSum(t *testing.T) { helper() }
"""


def test_a_script_loses_what_is_named_and_its_comment() -> None:
    left = cut_tests("add.test.js", SCRIPT, ["adds", "sums > goes below 0"]).decode()
    assert "Numbers are added" not in left
    assert "Always" not in left
    assert "'adds'" not in left
    assert "Below nothing" not in left
    assert "can't overflow" in left
    assert left.count("\n\n\n") == 0
    assert cut_tests("add.test.js", SCRIPT, []) == SCRIPT


def test_tests_in_tests_and_blocks_of_them() -> None:
    assert b"'one'" not in cut_tests("add.test.js", SCRIPT, ["nested > one"])
    assert b"'two'" in cut_tests("add.test.js", SCRIPT, ["nested > one"])
    # A block that is left without a test goes as a whole: some runners refuse an empty one.
    left = cut_tests("add.test.js", SCRIPT, ["sums > of lists > is 0 for none"])
    assert b"of lists" not in left
    assert b"sums" in left
    assert b"sums" not in cut_tests("add.test.js", SCRIPT, ["sums"])
    everything = ["sums > can't overflow", "sums > goes below 0", "sums > of lists > is 0 for none"]
    assert b"before" not in cut_tests("add.test.js", SCRIPT, everything)


def test_go_loses_the_imports_that_only_the_cut_tests_used() -> None:
    left = cut_tests("add_test.go", GO, ["TestAdd/one", "TestHome"]).decode()
    assert "TestAdd" not in left
    assert '"strings"' not in left
    assert '"os"' not in left
    assert '"testing"' in left
    assert [f.qualname for f in functions_of("add_test.go", left.encode())] == ["helper", "TestSum"]


@pytest.mark.parametrize("modules", ["", "tests::", "shelf::tests::"])
def test_rust_loses_a_test_with_its_attributes(modules: str) -> None:
    left = cut_tests("src/shelf.rs", RUST, [f"{modules}clips_only_what_is_there"])
    assert b"clips_only" not in left
    assert b"should_panic" not in left
    assert left.count(b"#[test]") == 1
    assert b"fn shelf()" in left


def test_rust_can_be_left_without_tests() -> None:
    left = cut_tests("src/shelf.rs", RUST, ["clips_only_what_is_there", "takes_no_more_than_fits"])
    assert b"A full shelf" not in left
    assert b"fn shelf()" in left


@pytest.mark.parametrize(
    ("path", "source", "name"),
    [("add.test.js", SCRIPT, "sums > nothing"), ("add_test.go", GO, "TestNothing"), ("add_test.go", GO, "helper"),
     ("src/shelf.rs", RUST, "tests::nothing"), ("src/shelf.rs", RUST, "clip")],
)  # fmt: skip
def test_a_name_that_no_test_has_is_said(path: str, source: bytes, name: str) -> None:
    with pytest.raises(KeyError, match=name):
        cut_tests(path, source, [name])
