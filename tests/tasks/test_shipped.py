"""A file that is named as tests are is one only if it may hold a test."""

from __future__ import annotations

import pytest

from journeyman.tasks.detect.shipped import holds_tests


@pytest.mark.parametrize(
    "code",
    [
        "def test_it():\n    pass\n",
        "async def test_it():\n    pass\n",
        "if True:\n    def test_it():\n        pass\n",
        "class TestIt:\n    def test_it(self):\n        pass\n",
        "import unittest\n\n\nclass Parcels(unittest.TestCase):\n    def test_it(self):\n        pass\n",
        "from base import Common, TestCase\n\n\nclass Again(Common, TestCase):\n    pass\n",
        "from base import *\n",
        "from base import test_it\n",
        "from base import made\n\ntest_it = made(3)\n",
        "globals()['test_it'] = print\n",
        "print 'Python 2'\n",
    ],
)
def test_what_may_hold_a_test(code: str) -> None:
    assert holds_tests(code.encode())


@pytest.mark.parametrize(
    "code",
    [
        "",
        "import pytest\n\nTABLE = {'test': 1}\n",
        "class ABTest:\n    def test_rate(self):\n        return 1\n",
        "class Client:\n    def test_connection(self):\n        return True\n",
        "class TestResult(Result):\n    def __init__(self):\n        self.rows = []\n",
        "class TestTable:\n    def rows(self):\n        return []\n",
        "from unittest import TestCase\n\n\ndef helper():\n    return TestCase\n",
        "print(2 + 2)\n",
    ],
)
def test_what_holds_none(code: str) -> None:
    assert not holds_tests(code.encode())


def test_the_repository_may_call_its_tests_otherwise() -> None:
    code = b"class Describe_it:\n    def it_is(self):\n        pass\n"
    assert not holds_tests(code)
    assert holds_tests(code, functions=["it_"], classes=["Describe*"])
