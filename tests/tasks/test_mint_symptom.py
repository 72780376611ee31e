"""An issue says what went wrong where somebody can see it; about half of the tests that failed stay out of sight."""

from __future__ import annotations

import random
import textwrap

import pytest

from journeyman.tasks.sources.hide import choose_hidden, cut
from journeyman.tasks.sources.symptom import Symptom, describe
from journeyman.tasks.sources.trial import Failure

TEST = textwrap.dedent(
    """\
    import unittest

    import pytest

    import lib


    @pytest.mark.parametrize("n", [1, 2])
    def test_ordinal(n):
        assert lib.ordinal(n) == "1st"


    def test_two_steps():
        found = lib.parse(
            "a b",
            sep=" ",
        )
        assert found == ["a", "b"]


    class Refusals(unittest.TestCase):
        def test_refuses(self):
            with self.assertRaises(ValueError):
                lib.parse(None)

        def test_helped(self):
            self.check(3)

        def check(self, n):
            self.assertEqual(lib.ordinal(n), "3rd")


    class Lonely:
        def test_only(self):
            '''Alone.'''


    def test_uses_another():
        test_two_steps()
    """
)
TESTS = {"tests/test_lib.py": TEST.encode()}


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(TEST.splitlines(), 1) if text in line)


def told(
    test: str, at: str, message: str, exception: str = "AssertionError", fault: str = "ordinal", **more: int
) -> Symptom:
    frames = [("tests/test_lib.py", line_of(at), test.partition("[")[0].rpartition("::")[2])]
    frames += [("lib/core.py", line, name) for name, line in more.items()]
    failure = Failure(f"tests/test_lib.py::{test}", exception, message, tuple(frames))
    return describe(failure, fault, TESTS, {"ordinal", "parse", "check", "len"})


def test_a_wrong_result() -> None:
    symptom = told("test_ordinal[1]", "assert lib.ordinal", "AssertionError: assert '1th' == '1st'\n  - 1st\n  + 1th")
    assert symptom.text == textwrap.dedent(
        """\
        `ordinal` gives a wrong result.
        tests/test_lib.py::test_ordinal[1] fails:
            assert lib.ordinal(n) == "1st"
            assert '1th' == '1st'"""
    )
    assert symptom.names_the_fault


def test_an_exception_names_the_place_that_a_traceback_ends_in() -> None:
    symptom = told("test_ordinal[1]", "assert lib.ordinal", "IndexError: string index", "IndexError", "pick", pick=7)
    lines = symptom.text.splitlines()
    assert lines[0] == "`ordinal` raises IndexError."
    assert lines[-2:] == ["    IndexError: string index", "    in lib/core.py, pick"]
    assert not symptom.names_the_fault


def test_the_assignment_that_made_the_value_is_shown_on_one_line() -> None:
    symptom = told("test_two_steps", "assert found", "assert ['a b'] == ['a', 'b']", fault="parse")
    assert symptom.named == "parse"
    assert symptom.text.splitlines()[2:4] == [
        "    found = lib.parse('a b', sep=' ')",
        "    assert found == ['a', 'b']".replace("'", '"'),
    ]


def test_what_should_be_refused() -> None:
    symptom = told("Refusals::test_refuses", "with self.assert", "ValueError not raised", fault="parse")
    assert symptom.text.splitlines()[0] == "`parse` accepts what it should refuse."


def test_a_long_message_keeps_its_two_ends() -> None:
    symptom = told("test_ordinal[1]", "assert lib.ordinal", "assert 'START" + "x" * 500 + "END' == '1st'")
    assert all(len(line) < 120 for line in symptom.text.splitlines())
    assert "START" in symptom.text
    assert "END" in symptom.text


def test_addresses_are_left_out() -> None:
    message = "assert <lib.Thing object at 0x7f0011223344> == '1st'"
    assert "0x7f" not in told("test_ordinal[1]", "assert lib.ordinal", message).text


def test_about_half_is_hidden_but_never_what_is_shown() -> None:
    names = [f"tests/test_many.py::test_{n}" for n in range(10)]
    tests = {"tests/test_many.py": "".join(f"def test_{n}():\n    pass\n\n\n" for n in range(10)).encode()}
    hidden = choose_hidden(names, names[3], tests, random.Random(1))
    assert len(hidden) == 5
    assert names[3] not in hidden
    assert hidden == choose_hidden(names, names[3], tests, random.Random(1))


@pytest.mark.parametrize(
    "test",
    ["test_two_steps", "Refusals::test_inherited", "test_made_elsewhere"],
    ids=["another test calls it", "it stands in a base class", "it is not in the file"],
)
def test_what_cannot_be_cut_stays(test: str) -> None:
    failing = ["tests/test_lib.py::test_ordinal[1]", f"tests/test_lib.py::{test}"]
    assert choose_hidden(failing, failing[0], TESTS, random.Random(0)) == ()


def test_one_failing_test_stays_visible() -> None:
    failing = ["tests/test_lib.py::test_ordinal[1]", "tests/test_lib.py::test_ordinal[2]"]
    assert choose_hidden(failing, failing[0], TESTS, random.Random(0)) == ()


def test_cutting_takes_decorators_along_and_leaves_python() -> None:
    hidden = ["tests/test_lib.py::test_ordinal", "tests/test_lib.py::Lonely::test_only", "tests/other.py::test_helped"]
    left = cut("tests/test_lib.py", TESTS["tests/test_lib.py"], hidden).decode()
    compile(left, "test_lib.py", "exec")
    assert "test_ordinal" not in left
    assert "parametrize" not in left
    assert "class Lonely:\n    pass\n" in left
    assert "test_helped" in left
