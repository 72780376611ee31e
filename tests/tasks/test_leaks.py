"""The leak checker finds what gives a fix away, and leaves alone what everybody may know."""

from __future__ import annotations

import pytest

from journeyman.tasks.sources.commit_fair import refuse_unfair, untold
from journeyman.tasks.sources.commit_text import instruction_of
from journeyman.tasks.sources.git_history import Unfit
from journeyman.tasks.sources.leaks import Answer, find_leaks, without_references, words_of

BEFORE = {"shop/cart.py": b"def total(prices):\n    # the sum\n    return sum(prices) - 1\n"}
FIXED = """def total(prices):
    # the sum
    return sum_of_all(prices) if any(prices) else 0  # customers get nothing
"""
AFTER = {"shop/cart.py": FIXED.encode()}
ANSWER = Answer.of(BEFORE, AFTER, words_of(BEFORE["shop/cart.py"]), ["tests/test_cart.py::TestCart::test_whole_sum[1]"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Call sum_of_all there.", "name that only the fix has"),
        ("Ask any(prices) first.", "name that only the fix has"),
        ("It must `return sum_of_all( prices )` now.", "name that only the fix has"),
        ("Drop return sum(prices)-1 please.", "line of the fix"),
        ("test_whole_sum shows it.", "name of a hidden test"),
        ("See TestCart.", "name of a hidden test"),
        ("See tests/test_cart.py.", "name of a file of the fix"),
        ("The fault is in cart.py: the sum.", "name of a file of the fix"),
        ("Reported in #12.", "reference to an issue"),
        ("Reported in GH-12.", "reference to an issue"),
        ("As in octo/shop#3.", "reference to an issue"),
        ("Reported in :issue:`12`.", "role that leads to one"),
        ("Broken since 1f0c9de.", "hash of a commit"),
        ("See https://example.org/issues/12.", "address"),
    ],
)
def test_what_gives_the_fix_away_is_found(text: str, kind: str) -> None:
    assert kind in {leak.kind for leak in find_leaks(text, ANSWER)}


@pytest.mark.parametrize(
    "text",
    [
        "The total of the prices is one too small.",
        "`total([1, 2])` should be 3, not 2; see README.md.",
        "Defaced deadbeef facade: words of hexadecimal letters alone, and 20240101, are no hashes.",
        "My smart_cart.pyx and a # sign.",
        "# customers get nothing",
        "Of any prices, for customers whose sum is nothing.",
    ],
)
def test_what_everybody_may_know_is_no_leak(text: str) -> None:
    assert find_leaks(text, ANSWER) == ()


def test_a_new_file_gives_away_its_own_name_and_words() -> None:
    answer = Answer.of({}, {"shop/tax.py": b"def with_tax(price): ...\n"}, {"price"}, [])
    assert answer.names == {"with_tax"} and answer.places == {"shop/tax.py", "tax.py"}


def test_references_go_with_the_brackets_around_them() -> None:
    assert without_references("Totals are right (#12)") == "Totals are right"
    assert without_references("Totals (of GH-4 and 1f0c9de) are right") == "Totals (of  and) are right"


def test_a_message_loses_what_leaks_sentence_by_sentence_and_keeps_the_trouble() -> None:
    message = (
        "fix(cart): the total is one too small (#12)\n\n"
        "Every receipt was a cent short. Now sum_of_all is used. Customers complained\nabout it, fixes #13.\n\n"
        "* receipts of one line were short as well\n* cart.py needed it\n\n"
        "Fixes: #12\nCo-authored-by: Bob <bob@example.org>\n"
    )
    assert instruction_of(message, ANSWER) == (
        "the total is one too small\n\nEvery receipt was a cent short. Customers complained about it.\n\n"
        "* receipts of one line were short as well"
    )


def test_nothing_is_left_of_a_reference_at_the_beginning() -> None:
    assert instruction_of("Fix #12: every receipt was a cent short", ANSWER) == "every receipt was a cent short"
    assert instruction_of("Every receipt was short (:issue:`12`).", ANSWER) == "Every receipt was short."


@pytest.mark.parametrize(
    "message", ["", "Fix bug (#12)", "Fix tests", "wip", "Use sum_of_all for every receipt of a customer"]
)
def test_a_message_that_says_too_little_is_no_instruction(message: str) -> None:
    assert instruction_of(message, ANSWER) == ""


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("from shop import sum_of_all\n", "names"),
        ("def test(): assert shop.sum_of_all([]) == 0\n", "names"),
        ("def test(): raises(ValueError, match='no prices at all')\n", "wording"),
        ("def test():\n    'There are no prices at all.'\n    assert total([]) == 0\n", ""),
        ("def test(): assert total([1]) == 'prices'\n", ""),
    ],
)
def test_tests_that_ask_for_what_only_the_fix_has_are_unfair(test: str, why: str) -> None:
    fixed = {"shop/cart.py": FIXED.encode() + b"raise ValueError('there are no prices at all')\n"}
    tests = {"tests/test_cart.py": test.encode(), "tests/odd.py": b"\0("}
    if not why:
        refuse_unfair(tests, fixed, ANSWER, BEFORE.values())
        return
    with pytest.raises(Unfit, match=why):
        refuse_unfair(tests, fixed, ANSWER, BEFORE.values())


def test_a_new_parameter_must_be_told_even_if_the_repository_has_the_word() -> None:
    walk = b"\n\ndef walk(depth):\n    return depth\n"
    before = {"find.py": b"def find(folder):\n    return []\n" + walk}
    after = {"find.py": b"def find(folder, depth=9):\n    return []\n" + walk + b"\n\ndef top():\n    return 1\n"}
    tests = {"test_find.py": b"import find\n\nassert find.find('.', depth=0) == []\nassert find.top()\n"}
    assert untold(tests, before, after, "Too much is found.") == "depth, top"
    assert untold(tests, before, after, "Take a depth, and show the top.") == ""
    assert untold({"test_find.py": b"import find\nfind.walk(depth=1)\n"}, after, after, "") == ""
