import pytest

from pinwheel import CycleError, install_batches


def test_nothing():
    assert install_batches({}) == []


def test_independent_packages_share_a_batch():
    assert install_batches({"c": [], "a": [], "b": []}) == [["a", "b", "c"]]


def test_each_comes_as_early_as_it_can():
    graph = {"app": ["web", "db"], "web": ["core"], "db": [], "core": [], "docs": ["db"]}
    assert install_batches(graph) == [["core", "db"], ["docs", "web"], ["app"]]


def test_names_that_are_only_dependencies():
    assert install_batches({"app": ["core", "zlib"]}) == [["core", "zlib"], ["app"]]


def test_any_iterable_and_repeated_names():
    assert install_batches({"app": (name for name in ["core", "core"]), "core": frozenset()}) == [["core"], ["app"]]


def test_graph_is_left_alone():
    graph = {"app": ["core"], "core": set()}
    install_batches(graph)
    assert graph == {"app": ["core"], "core": set()}


def test_long_chain():
    graph = {f"p{n:04}": [f"p{n + 1:04}"] for n in range(2000)}
    batches = install_batches(graph)
    assert len(batches) == 2001
    assert batches[0] == ["p2000"]
    assert batches[-1] == ["p0000"]


def test_circle():
    with pytest.raises(CycleError) as caught:
        install_batches({"c": ["a"], "b": ["c"], "a": ["b"]})
    assert caught.value.cycle == ["a", "b", "c"]


def test_direction_of_a_circle():
    with pytest.raises(CycleError) as caught:
        install_batches({"a": ["c"], "c": ["b"], "b": ["a"]})
    assert caught.value.cycle == ["a", "c", "b"]


def test_package_that_depends_on_itself():
    with pytest.raises(CycleError) as caught:
        install_batches({"a": ["a"], "b": []})
    assert caught.value.cycle == ["a"]


def test_what_only_leads_into_a_circle_is_not_part_of_it():
    with pytest.raises(CycleError) as caught:
        install_batches({"a": ["x"], "x": ["y"], "y": ["x", "z"], "z": []})
    assert caught.value.cycle == ["x", "y"]


def test_one_of_several_circles():
    graph = {"a": ["b"], "b": ["a"], "m": ["n"], "n": ["o"], "o": ["m"], "z": ["a", "m"]}
    with pytest.raises(CycleError) as caught:
        install_batches(graph)
    assert caught.value.cycle in (["a", "b"], ["m", "n", "o"])
# journeyman-canary-22583a0fea7af6a7ea61dae95596cc4f
