"""A held-out set has nothing of a training set: no task, function or library of it, and nothing that reads alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.sources.likeness import KINDS, Likeness, OverlapError, compare, likeness_of, require_apart
from journeyman.tasks.task import Task
from tests.tasks.conftest import REPOSITORY, SOLUTION, make_shop
from tests.tasks.syntax_sources import GO

PARCEL = """\
def cost(weight, distance, express=False):
    if weight <= 0 or distance < 0:
        raise ValueError("a parcel weighs something and goes somewhere")
    base = 4 + weight * 2 + distance // {step}
    if express and distance > 100:
        base = base * 3 // 2
    return min(base, 90)
"""


def of_library(task: Task, library: str, version: str = "1.0") -> Task:
    return task.model_copy(update={"metadata": {"library": library, "version": version}})


@pytest.fixture
def parcels(tmp_path: Path) -> Callable[..., Task]:
    """A task in which a function of another repository is wrong."""

    def make(name: str, path: str = "parcels/cost.py", library: str = "") -> Task:
        task = make_shop(
            tmp_path / name,
            repository={**REPOSITORY, "shop/cart.py": f"# {name}\n" + "x = 1\n" * 40, path: PARCEL.format(step=10)},
            solution={path: PARCEL.format(step=8)},
        )
        task = task.model_copy(update={"name": f"journeyman/{name}"})
        return of_library(task, library) if library else task

    return make


def kinds(trained: Sequence[Task], heldout: Sequence[Task]) -> list[str]:
    return [kin.kind for kin in compare([likeness_of(t) for t in trained], [likeness_of(h) for h in heldout])]


def test_what_a_task_is_compared_by(shop: Task) -> None:
    likeness = likeness_of(of_library(shop, "Shop.Kit"))
    assert likeness.library == "shop-kit"
    assert likeness.functions == {"shop/cart.py::total", "shop/tax.py::with_tax"}
    assert "return sum ( prices" in likeness.shingles
    assert Likeness.from_dict(likeness.to_dict()) == replace(likeness, shingles=frozenset(), files=frozenset())


def test_the_same_task_under_another_name(shop: Task) -> None:
    assert kinds([shop], [shop.model_copy(update={"name": "other/shop"})]) == ["same task"]


def test_a_function_is_the_same_in_any_version(tmp_path: Path, parcels: Callable[..., Task]) -> None:
    one = parcels("one", library="parcels")
    moved = parcels("two", path="src/parcels/cost.py", library="Parcels")
    assert kinds([one], [moved]) == ["same function"]
    other = of_library(make_shop(tmp_path / "three"), "parcels", "2.0")
    assert kinds([one], [other]) == ["same library"]


def test_a_copied_function_is_a_near_duplicate(parcels: Callable[..., Task], shop: Task) -> None:
    vendored = parcels("two", path="bundled/_vendor/price.py", library="carrier")
    assert kinds([parcels("one", library="parcels")], [vendored]) == ["near duplicate"]
    assert kinds([of_library(shop, "shop")], [vendored]) == []


def test_a_repository_is_known_by_its_files_where_no_library_is_named(tmp_path: Path, shop: Task) -> None:
    lines = {f"shop/part{n}.py": f"def part{n}():\n    return {n}\n" * 10 for n in range(3)}
    one = make_shop(
        tmp_path / "one", repository={**REPOSITORY, **lines}, solution={"shop/cart.py": SOLUTION["shop/cart.py"]}
    )
    two = make_shop(
        tmp_path / "two", repository={**REPOSITORY, **lines}, solution={"shop/tax.py": SOLUTION["shop/tax.py"]}
    ).model_copy(update={"name": "journeyman/two"})
    assert likeness_of(one).files
    assert kinds([one], [two.model_copy(update={"checks": two.checks[:2], "milestones": ()})]) == ["same library"]


def test_functions_are_found_in_every_language(tmp_path: Path) -> None:
    task = make_shop(tmp_path, repository={"shelf.go": GO.decode()},
                     solution={"shelf.go": GO.decode().replace("days - 14", "days - 15")})  # fmt: skip
    assert likeness_of(task).functions == {"shelf.go::grade"}


def test_an_overlap_is_one_line_that_says_how_to_go_on(parcels: Callable[..., Task], shop: Task) -> None:
    trained = [likeness_of(parcels("one", library="parcels"))]
    require_apart(trained, [likeness_of(of_library(shop, "shop"))], "use another")
    heldout = [likeness_of(parcels("two", library="parcels")), likeness_of(of_library(shop, "parcels"))]
    with pytest.raises(OverlapError) as caught:
        require_apart(trained, heldout, "use another")
    assert str(caught.value) == (
        "2 of 2 tasks are kin of what was trained on (1 by same function, 1 by same library), such as journeyman/two "
        "of journeyman/one (parcels/cost.py::cost): measured by them, memory counts as skill; use another"
    )


LIKENESSES = st.builds(
    Likeness, st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]), st.sampled_from(["", "1", "2"]),
    st.frozensets(st.sampled_from(["p::f", "p::g"])), st.frozensets(st.text("ab", max_size=5), max_size=20),
)  # fmt: skip


@given(st.lists(LIKENESSES, max_size=5), st.lists(LIKENESSES, max_size=5))
def test_kin_are_kin_both_ways(one: list[Likeness], other: list[Likeness]) -> None:
    there, back = compare(one, other), compare(other, one)
    assert bool(there) is bool(back)
    assert {kin.kind for kin in (*there, *back)} <= set(KINDS)
    assert all(likeness.task in {kin.heldout for kin in compare([likeness], [likeness])} for likeness in one)
