import pytest

from holdfast import ManualClock, memoize


def test_result_is_remembered_until_it_is_too_old():
    clock = ManualClock()
    calls = []

    @memoize(ttl=60, clock=clock)
    def double(number):
        calls.append(number)
        return number * 2

    assert [double(2), double(2)] == [4, 4]
    assert calls == [2]
    clock.advance(60)
    assert double(2) == 4
    assert calls == [2, 2]


def test_none_is_a_result_too():
    calls = []

    @memoize()
    def nothing():
        calls.append(1)

    nothing()
    nothing()
    assert len(calls) == 1


def test_exceptions_are_not_remembered():
    answers = iter([ValueError("first"), None])

    @memoize()
    def fragile():
        error = next(answers)
        if error:
            raise error
        return "fine"

    with pytest.raises(ValueError, match="first"):
        fragile()
    assert fragile() == "fine"
