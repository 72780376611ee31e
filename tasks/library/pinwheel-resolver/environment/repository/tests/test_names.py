import pytest

from pinwheel import normalize_name


@pytest.mark.parametrize("name", ["App-Kit", "app_kit", "APP.kit", "app-_.kit"])
def test_spellings_of_one_name(name):
    assert normalize_name(name) == "app-kit"


@pytest.mark.parametrize("name", ["", "-app", "app-", "two words", "naïve"], ids=range(5))
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="not a package name"):
        normalize_name(name)


def test_digits_are_names():
    assert normalize_name("7") == "7"
