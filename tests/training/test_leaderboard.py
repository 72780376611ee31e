"""A leaderboard has one row for one evaluation, ranks only what was measured by the same tasks, and loses nothing."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.training.evaluate import Evaluation, TaskResult
from journeyman.training.leaderboard import LeaderboardError, Row, add_row, ranked, read_rows, row_of
from journeyman.training.measures import Prices

FACTS: dict[str, Any] = {
    "backend": "namespace", "config": {"max_steps": 8}, "seeds": [0], "tasks": 2,
    "versions": {"journeyman": ["0.1.0"], "code": ["abc"], "model": ["tiny"]},
}  # fmt: skip


def result(task: str, *, resolved: bool, seed: int = 0, digest: str = "d") -> TaskResult:
    return TaskResult(
        task, seed, f"{task}-{seed}", resolved, float(resolved), 0, 0, "reported", 3, 20, 1.5, 300, False, False, None,
        digest, "2026-01-02T03:04:05.000+00:00",
    )  # fmt: skip


def evaluation(policy: str = "p", *resolved: bool, digest: str = "d", **facts: Any) -> Evaluation:
    outcomes = resolved or (True, False)
    results = tuple(result(f"task-{n}", resolved=each, digest=digest) for n, each in enumerate(outcomes))
    return Evaluation(policy, results, FACTS | facts)


def test_a_row_says_who_what_and_how_much() -> None:
    row = row_of(evaluation(weights="sha256:ff", tasks_from="heldout"), Prices(hour=3600.0))
    assert (row.policy, row.weights, row.tasks_from) == ("p", "sha256:ff", "heldout")
    assert (row.tasks, row.backend) == (2, "namespace")
    assert (row.resolved, row.scored, row.resolve_rate.value) == (1, 2, 0.5)
    assert row.pass_at_k[1].value == 0.5
    assert (row.per_solved.tokens_sampled, row.per_solved.cost) == (40, pytest.approx(1.5))
    assert row.self_correction.value is None


def test_the_same_evaluation_has_one_row(tmp_path: Path) -> None:
    board = tmp_path / "shared" / "board.jsonl"
    assert add_row(board, row_of(evaluation())) is None
    before = board.read_bytes()
    assert (
        add_row(board, row_of(evaluation("p", True, True))) == read_rows(board)[0]
    )  # how it came out is not who it is
    assert board.read_bytes() == before
    for other in (
        evaluation("q"), evaluation(weights="sha256:01"), evaluation(digest="e"), evaluation(seeds=[0, 1]),
        evaluation(backend="docker"), evaluation(config={"max_steps": 9}), evaluation(versions={"journeyman": ["0.2"]}),
    ):  # fmt: skip
        assert add_row(board, row_of(other)) is None
    assert len(read_rows(board)) == 8
    assert board.read_bytes().startswith(before)


def test_rows_of_other_tasks_are_not_ranked_together() -> None:
    low, high, other = evaluation("low", False, False), evaluation("high", True, True), evaluation("x", digest="e")
    boards = ranked(map(row_of, (low, other, high)))
    assert [[row.policy for row in rows] for rows in boards.values()] == [["high", "low"], ["x"]]


def test_where_nothing_was_scored_there_is_nothing_to_rank() -> None:
    """An endpoint was down: a row of it would stand in the way of the real one."""
    down = [replace(each, reward=None, stop="policy_error") for each in evaluation().results]
    with pytest.raises(LeaderboardError, match="nothing was scored"):
        row_of(Evaluation("p", tuple(down), FACTS))


def test_a_result_that_does_not_know_its_tasks_gets_no_row() -> None:
    with pytest.raises(LeaderboardError, match="run it anew"):
        row_of(evaluation(digest=""))
    old = evaluation()
    with pytest.raises(LeaderboardError, match="run it anew"):
        row_of(replace(old, facts={key: value for key, value in old.facts.items() if key != "versions"}))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda line: line[: len(line) // 2], "row 2: Invalid JSON"),
        (lambda line: "[1]", "row 2: Input should be an object"),
        (lambda line: json.dumps({**json.loads(line), "resolved": -1}), "row 2: resolved: Input should be greater"),
        (lambda line: json.dumps({**json.loads(line), "suite": ""}), "row 2: suite: "),
        (lambda line: line.replace('"scored":2', '"scored":NaN'), "row 2: "),
        (lambda line: line.replace('"at":', '"when":'), "row 2: at: Field required"),
        (lambda line: "\udcff", "row 2: "),
        (lambda line: "[" * 100_000, "row 2: "),
    ],
)  # fmt: skip
def test_a_broken_row_is_named_and_nothing_is_added_to_it(tmp_path: Path, broken: Any, said: str) -> None:
    board = tmp_path / "board.jsonl"
    for policy in "abc":
        add_row(board, row_of(evaluation(policy)))
    lines = board.read_text().splitlines()
    lines[1] = broken(lines[1])
    board.write_text("\n".join(lines), errors="surrogateescape")
    before = board.read_bytes()
    for read in (lambda: read_rows(board), lambda: add_row(board, row_of(evaluation("d")))):
        with pytest.raises(LeaderboardError) as told:
            read()
        assert said in str(told.value) and "\n" not in str(told.value)
        assert len(str(told.value)) < 500
    assert board.read_bytes() == before


def test_a_row_that_was_copied_is_named(tmp_path: Path) -> None:
    board = tmp_path / "board.jsonl"
    add_row(board, row_of(evaluation()))
    board.write_text(board.read_text() * 2)
    with pytest.raises(LeaderboardError, match="row 2: the same evaluation stands above"):
        read_rows(board)


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    board = tmp_path / "board.jsonl"
    add_row(board, row_of(evaluation()))
    board.write_text(json.dumps({**json.loads(board.read_text()), "energy_kwh": 3}))  # and no end of line
    assert add_row(board, row_of(evaluation("q"))) is None
    assert [row.policy for row in read_rows(board)] == ["p", "q"]


def test_no_file_and_no_place_for_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(LeaderboardError, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(LeaderboardError, match="cannot be written"):
        add_row(tmp_path, row_of(evaluation()))


names = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=25)
@given(st.lists(st.tuples(names, st.booleans(), st.sampled_from(["d", "e"])), max_size=6))
def test_whatever_a_policy_is_called_its_row_comes_back(added: list[tuple[str, bool, str]]) -> None:
    rows = [row_of(evaluation(name, resolved, True, digest=digest)) for name, resolved, digest in added]
    with TemporaryDirectory() as folder:
        board = Path(folder, "board.jsonl")
        new = [row for row in rows if add_row(board, row) is None]
        assert (read_rows(board) if rows else []) == new
    assert len({row.id for row in new}) == len(new) == len({row.id for row in rows})
    for group in ranked(new).values():
        values = [row.resolve_rate.value for row in group]
        assert values == sorted(values, reverse=True, key=lambda value: value or 0.0)


def _add_all(board: Path, policies: range) -> None:
    for number in policies:
        add_row(board, row_of(evaluation(f"policy-{number}")))


@pytest.mark.slow
def test_many_who_add_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    board = tmp_path / "board.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add_all, args=(board, range(n, n + 12))) for n in (0, 4, 8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(row.policy for row in read_rows(board)) == sorted(f"policy-{n}" for n in range(20))
    assert all(isinstance(row, Row) for row in read_rows(board))
