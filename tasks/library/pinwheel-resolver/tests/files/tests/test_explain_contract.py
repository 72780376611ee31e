import pytest

from pinwheel import Index, render_tree, resolve, why

PACKAGES = {
    "app": {"1.0": ["web >=1", "db"]},
    "web": {"1.2": ["core >=2,<3"]},
    "db": {"0.9": ["Core"]},
    "core": {"2.1": ["base"], "3.0": []},
    "base": {"1": []},
    "left": {"1": ["right"]},
    "right": {"1": ["left", "base"]},
}


def resolution(*requirements):
    return resolve(Index(PACKAGES), requirements)


def test_required_by_the_project():
    assert why(resolution("app", "core"), "core") == [("core",)]


def test_all_shortest_chains_sorted():
    assert why(resolution("app"), "core") == [("app", "db", "core"), ("app", "web", "core")]


def test_longer_chains_are_left_out():
    assert why(resolution("app", "db"), "core") == [("db", "core")]


def test_chains_from_several_requirements_of_the_project():
    assert why(resolution("web", "db"), "base") == [("db", "core", "base"), ("web", "core", "base")]


def test_any_spelling():
    assert why(resolution("app"), "WEB") == [("app", "web")]


def test_each_chain_once():
    assert why(resolution("db", "db >=0"), "core") == [("db", "core")]


def test_circles_end_in_chains():
    assert why(resolution("left"), "base") == [("left", "right", "base")]


def test_not_pinned():
    with pytest.raises(KeyError):
        why(resolution("core"), "web")


def test_tree():
    assert render_tree(resolution("app", "base")).splitlines() == [
        "app 1.0 [any]",
        "  web 1.2 [>=1]",
        "    core 2.1 [>=2,<3]",
        "      base 1 [any]",
        "  db 0.9 [any]",
        "    core 2.1 [any] (*)",
        "base 1 [any]",
    ]


def test_package_is_expanded_where_it_comes_first_from_the_top():
    assert render_tree(resolution("db", "web")).splitlines() == [
        "db 0.9 [any]",
        "  core 2.1 [any]",
        "    base 1 [any]",
        "web 1.2 [any]",
        "  core 2.1 [>=2,<3] (*)",
    ]


def test_same_requirement_twice():
    assert render_tree(resolution("db", "DB >=0.5,<1")).splitlines()[-1] == "db 0.9 [>=0.5,<1] (*)"


def test_circle_in_a_tree():
    assert render_tree(resolution("left")).splitlines() == [
        "left 1 [any]",
        "  right 1 [any]",
        "    left 1 [any] (*)",
        "    base 1 [any]",
    ]


def test_leaf_is_never_marked():
    assert render_tree(resolution("base", "base >=1")) == "base 1 [any]\nbase 1 [>=1]"


def test_empty():
    assert render_tree(resolution()) == ""
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
