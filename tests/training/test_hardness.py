"""How hard a check is comes from who failed it, in any order, each episode once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.store import EpisodeStore
from journeyman.tasks.task import Task
from journeyman.training.hardness import PRIOR, Hardness
from tests.training.groups import OLD, PROJECT, A, B, C, episode


def test_nothing_known_is_one_half_and_episodes_move_it() -> None:
    known = Hardness()
    assert known.of("shop", A) == 0.5
    known = known.after(episode(passing=(A,), name=f"{n}-a") for n in range(96))
    assert known.of("shop", A) == pytest.approx(PRIOR / 100)
    assert known.of("shop", B) == pytest.approx(98 / 100)
    assert known.of("another", A) == 0.5, "the same name in another repository is another test"


def test_an_episode_counts_once_and_an_unscored_one_never() -> None:
    one = episode(passing=(A,), name="1-a")
    known = Hardness().after([one])
    assert known.after([one, one]) == known
    assert known.after([episode(passing=(A,), name="2-a", scored=False)]) == known


@given(passing=st.lists(st.sets(st.sampled_from((A, B, C, OLD))), max_size=12), data=st.data())
def test_order_and_pieces_do_not_matter(passing: list[set[str]], data: st.DataObject) -> None:
    episodes = [episode(task=PROJECT, passing=each, name=f"{n}-a") for n, each in enumerate(passing)]
    cut = data.draw(st.integers(0, len(episodes)))
    mixed = data.draw(st.permutations(episodes))
    assert Hardness().after(mixed[:cut]).after(mixed[cut:]) == Hardness().after(episodes)


def test_who_resumes_reads_the_same_numbers_from_the_store(tmp_path: Path) -> None:
    episodes = [episode(task=PROJECT, passing=(A,) * (n % 2), name=f"0000000{n}-aaaaaaaa") for n in range(5)]
    with EpisodeStore(tmp_path) as store:
        store.add_many(episodes)
    assert Hardness().after(EpisodeStore(tmp_path).episodes()) == Hardness().after(episodes)


def test_what_everyone_passes_pays_little_and_what_few_pass_much() -> None:
    assert Hardness().shares(PROJECT) == pytest.approx({"easy": 1 / 3, "middle": 1 / 3, "hard": 1 / 3})
    passing = [(A, OLD, B) if n % 2 else (A, OLD) for n in range(96)]
    known = Hardness().after(episode(task=PROJECT, passing=each, name=f"{n}-a") for n, each in enumerate(passing))
    shares = known.shares(PROJECT)
    assert shares == pytest.approx({"easy": 0.02 / 1.5, "middle": 0.5 / 1.5, "hard": 0.98 / 1.5})


@given(passing=st.lists(st.sets(st.sampled_from((A, B, C, OLD))), max_size=30))
def test_shares_sum_to_one_and_each_pays_something(passing: list[set[str]]) -> None:
    known = Hardness().after(episode(task=PROJECT, passing=each, name=f"{n}-a") for n, each in enumerate(passing))
    shares = known.shares(PROJECT)
    assert sum(shares.values()) == pytest.approx(1.0) and min(shares.values()) > 0


def test_checks_that_passed_before_pay_nothing() -> None:
    breaking = [episode(task=PROJECT, passing=(A, B, C), name=f"{n}-a") for n in range(50)]
    shares = Hardness().after(breaking).shares(PROJECT)
    assert shares["easy"] == pytest.approx(1 / 3), "that everybody breaks the old check makes its milestone no harder"


def test_a_task_without_milestones_has_no_shares() -> None:
    assert Hardness().shares(Task.model_validate(PROJECT.model_dump() | {"milestones": ()})) == {}
