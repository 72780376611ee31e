from types import SimpleNamespace

import pytest

from stencil import TemplateError, parse_expression


def value(source, **variables):
    return parse_expression(source)(variables)


def test_constants():
    assert [value(s) for s in ("3", "2.5", "'a b'", "true", "false", "none")] == [3, 2.5, "a b", True, False, None]


def test_names_look_into_mappings_and_attributes():
    assert value("user.name", user={"name": "ann"}) == "ann"
    assert value("user.name", user=SimpleNamespace(name="bo")) == "bo"


def test_missing_names_are_none():
    assert value("user.name.first") is None
    assert value("user.name.first", user={}) is None


def test_private_attributes_are_out_of_reach():
    assert value("user.__class__", user=SimpleNamespace()) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [("2 < 3", True), ("2 >= 3", False), ("'a' == 'a'", True), ("1 != 1", False)],
    ids=["less", "at-least", "equal", "unequal"],
)
def test_comparisons(source, expected):
    assert value(source) is expected


def test_and_binds_tighter_than_or():
    assert value("true or false and false") is True
    assert value("(true or false) and false") is False


def test_not():
    assert value("not false") is True
    assert value("not not true") is True
    assert value("not 1 == 2") is True


def test_filters_apply_last():
    assert value("name or 'nobody' | upper") == "NOBODY"
    assert value("items | join | upper", items=["a", 1]) == "A, 1"


@pytest.mark.parametrize(
    "source",
    ["", "1 +", "(1", "a b", "not", "name | shout", "and"],
    ids=["nothing", "sign", "open", "two-values", "bare-not", "filter", "bare-and"],
)
def test_errors(source):
    with pytest.raises(TemplateError):
        parse_expression(source)
