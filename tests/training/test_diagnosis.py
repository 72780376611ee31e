"""What is said before a mend: the observed message and the line that was at fault, and nothing that is not so."""

from __future__ import annotations

from journeyman.envs.actions import Action
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import dialect
from journeyman.training.diagnosis import LINE_CHARS, MESSAGE_CHARS, diagnosis, with_diagnosis
from tests.training.test_changes import changed

LOG = "1 failed\ntests/test_a.py::test_x\ntests/test_a.py:4: assert f(1) == 2\n  assert 3 == 2\n  where 3 = f(1)"
FAILED = Step(Action("test"), Observation(LOG, "test"), tests=TestRun(("u",), ("tests/test_a.py::test_x",)))
PASSED = Step(Action("test"), Observation("1 passed", "test"), tests=TestRun(("tests/test_a.py::test_x",)))
VIEW = Step(Action("view", {"path": "a.py"}), Observation("1|    return x + 2", "view"))
FIX = changed("    return x + 2", "    return x + 1")


def test_it_names_what_the_test_said_and_the_line_that_was_mended() -> None:
    assert diagnosis([FAILED, VIEW, FIX, PASSED], 2) == "assert 3 == 2: line 1 still reads `return x + 2`"


def test_a_line_of_the_episodes_own_reads_so_now() -> None:
    own = changed("    return x", "    return x + 2")
    assert diagnosis([own, FAILED, FIX, PASSED], 2) == "assert 3 == 2: line 1 now reads `return x + 2`"


def test_a_line_beside_the_episodes_own_was_always_so() -> None:
    own = changed("    return x", "    return x + 2")
    both = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-    x = 1\n-    return x + 2\n+    x = 2\n+    return x\n"
    fix = Step(Action("edit", {"path": "a.py"}), Observation("edited", "edit"), diff=both)
    assert diagnosis([own, FAILED, fix, PASSED], 2) == "assert 3 == 2: line 1 still reads `x = 1`"


def test_without_a_message_the_test_is_named() -> None:
    bare = Step(Action("test"), Observation("1 failed", "test"), tests=TestRun(failed=("tests/test_a.py::test_x",)))
    assert diagnosis([bare, FIX, PASSED], 1).startswith("test_x fails: line 1")


def test_a_file_that_could_not_be_read_passes_when_its_tests_do() -> None:
    log = "1 error\ntests/test_a.py\n  SyntaxError: invalid syntax"
    broken = Step(Action("test"), Observation(log, "test"), tests=TestRun(errors=("tests/test_a.py",)))
    assert diagnosis([broken, FIX, PASSED], 1).startswith("SyntaxError: invalid syntax: line 1")
    other = Step(Action("test"), Observation("1 passed", "test"), tests=TestRun(("tests/test_b.py::test_x",)))
    assert diagnosis([broken, FIX, other], 1) == ""


def test_what_was_missing_stood_after_a_line() -> None:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -7,2 +7,3 @@\n a\n+b\n c\n"
    added = Step(Action("edit", {"path": "a.py", "line": 7, "new": "a\nb"}), Observation("edited"), diff=diff)
    assert diagnosis([FAILED, added, PASSED], 1) == "assert 3 == 2: after line 7 something is missing"


def test_nothing_is_said_where_nothing_is_known() -> None:
    new_file = changed("", "x = 1")
    assert diagnosis([FAILED, new_file, PASSED], 1) == "", "a file that is new replaces no line"
    assert diagnosis([PASSED, FIX, PASSED], 1) == ""
    assert diagnosis([VIEW, FIX, PASSED], 1) == "", "nobody has seen a test fail"
    assert diagnosis([FAILED, changed("a", "b"), FIX, PASSED], 2) == "", "the test ran before another change"
    assert diagnosis([FAILED, VIEW, PASSED], 1) == ""
    assert diagnosis([FAILED, FIX], 1) == diagnosis([FAILED, FIX, FAILED], 1) == "", "it was not mended by that"


def test_it_is_short() -> None:
    log = Step(Action("test"), Observation("1 failed\nid\n  " + "m" * 500, "test"), tests=TestRun(failed=("id",)))
    passed = Step(Action("test"), Observation("1 passed", "test"), tests=TestRun(("id",)))
    said = diagnosis([log, changed("l" * 500, "x"), passed], 1)
    assert said
    assert len(said) <= MESSAGE_CHARS + LINE_CHARS + 30
    assert "\n" not in said


def test_a_call_with_a_diagnosis_is_read_as_the_call() -> None:
    said = diagnosis([FAILED, FIX, PASSED], 1)
    for name in ("lines", "json"):
        notation = dialect(name)
        written = with_diagnosis(said, FIX.action, notation)
        assert written == f"{said}\n{notation.format(FIX.action)}"
        read = notation.parse(written)
        assert (read.tool, dict(read.arguments)) == (FIX.action.tool, dict(FIX.action.arguments))


def test_words_that_would_be_read_as_a_call_are_left_out() -> None:
    lines = dialect("lines")
    assert with_diagnosis("edit b.py:1: it fails", FIX.action, lines) == lines.format(FIX.action)
    objects = dialect("json")
    assert with_diagnosis('{"tool": "test"} fails', FIX.action, objects) == objects.format(FIX.action)
    broken = Action.malformed("er…", "not JSON")
    assert with_diagnosis("assert False", broken, lines) == "er…"
