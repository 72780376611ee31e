"""A line of commits becomes one project: run, untangled, told without the answer, and proven state by state."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.contract import MAX_LINES, contract
from journeyman.tasks.sources.git_history import History
from journeyman.tasks.sources.history_make import HistoryReport, make_history
from journeyman.tasks.sources.history_states import States, renamed
from journeyman.tasks.sources.history_steps import Step, steps_of
from journeyman.tasks.sources.history_trial import direct
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.stubs import find_units
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from tests.tasks.histories import Repo, long_history, shop_history


def made(repo: Path, out: Path, sandboxes: SandboxFactory, **more: str) -> HistoryReport:
    return make_history(repo, out=out, sandboxes=sandboxes, most=12, **more)  # type: ignore[arg-type]


def steps(repo: Repo, since: str | None = None, until: str | None = None, most: int = 12) -> tuple[Step, ...]:
    with History(repo.folder) as history:
        return steps_of(history, since, until, most, 3)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sandboxes: SandboxFactory) -> tuple[Task, dict[str, str]]:
    folder = tmp_path_factory.mktemp("history")
    repo, commits = long_history(folder / "shop")
    report = made(repo.folder, folder / "out", sandboxes)
    assert report.task is not None
    return report.task, commits


def test_a_step_is_source_with_its_tests_or_tests_that_follow_it(tmp_path: Path) -> None:
    repo, commits = long_history(tmp_path / "shop")
    found = steps(repo)
    assert [step.after for step in found] == [commits[name] for name in ("rounding", "its test", "tax", "whole cents")]
    assert found[0].before == commits["first"] and found[1].messages[0].startswith("A negative quantity")
    assert steps(repo, most=3) == found[1:]
    assert steps(repo, since=commits["rounding"], until="HEAD~1") == found[1:3]


def test_what_removes_source_breaks_the_run(tmp_path: Path) -> None:
    repo, commits = shop_history(tmp_path / "shop")
    assert commits["rename"] not in {commit for step in steps(repo) for commit in (step.before, step.after)}
    found = steps(repo, until=commits["rename"])
    assert found[-1].after == commits["new name"], "the newest run that is long enough ends before the rename"


def test_parts_are_merged_without_those_between(tmp_path: Path) -> None:
    repo, _ = long_history(tmp_path / "shop")
    with History(repo.folder) as history:
        states = States(history, steps_of(history, None, None, 12, 3))
        both = states.merged([(0, 1), (1, 2)])
        assert both == states.sources(2)
        second = states.merged([(1, 2)])
        assert second is not None and b"max(0, price" in second["shop/prices.py"]
        assert b"+ 50" not in second["shop/prices.py"], "the first part is not in it"
        assert states.merged([(3, 4)]) is None, "it changes a file that only the third part makes"
    assert renamed("tests/test_tax.py", 3) == "tests/test_part03_tax.py"
    assert renamed("tests/tax_test.py", 3) == "tests/part03_tax_test.py"


def test_docstrings_are_told_whole_for_there_are_no_stubs_to_look_at() -> None:
    source = b'def far():\n    """Far.\n' + b"\n    A line.\n" * MAX_LINES + b'    The end."""\n    return 1\n'
    units, sources = find_units("far.py", source), {"far.py": source}
    whole = contract(units, sources, {}, longest=None)
    assert "The end." in whole and "stubs" not in whole
    assert "The end." not in contract(units, sources, {}) and "stubs" in contract(units, sources, {})


def test_only_the_nearest_needs_are_named() -> None:
    assert direct([frozenset(), frozenset({0}), frozenset({0, 1}), frozenset()]) == ((), (0,), (1,), ())


@pytest.mark.slow
def test_commits_become_milestones_that_need_what_they_need(shop: tuple[Task, dict[str, str]]) -> None:
    task, commits = shop
    rounding, negative, tax, cents = task.milestones
    assert [m.checks for m in task.milestones] == [
        ("tests/test_part01_prices.py::test_discount_of_half_a_cent",),
        ("tests/test_part02_prices.py::test_no_negative_line",),
        ("tests/test_part03_tax.py::test_tax",),
        ("tests/test_part04_tax.py::test_tax_of_part_of_a_cent",),
    ]
    assert [m.depends_on for m in (rounding, negative, tax, cents)] == [(), (), (), (tax.name,)]
    assert task.metadata["first"] == commits["first"] and task.metadata["commits"][tax.name] == commits["tax"]
    assert len(task.pass_to_pass) == 3


@pytest.mark.slow
def test_contracts_say_what_is_wanted_and_not_how(shop: tuple[Task, dict[str, str]]) -> None:
    task, _ = shop
    rounding, _, tax, _ = task.milestones
    assert "Half a cent of a discounted price goes up" in rounding.instruction
    assert "assert discount(105, 50) == 53" in rounding.instruction
    for leak in ("#12", "50 + price", "prices.py"):
        assert leak not in rounding.instruction
    assert "def with_tax(price, rate):" in tax.instruction and "return price" not in tax.instruction
    seen = [task.instruction, *(m.instruction for m in task.milestones)]
    assert not any(name.rpartition("/")[2] in text for name, _ in walk(task.hidden or Path()) for text in seen)


@pytest.mark.slow
def test_every_milestone_can_be_closed_by_itself_with_what_it_builds_on(
    shop: tuple[Task, dict[str, str]], sandboxes: SandboxFactory
) -> None:
    task, _ = shop
    reference = solution_tree(task)
    only_tax = {path: file for path, file in reference.changed.items() if path == "shop/tax.py"}
    verdict = grade(task, type(reference)("", "", only_tax), sandboxes)
    assert [closed for _, closed in sorted(verdict.milestones.items())] == [False, True, False, True]
    assert grade(task, reference, sandboxes).resolved


@pytest.mark.slow
def test_what_stands_is_taken_as_it_is_and_nothing_is_left_of_what_fails(
    tmp_path: Path, sandboxes: SandboxFactory
) -> None:
    repo, commits = long_history(tmp_path / "shop")
    with pytest.raises(SourceError, match="2 pieces of work that bring tests stand in a row"):
        made(repo.folder, tmp_path / "out", sandboxes, since=commits["its test"])
    with pytest.raises(SourceError, match="it has no commit nowhere"):
        made(repo.folder, tmp_path / "out", sandboxes, since="nowhere")
    assert not (tmp_path / "out").exists()
    first = made(repo.folder, tmp_path / "out", sandboxes)
    again = made(repo.folder, tmp_path / "out", sandboxes)
    assert again.resumed and again.task == first.task
    assert [path.name for path in (tmp_path / "out").iterdir()] == [first.folder.name]
