"""Which edits count. What steers the tests never does, whatever the task's globs allow."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import Environment, File, Limits, Snapshot
from journeyman.tasks.edits import MAX_EDIT_BYTES, MAX_EDIT_FILES, STEERING, matches, source_edits
from journeyman.tasks.task import Check, Task

from .conftest import REPOSITORY

names = st.sampled_from(
    ["a", "b.py", "test_x.py", "conftest.py", ".git", "shop", "tests", "x.pth", "..", "", "setup.cfg"]
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


def left_by_policy(*changed: str, removed: tuple[str, ...] = (), skipped: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot("after", "before", {path: File(b"x") for path in changed}, frozenset(removed), skipped)


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a.py", "**/*.py", True),
        ("x/y/a.py", "**/*.py", True),
        ("x/y/a.py", "x/*.py", False),
        ("x/a.py", "x/*.py", True),
        ("x/a.py", "x/**", True),
        ("xa.py", "x?.py", True),
        ("x/.py", "x?.py", False),
        ("a+b.py", "a+b.py", True),
        ("a\n.py", "*.py", True),
    ],
)
def test_globs_mean_what_they_mean_elsewhere(path: str, glob: str, fits: bool) -> None:
    assert matches(path, glob) is fits


@pytest.mark.parametrize(
    "path",
    [
        "shop/conftest.py", "conftest.py", "pytest.ini", "setup.cfg", "pyproject.toml", "tox.ini", "shop/x.pth",
        "sitecustomize.py", "usercustomize.py", ".hidden/x.py", "shop/.x.py", "test_new.py", "shop/cart_test.py",
        "tests/helper.py", "tests/test_hidden_tax.py", "tests/test_hidden_tax.py/x.py", "shop/__pycache__/cart.pyc",
        "../outside.py", "/etc/x.py", "shop//cart.py", "./shop/cart.py", "README.md", "json.py", "random/__init__.py",
        "_pytest/runner.py", "pluggy.py", "decimal.pyi", "shop/fast.so", "shop/fast.cpython-311-x86_64-linux-gnu.so",
        "shop.egg-info/entry_points.txt", "plugin-1.0.dist-info/entry_points.txt", "sitecustomize/__init__.py",
        "shop/new\nline.py", "shop/\u202ereversed.py", "shop/" + "deep/" * 40 + "x.py", "shop/" + "x" * 500 + ".py",
    ],
)  # fmt: skip
def test_what_steers_the_tests_does_not_count(path: str, shop: Task) -> None:
    wide = shop.model_copy(update={"editable": ("**", "/**", "../**")})
    task = shop if path == "README.md" else wide
    edits = source_edits(task, left_by_policy(path, "shop/cart.py"))
    assert list(edits.changed) == ["shop/cart.py"]
    assert edits.ignored == (path,)


def test_a_file_that_holds_checks_does_not_count_wherever_it_stands(shop: Task) -> None:
    task = shop.model_copy(update={"checks": (*shop.checks, Check(id="shop/selfcheck.py::check_all"))})
    assert source_edits(task, left_by_policy("shop/selfcheck.py")).ignored == ("shop/selfcheck.py",)


def test_source_files_count_new_ones_and_removed_ones_too(shop: Task) -> None:
    tree = left_by_policy("shop/new/deep.py", removed=("shop/tax.py", "tests/test_cart.py"), skipped=("link",))
    edits = source_edits(shop, tree)
    assert list(edits.changed) == ["shop/new/deep.py"]
    assert edits.removed == ("shop/tax.py",)
    assert edits.ignored == ("link", "tests/test_cart.py")


def test_a_file_may_not_stand_where_hidden_files_need_a_folder(shop_with: object) -> None:
    task = shop_with(hidden={"checks/deep/test_a.py": ""})  # type: ignore[operator]
    task = task.model_copy(update={"editable": ("**",)})
    assert source_edits(task, left_by_policy("checks", "checks/deep")).ignored == ("checks", "checks/deep")


def test_what_does_not_fit_the_pristine_tree_does_not_count(shop: Task) -> None:
    wide = shop.model_copy(update={"editable": ("**",)})
    unfit = ("README.md/x", "a/b", "shop")
    assert source_edits(wide, left_by_policy("a", *unfit)).ignored == unfit
    moved = source_edits(wide, left_by_policy("README.md/x", removed=("README.md", "was/never/there.py")))
    assert (list(moved.changed), moved.removed, moved.ignored) == (
        ["README.md/x"],
        ("README.md",),
        ("was/never/there.py",),
    )


def test_a_module_of_the_repository_may_be_named_like_one_of_the_library_s(shop_with: object) -> None:
    task = shop_with(repository={**REPOSITORY, "queue/__init__.py": ""})  # type: ignore[operator]
    assert list(source_edits(task, left_by_policy("queue/fair.py", "heapq.py")).changed) == ["queue/fair.py"]


def test_a_heap_of_edits_is_cut(shop: Task) -> None:
    heap = {f"shop/big{i}.py": File(b"x" * (MAX_EDIT_BYTES // 2)) for i in range(3)}
    edits = source_edits(shop, Snapshot("after", "", {**heap, "shop/cart.py": File(b"")}))
    assert list(edits.changed) == ["shop/big0.py", "shop/cart.py"]
    many = {f"shop/m{i}.py": File(b"") for i in range(MAX_EDIT_FILES + 10)}
    assert len(source_edits(shop, Snapshot("after", "", many)).changed) == MAX_EDIT_FILES


def test_edits_leave_half_of_the_disk_and_of_its_inodes(shop: Task) -> None:
    small = shop.model_copy(update={"limits": Limits(disk_mb=4, inodes=100)})
    large = {f"shop/{i}.py": File(b"x" * 2**20) for i in range(4)}
    assert len(source_edits(small, Snapshot("after", "", large)).changed) == 1
    deep = {f"shop/{i}/a/b/c/x.py": File(b"") for i in range(50)}  # each a file and four folders
    assert len(source_edits(small, Snapshot("after", "", deep)).changed) == 10


def test_tests_in_the_root_do_not_guard_the_whole_repository(shop: Task) -> None:
    task = shop.model_copy(update={"test_paths": (".",)})
    assert list(source_edits(task, left_by_policy("shop/cart.py")).changed) == ["shop/cart.py"]


@given(st.lists(paths, max_size=6), st.lists(paths, max_size=3))
def test_every_edit_either_counts_or_is_listed(changed: list[str], removed: list[str]) -> None:
    pristine = Path(__file__).parent  # any folder will do
    task = Task.model_construct(
        checks=(), editable=("**",), test_paths=("tests",), hidden=None, repository=pristine, environment=Environment()
    )
    edits = source_edits(task, left_by_policy(*changed, removed=tuple(removed)))
    assert {*edits.changed, *edits.removed, *edits.ignored} == {*changed, *removed}
    for path in (*edits.changed, *edits.removed):
        parts = PurePosixPath(path).parts
        assert not set(parts) & STEERING
        assert ".." not in parts
        assert parts[0] != "tests"
