"""A repository is looked at again when the kernel says that something in it changed, and only then."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.sandbox import template
from journeyman.sandbox.template import template_of
from journeyman.sandbox.watch import Watch


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "deep" / "er").mkdir(parents=True)
    for path in ("a", "deep/b", "deep/er/c"):
        (root / path).write_text(path)
    return root


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda root: (root / "deep/er/c").write_text("new"),
    "appended": lambda root: os.write(os.open(root / "a", os.O_WRONLY | os.O_APPEND), b"x"),
    "made": lambda root: (root / "deep" / "new").touch(),
    "deleted": lambda root: (root / "a").unlink(),
    "moved": lambda root: (root / "a").rename(root / "deep" / "a"),
    "mode": lambda root: (root / "deep/b").chmod(0o755),
    "date": lambda root: os.utime(root / "a", (1, 1)),
    "link": lambda root: (root / "link").symlink_to("a"),
    "folder": lambda root: (root / "deep" / "folder").mkdir(),
    "folder away": lambda root: (root / "deep").rename(root / "other"),
    "replaced": lambda root: (root.rename(root.with_name("old")), root.mkdir()),
}


@pytest.mark.parametrize("how", CHANGES)
def test_every_change_is_told(how: str, tree: Path) -> None:
    watch = Watch()
    assert not watch.is_still(tree), "nobody watches it yet"
    watch.begin(tree, [".", "deep", "deep/er"])
    (tree / "deep" / "b").read_text()
    assert sorted(path.name for path in tree.iterdir()) == ["a", "deep"]
    assert watch.is_still(tree)
    CHANGES[how](tree)
    assert not watch.is_still(tree)
    assert not watch.is_still(tree), "until it is watched anew"


def test_trees_are_told_apart(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    watch = Watch()
    watch.begin(tree, [".", "deep", "deep/er"])
    watch.begin(other, ["."])
    (other / "new").touch()
    assert watch.is_still(tree) and not watch.is_still(other)
    watch.begin(other, ["."])
    assert watch.is_still(other)


def test_what_cannot_be_watched_counts_as_changed(tree: Path) -> None:
    watch = Watch()
    watch.begin(tree, [".", "gone"])
    assert not watch.is_still(tree)
    watch.begin(tree, ["."] * 3000)
    assert not watch.is_still(tree)


def test_an_unchanged_repository_is_walked_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = template_of(tree)
    walks: list[Path] = []
    walk = template._walk
    monkeypatch.setattr(template, "_walk", lambda root: walks.append(root) or walk(root))
    assert template_of(tree) is first and not walks
    (tree / "a").write_text("other")
    assert template_of(tree).tree_hash != first.tree_hash
    (tree / "a").write_text("a")
    assert template_of(tree).tree_hash == first.tree_hash
    assert len(walks) == 2
