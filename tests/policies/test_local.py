"""One episode's conversation with a model on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from journeyman.envs.observation import Observation
from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings


@pytest.fixture(scope="module")
def local() -> Iterator[LocalModel]:
    with LocalModel.load("tiny", settings=LocalSettings(temperature=1.0, max_turn_tokens=12)) as model:
        yield model


def _seed_of_sampling(local: LocalModel, monkeypatch: pytest.MonkeyPatch, problem: str, seed: int) -> int:
    opened: list[int] = []
    open_lane = local.engine.open_lane
    monkeypatch.setattr(local.engine, "open_lane", lambda seed: (opened.append(seed), open_lane(seed))[1])
    policy = local.policy()
    policy.start(seed=seed)
    policy.act(Observation(problem))
    policy.close()
    monkeypatch.undo()
    (used,) = opened
    return used


def test_two_problems_draw_different_random_numbers_from_one_seed(
    local: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [("`f` is wrong.", 0), ("`g` is wrong.", 0), ("`f` is wrong.", 1)]
    assert len({_seed_of_sampling(local, monkeypatch, *case) for case in cases}) == 3


def test_one_problem_and_one_seed_sample_the_same(local: LocalModel) -> None:
    policy = local.policy()
    turns = []
    for seed in (3, 4, 3):
        policy.start(seed=seed)
        tokens = policy.act(Observation("`f` is wrong.")).tokens
        assert tokens is not None
        turns.append(tokens.sampled_ids)
    policy.close()
    assert turns[0] == turns[2] != turns[1]
