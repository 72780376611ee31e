import pytest

from pinwheel import Requirement, SpecifierError, SpecifierSet, Version

VERSIONS = ["1", "1.1", "1.2", "1.2.7", "1.3", "1.10", "2.0a1", "2.0b2", "2.0rc1", "2.0", "2.1"]


def admitted(text):
    specifiers = SpecifierSet.parse(text)
    return [version for version in VERSIONS if specifiers.contains(Version.parse(version))]


FINAL = [version for version in VERSIONS if not version.startswith("2.0") or version == "2.0"]

CASES = {
    "": FINAL,
    "  ": FINAL,
    "==1.2.0": ["1.2"],
    "!=1.2": [version for version in FINAL if version != "1.2"],
    ">1.2": ["1.2.7", "1.3", "1.10", "2.0", "2.1"],
    ">=1.2,<2": ["1.2", "1.2.7", "1.3", "1.10"],
    "<=1.2": ["1", "1.1", "1.2"],
    "<1": [],
    "==1.2.*": ["1.2", "1.2.7"],
    "==1.0.*": ["1"],
    "==1.*": ["1", "1.1", "1.2", "1.2.7", "1.3", "1.10"],
    "!=1.*": ["2.0", "2.1"],
    "!=1.2.*,<1.10": ["1", "1.1", "1.3"],
    "~=1.2": ["1.2", "1.2.7", "1.3", "1.10"],
    "~=1.2.0": ["1.2", "1.2.7"],
    "~=1.2.7": ["1.2.7"],
    ">=2.0b1": ["2.0b2", "2.0rc1", "2.0", "2.1"],
    ">=2.0b1,<2.0": ["2.0b2", "2.0rc1"],
    "<2.0,!=1.0a1": ["1", "1.1", "1.2", "1.2.7", "1.3", "1.10", "2.0a1", "2.0b2", "2.0rc1"],
    "==2.0rc1": ["2.0rc1"],
    "~=2.0a1": ["2.0a1", "2.0b2", "2.0rc1", "2.0", "2.1"],
    ">=1,>=2,<3": ["2.0", "2.1"],
}


@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_contains(text):
    assert admitted(text) == CASES[text]


@pytest.mark.parametrize("text", [">=1", "==1.*", "!=3", "<3", "~=1.0"])
def test_prereleases_must_be_asked_for(text):
    assert not SpecifierSet.parse(text).contains(Version.parse("2.0rc1"))


def test_wildcard_admits_prereleases_only_when_another_clause_asks():
    assert not SpecifierSet.parse("==2.0.*").contains(Version.parse("2.0rc1"))
    assert SpecifierSet.parse("==2.0.*,>=2.0a0").contains(Version.parse("2.0rc1"))


BAD_SETS = [">=1,", ",", "1.0", "=1.0", "===1.0", "><1", ">=", ">= ", "~=1", ">=1.*", "~=1.2.*", "<1.*", "==*", "==1.0rc1.*",
            ">=one", ">=1 <2", "==1.2*", ">=1;<2"]  # fmt: skip


@pytest.mark.parametrize("text", BAD_SETS, ids=range(len(BAD_SETS)))
def test_malformed_sets(text):
    with pytest.raises(SpecifierError):
        SpecifierSet.parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("", ""), (" >= 1.0 , != 1.3.* ", ">=1.0,!=1.3.*"), ("<2,>=1", "<2,>=1"), ("~=1.4.2", "~=1.4.2"), ("==2.0rc1", "==2.0rc1")],
    ids=["empty", "spaces", "order", "compatible", "prerelease"],
)
def test_text_of_a_set(text, canonical):
    assert str(SpecifierSet.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "name", "specifiers"),
    [
        ("core", "core", ""),
        ("  core  ", "core", ""),
        ("App_Kit >=1,<2", "app-kit", ">=1,<2"),
        ("core==2.*", "core", "==2.*"),
        ("core  ~= 1.4", "core", "~=1.4"),
        ("x.y-z!=1", "x-y-z", "!=1"),
    ],
    ids=["name", "spaces", "normalised", "tight", "loose", "dots"],
)
def test_requirement(text, name, specifiers):
    requirement = Requirement.parse(text)
    assert requirement.name == name
    assert str(requirement.specifiers) == specifiers
    assert str(requirement) == (f"{name} {specifiers}" if specifiers else name)


BAD_REQUIREMENTS = ["", "  ", ">=1", "core 1.0", "core kit >=1", "core >=", "-core", "core_ >=1", "core >=1,", "core (>=1)", "core@1"]


@pytest.mark.parametrize("text", BAD_REQUIREMENTS, ids=range(len(BAD_REQUIREMENTS)))
def test_malformed_requirements(text):
    with pytest.raises(SpecifierError):
        Requirement.parse(text)


def test_equality():
    assert Requirement.parse("Core >=1") == Requirement.parse("core>=1")
    assert Requirement.parse("core >=1") != Requirement.parse("core >=2")
    assert hash(Requirement.parse("core >=1")) == hash(Requirement.parse("core >=1"))
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
