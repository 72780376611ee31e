import pytest

from pinwheel import CycleError, Index, LockError, Problem, Version, check_lock, read_lock, resolve, write_lock

PACKAGES = {
    "app-kit": {"2.0": ["core >=2", "tools"]},
    "tools": {"1.0rc1": [], "0.9": ["Core"]},
    "core": {"2.1": [], "2.0": [], "1.0": []},
    "spare": {"1": []},
}


def versions(**texts):
    return {name.replace("_", "-"): Version.parse(text) for name, text in texts.items()}


def test_write():
    text = write_lock(resolve(Index(PACKAGES), ["app-kit", "core"]))
    assert text == (
        "# pinwheel lock 1\n"
        "core==2.1  # via (project), app-kit, tools\n"
        "tools==0.9  # via app-kit\n"
        "app-kit==2.0  # via (project)\n"
    )


def test_write_nothing():
    assert write_lock(resolve(Index({}), [])) == "# pinwheel lock 1\n"


def test_source_is_named_once():
    text = write_lock(resolve(Index({"a": {"1": ["b", "b <2"]}, "b": {"1": []}}), ["a", "a >=1"]))
    assert text.splitlines()[1:] == ["b==1  # via a", "a==1  # via (project)"]


def test_write_refuses_circles():
    resolution = resolve(Index({"a": {"1": ["b"]}, "b": {"1": ["a"]}}), ["a"])
    with pytest.raises(CycleError):
        write_lock(resolution)


def test_read_what_was_written():
    resolution = resolve(Index(PACKAGES), ["app-kit", "spare"])
    pins = read_lock(write_lock(resolution))
    assert pins == resolution.pins
    assert list(pins) == ["core", "spare", "tools", "app-kit"]


def test_read_is_forgiving_about_space_and_comments():
    text = "# pinwheel lock 1  \n\n  # by hand\n  App_Kit==2.0# why not\ncore==1.0   \n\t\n"
    assert read_lock(text) == versions(app_kit="2.0", core="1.0")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("core==1.0\n", 1),
        ("# pinwheel lock 2\ncore==1.0\n", 1),
        ("\n# pinwheel lock 1\n", 1),
        ("# pinwheel lock 1\ncore\n", 2),
        ("# pinwheel lock 1\n\ncore>=1.0\n", 3),
        ("# pinwheel lock 1\ncore==1.0\ncore==\n", 3),
        ("# pinwheel lock 1\ncore==1.0 tools==1\n", 2),
        ("# pinwheel lock 1\n==1.0\n", 2),
        ("# pinwheel lock 1\ncore==one\n", 2),
        ("# pinwheel lock 1\n-core==1\n", 2),
        ("# pinwheel lock 1\ncore==1.0\n# fine\nCore==1.0\n", 4),
    ],
    ids=range(12),
)
def test_read_errors_name_the_line(text, line):
    with pytest.raises(LockError, match=rf"\bline {line}\b"):
        read_lock(text)


def check(pins, *requirements, packages=PACKAGES):
    return check_lock(pins, Index(packages), requirements)


def test_fresh_lock_has_no_problems():
    index = Index(PACKAGES)
    pins = read_lock(write_lock(resolve(index, ["app-kit"])))
    assert check_lock(pins, index, ["app-kit"]) == []
    assert check({}) == []


def test_missing():
    assert check(versions(app_kit="2.0", core="2.1"), "app-kit") == [Problem("tools", "missing")]
    assert check({}, "core", "Core >1") == [Problem("core", "missing")]


def test_unused():
    assert check(versions(core="2.1", spare="1"), "core") == [Problem("spare", "unused")]


def test_unavailable_versions_and_packages():
    assert check(versions(core="3.0"), "core") == [Problem("core", "unavailable")]
    assert check(versions(ghost="1"), "ghost") == [Problem("ghost", "unavailable")]


def test_dependencies_of_what_is_unavailable_are_unused():
    assert check(versions(app_kit="3.0", core="2.1"), "app-kit") == [
        Problem("app-kit", "unavailable"),
        Problem("core", "unused"),
    ]


def test_mismatch_with_the_project_and_with_a_package():
    assert check(versions(core="2.1"), "core <2") == [Problem("core", "mismatch")]
    assert check(versions(app_kit="2.0", core="1.0", tools="0.9"), "app-kit") == [Problem("core", "mismatch")]


def test_dependencies_of_a_mismatch_are_followed():
    assert check(versions(app_kit="2.0", core="2.1"), "app-kit >2") == [
        Problem("app-kit", "mismatch"),
        Problem("tools", "missing"),
    ]


def test_prerelease_nobody_asked_for_is_a_mismatch():
    assert check(versions(tools="1.0rc1"), "tools") == [Problem("tools", "mismatch")]


def test_one_package_may_have_two_problems():
    assert check(versions(core="9"), "core <2") == [Problem("core", "mismatch"), Problem("core", "unavailable")]


def test_second_requirement_on_a_package_counts():
    assert check(versions(core="2.1"), "core", "core >=2", "core <2") == [Problem("core", "mismatch")]


def test_circles_end():
    packages = {"a": {"1": ["b"]}, "b": {"1": ["a"]}}
    assert check(versions(a="1", b="1"), "a", packages=packages) == []
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
