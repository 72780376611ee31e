import pytest

from pinwheel import Index, ResolutionError, SpecifierError, UnknownPackageError, resolve


def pins(packages, *requirements):
    resolution = resolve(Index(packages), requirements)
    return {name: str(version) for name, version in resolution.pins.items()}


def test_newest_wins():
    assert pins({"a": {"1.9": [], "1.10": [], "1.2": []}}, "a") == {"a": "1.10"}


def test_nothing_required():
    resolution = resolve(Index({"a": {"1": []}}), [])
    assert dict(resolution.pins) == {}
    assert resolution.edges == ()


def test_dependencies_of_dependencies():
    packages = {"a": {"1": ["b"]}, "b": {"1": ["c >=2"]}, "c": {"1": [], "2": [], "3": []}, "d": {"1": []}}
    assert pins(packages, "a") == {"a": "1", "b": "1", "c": "3"}


def test_all_requirements_on_a_package_hold():
    packages = {"a": {"1": ["c <3"]}, "b": {"1": ["c >=2"]}, "c": {"1": [], "2": [], "3": []}}
    assert pins(packages, "a", "b") == {"a": "1", "b": "1", "c": "2"}


def test_same_package_required_twice_by_the_project():
    assert pins({"a": {"1": [], "2": [], "3": []}}, "a >=2", "A <3") == {"a": "2"}


def test_older_version_when_the_newest_does_not_work_out():
    packages = {"a": {"2": ["c >=2"], "1": ["c"]}, "b": {"1": ["c <2"]}, "c": {"1": [], "2": []}}
    assert pins(packages, "a", "b") == {"a": "1", "b": "1", "c": "1"}


def test_first_known_package_keeps_its_newest_version():
    packages = {"a": {"2": ["c ==1"], "1": ["c ==2"]}, "b": {"2": ["c ==2"], "1": ["c ==1"]}, "c": {"1": [], "2": []}}
    assert pins(packages, "a", "b") == {"a": "2", "b": "1", "c": "1"}
    assert pins(packages, "b", "a") == {"a": "1", "b": "2", "c": "2"}


def test_dependencies_are_decided_after_the_projects_own_requirements():
    packages = {"a": {"1": ["c"]}, "b": {"2": [], "1": []}, "c": {"2": ["b ==1"], "1": []}}
    assert pins(packages, "a", "b") == {"a": "1", "b": "2", "c": "1"}


def test_dependencies_are_decided_in_the_order_of_the_index():
    packages = {
        "a": {"1": ["c", "b"]},
        "b": {"2": ["d ==2"], "1": ["d ==1"]},
        "c": {"2": ["d ==1"], "1": ["d ==2"]},
        "d": {"1": [], "2": []},
    }
    assert pins(packages, "a") == {"a": "1", "b": "1", "c": "2", "d": "1"}


def test_packages_of_rejected_versions_leave_no_trace():
    packages = {"a": {"2": ["extra", "c >=2"], "1": []}, "c": {"1": []}, "extra": {"1": []}}
    assert pins(packages, "a") == {"a": "1"}


def test_deep_backtracking():
    packages = {
        "a": {str(n): [f"b =={n}"] for n in range(1, 6)},
        "b": {str(n): [f"c =={n}"] for n in range(1, 6)},
        "c": {str(n): [f"d =={n}"] for n in range(1, 6)},
        "d": {"2": []},
    }
    assert pins(packages, "a") == {"a": "2", "b": "2", "c": "2", "d": "2"}


def test_circles_are_allowed():
    packages = {"a": {"1": ["b"], "2": ["b >=2"]}, "b": {"1": ["a"], "2": ["a <2"]}, "c": {"1": ["c"]}}
    assert pins(packages, "a", "c") == {"a": "1", "b": "2", "c": "1"}


def test_package_at_odds_with_itself():
    assert pins({"a": {"2": ["a <2"], "1": []}}, "a") == {"a": "1"}


def test_version_with_an_unknown_dependency_is_passed_over():
    assert pins({"a": {"2": ["ghost"], "1": []}}, "a") == {"a": "1"}


def test_prereleases_need_every_requirement():
    packages = {"a": {"1.0": [], "2.0rc1": []}, "b": {"1": ["a"]}, "c": {"1": ["a >=2.0b1"]}}
    assert pins(packages, "a") == {"a": "1.0"}
    assert pins(packages, "a >=1.0a1") == {"a": "2.0rc1"}
    assert pins(packages, "c") == {"a": "2.0rc1", "c": "1"}
    with pytest.raises(ResolutionError):
        pins(packages, "b", "c")


def test_nothing_works_out():
    packages = {"a": {"1": ["c ==1"]}, "b": {"1": ["c ==2"]}, "c": {"1": [], "2": []}}
    for requirements in (["a", "b"], ["a >1"], ["c >2"]):
        with pytest.raises(ResolutionError):
            pins(packages, *requirements)


def test_package_without_versions():
    with pytest.raises(ResolutionError):
        pins({"a": {}}, "a")


def test_unknown_package():
    with pytest.raises(UnknownPackageError):
        pins({"a": {"1": []}}, "a", "ghost")


def test_every_version_needs_something_unknown():
    with pytest.raises(ResolutionError):
        pins({"a": {"1": ["ghost"], "2": ["spectre"]}}, "a")


def test_malformed_requirement():
    with pytest.raises(SpecifierError):
        pins({"a": {"1": []}}, "a >")


def test_edges():
    packages = {"Beta": {"1": ["Delta >=1", "alpha"]}, "alpha": {"1": ["delta"]}, "delta": {"1": []}}
    resolution = resolve(Index(packages), ["beta <2", "alpha"])
    assert list(resolution.pins) == ["alpha", "beta", "delta"]
    assert [(edge.source, str(edge.requirement)) for edge in resolution.edges] == [
        (None, "beta <2"),
        (None, "alpha"),
        ("alpha", "delta"),
        ("beta", "delta >=1"),
        ("beta", "alpha"),
    ]


def test_edges_are_those_of_the_pinned_versions():
    packages = {"a": {"2": ["c >=9"], "1": ["c >=1"]}, "c": {"1": []}}
    resolution = resolve(Index(packages), ["a"])
    assert [(edge.source, str(edge.requirement)) for edge in resolution.edges] == [(None, "a"), ("a", "c >=1")]


def test_requirements_may_be_a_generator_and_the_index_can_be_used_again():
    index = Index({"a": {"2": ["b <2"], "1": []}, "b": {"1": [], "2": []}})
    first = resolve(index, (text for text in ["a", "b"]))
    assert resolve(index, ["a", "b"]) == first
    assert [str(version) for version in index.versions("b")] == ["2", "1"]
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
