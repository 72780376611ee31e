import pytest

from tickwork.fields import DAY, FIELDS, HOUR, MONTH, WEEKDAY


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [(HOUR, "0", 0), (HOUR, "07", 7), (MONTH, "feb", 2), (MONTH, "DEC", 12), (WEEKDAY, "Sun", 0), (WEEKDAY, "7", 7)],
    ids=range(6),
)
def test_numbers_and_words(field, text, number):
    assert field.number(text) == number


@pytest.mark.parametrize(
    ("field", "text"), [(HOUR, "24"), (DAY, "0"), (DAY, "mon"), (MONTH, "13"), (WEEKDAY, "8"), (HOUR, "-1"), (HOUR, "")], ids=range(7)
)
def test_errors_name_the_field(field, text):
    with pytest.raises(ValueError, match=field.name):
        field.number(text)


def test_names():
    assert [field.name for field in FIELDS] == ["minute", "hour", "day", "month", "weekday"]
