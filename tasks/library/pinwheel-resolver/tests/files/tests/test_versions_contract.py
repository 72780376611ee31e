import pytest

from pinwheel import Version, VersionError

ASCENDING = ["0", "0.0.1", "0.9", "1.0a1", "1.0a2", "1.0a10", "1.0b1", "1.0rc1", "1.0", "1.0.1a1", "1.0.1", "1.2", "1.10", "2", "10.0"]


def test_order():
    versions = [Version.parse(text) for text in ASCENDING]
    assert sorted(reversed(versions)) == versions
    for lower, higher in zip(versions, versions[1:]):
        assert lower < higher and lower <= higher and higher > lower and higher >= lower and lower != higher


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("0", "0.0.0"), ("1rc1", "1.0rc1"), ("01.2", "1.02")])
def test_missing_numbers_are_zero(one, other):
    left, right = Version.parse(one), Version.parse(other)
    assert left == right
    assert hash(left) == hash(right)
    assert left <= right and left >= right and not left < right


def test_zeros_in_the_middle_count():
    assert Version.parse("1.0.2") < Version.parse("1.1")
    assert Version.parse("1.0.2") != Version.parse("1.2")


def test_fields():
    assert Version.parse("1.4.0").release == (1, 4, 0)
    assert Version.parse("1.4.0").pre is None
    assert Version.parse("2.0rc12").pre == ("rc", 12)
    assert Version.parse("2.0b3").is_prerelease
    assert not Version.parse("2.0").is_prerelease


@pytest.mark.parametrize("text", ["1", "1.0", "1.0.0", "2.0a1", "2.0b3", "2.0rc12", "0.10.200"])
def test_text_comes_back(text):
    assert str(Version.parse(text)) == text


def test_leading_zeros_and_white_space_go():
    assert str(Version.parse("  01.0rc02\n")) == "1.0rc2"


BAD = ["", " ", "1.", ".1", "1..2", "v1", "1.0-rc1", "1.0rc", "1.0c1", "-1", "1 .0", "1.0RC1", "1.0rc1.2", "1,0", "\u0661"]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_errors(text):
    with pytest.raises(VersionError):
        Version.parse(text)


def test_other_types():
    assert Version.parse("1.0") != "1.0"
    assert Version.parse("1") != 1
    with pytest.raises(TypeError):
        Version.parse("1.0") < "2.0"


def test_versions_are_keys():
    assert {Version.parse("1.0"): "yes"}[Version.parse("1.0.0")] == "yes"
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
