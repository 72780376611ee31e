"""Tasks are found by what people look for, and what was proven of them is read from beside their folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.tasks.facts import Wanted, language_of, proof_of, source_of
from journeyman.tasks.task import Task
from tests.tasks.conftest import lay, make_shop
from tests.tasks.syntax_sources import SOURCES


@pytest.mark.parametrize(
    ("path", "language"),
    [("lib/shelf.js", "javascript"), ("src/shelf.ts", "typescript"), ("shelf.go", "go"), ("src/lib.rs", "rust")],
)
def test_a_task_has_the_language_of_what_is_changed(tmp_path: Path, path: str, language: str) -> None:
    text = SOURCES[path].decode()
    task = make_shop(tmp_path, solution={path: text})
    assert language_of(task) == language
    lay(tmp_path / "other", {"README.md": "Only words."})
    assert language_of(task.model_copy(update={"solution": None})) == "python"
    assert language_of(task.model_copy(update={"solution": None, "repository": tmp_path / "other"})) == ""


def test_what_is_wanted(shop: Task) -> None:
    metadata = {"source": "mutation", "difficulty": "easy", "library": "toolz", "version": "1.0.0"}
    minted = shop.model_copy(update={"metadata": metadata})
    assert Wanted().takes(shop)
    assert source_of(shop) == "template"
    for wanted in (
        Wanted(language="python"), Wanted(source="mutation"), Wanted(difficulty="easy"), Wanted(library="toolz"),
        Wanted("python", "mutation", "easy", "toolz==1.0.0"),
    ):  # fmt: skip
        assert wanted.takes(minted), wanted
    for other in (
        Wanted(language="go"), Wanted(source="commit"), Wanted(difficulty="hard"), Wanted(library="toolz==2.0.0"),
        Wanted("python", "mutation", "easy", "funcy"),
    ):  # fmt: skip
        assert not other.takes(minted), other
    assert not Wanted(library="toolz").takes(shop)


@pytest.mark.parametrize(("file", "key"), [("recipes.jsonl", "task"), ("projects.jsonl", "project")])
def test_the_proof_stands_beside_the_folder(shop: Task, tmp_path: Path, file: str, key: str) -> None:
    assert proof_of(shop) == {}
    rows: list[object] = [
        {"requirement": "shop==1"}, 3, {key: "journeyman/other", "proof": {"reference": "0/3"}},
        {key: shop.name, "proof": {"reference": "3/3", "noop": "0/3"}, "assurance": "split"},
    ]  # fmt: skip
    (tmp_path / file).write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"torn')
    assert proof_of(shop) == {"reference": "3/3", "noop": "0/3", "assurance": "split"}


def test_a_record_that_is_none_proves_nothing(shop_with: Callable[..., Task], tmp_path: Path) -> None:
    (tmp_path / "recipes.jsonl").write_text('no json\n{"task": "journeyman/shop", "proof": "3/3"}\n')
    assert proof_of(shop_with()) == {}
