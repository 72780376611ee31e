"""The next round plays what teaches: tasks at the border first, new ones, and none that is solved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.training.evaluate import TaskResult
from journeyman.training.task_pool import Played, PoolError, draw, last_played


def result(task: str, resolved: bool, *, seed: int = 0, scored: bool = True) -> TaskResult:
    return TaskResult(task, seed, "e", resolved, float(resolved) if scored else None, 0, 0, "reported", 1, 0, 0.0)


def test_the_latest_round_counts_and_unscored_episodes_do_not() -> None:
    first = [result("a", False), result("a", True, seed=1), result("b", True)]
    second = [result("a", True), result("a", False, seed=1, scored=False), result("c", False, scored=False)]
    assert last_played([(1, first), (2, second)]) == {"a": Played(1, 1, 2), "b": Played(1, 1, 1)}


def test_the_border_comes_first_then_new_ones_then_the_others() -> None:
    played = {
        "solved": Played(4, 4, 1), "hopeless": Played(0, 4, 1), "easy": Played(9, 10, 1), "hard": Played(1, 10, 1),
        "low": Played(1, 5, 1), "high": Played(4, 5, 1),
    }  # fmt: skip
    names = ["solved", "hopeless", "new-1", "easy", "hard", "low", "new-2", "high"]
    drawn = draw(names, played, 8, 0.25)
    assert set(list(drawn.chosen)[:2]) == {"low", "high"}
    assert list(drawn.chosen)[2:] == ["new-1", "new-2", "easy", "hard", "hopeless"]
    assert drawn.dropped == ("solved",)
    assert drawn.chosen["hard"] == "1 of 10 solved in round 1"
    assert drawn.chosen["new-2"] == "new"


def test_new_tasks_have_their_share_however_many_stand_at_the_border() -> None:
    played = {f"border-{n}": Played(1, 2, 1) for n in range(20)}
    drawn = draw([*played, "new-1", "new-2", "new-3"], played, 8, 0.25)
    assert [name for name, why in drawn.chosen.items() if why == "new"] == ["new-1", "new-2"]
    assert len(drawn.chosen) == 8
    assert drawn.waiting == 15


def test_what_was_not_seen_for_longest_comes_before() -> None:
    played = {"late": Played(1, 2, 5), "early": Played(1, 2, 1), "middle": Played(1, 2, 3)}
    assert list(draw(list(played), played, 3, 0.0).chosen) == ["early", "middle", "late"]


def test_a_pool_that_is_solved_is_said() -> None:
    with pytest.raises(PoolError, match="all 1 are solved"):
        draw(["a"], {"a": Played(2, 2, 1)}, 4, 0.25)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.tuples(st.integers(0, 4), st.integers(1, 3))),
    st.integers(1, 12),
    st.floats(0, 0.99),
)
def test_a_draw_is_full_once_each_and_the_same_again(
    known: dict[str, tuple[int, int]], size: int, share: float
) -> None:
    played = {name: Played(solved, 4, round_) for name, (solved, round_) in known.items()}
    names = [*played, "new-1", "new-2"]
    drawn = draw(names, played, size, share)
    left = [name for name in names if name not in drawn.dropped]
    assert len(drawn.chosen) == min(size, len(left)) == len(left) - drawn.waiting
    assert set(drawn.chosen) <= set(left)
    assert drawn == draw(names, dict(reversed(played.items())), size, share)
