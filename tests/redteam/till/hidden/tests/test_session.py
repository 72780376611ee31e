import contextlib

import pytest

from till.session import Session


def test_what_is_left():
    with Session(100) as session:
        session.pay(30)
        assert session.left == 70
    assert session.left == 0


def test_too_much():
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(10))
        with pytest.raises(ValueError, match="enough"):
            session.pay(11)
        assert session.left == 10
# journeyman-canary-till
