"""Several that are heard besides the grader are heard as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.groups import Groups, GroupSettings
from journeyman.training.hybrid import HybridSettings, Learned, Told, learned_bound
from journeyman.training.outside import Outside, together
from journeyman.training.prefixes import Prefixes
from tests.training.test_hybrid_properties import NEAR, all_settings, groups

EPISODE = Episode("e", "t", "p", 0, Observation(""), (), StopReason.REPORTED, 0.0, (), None)


@dataclass
class Voice:
    name: str
    value: float | None
    said: tuple[Told | None, ...] = ()

    def learned(self, group: Sequence[Episode]) -> Learned:
        return {} if self.value is None else {each.id: {self.name: self.value} for each in group}

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        return self.said


def test_each_has_a_term_of_its_own_and_steps_are_averaged() -> None:
    people = Voice("people", 0.2, (Told(1.0, "ada: good"), None))
    model, silent = Voice("model", 0.9, (Told(0.0, "model: so so"), Told(-1.0, "model: bad"))), Voice("silent", None)
    heard = together(people, None, model, silent)
    assert heard is not None and heard.name == "people and model and silent"
    assert heard.learned([EPISODE]) == {"e": {"people": 0.2, "model": 0.9}}
    assert heard.steps(EPISODE) == [Told(0.5, "ada: good; model: so so"), Told(-1.0, "model: bad")]


def test_one_alone_is_itself_and_none_is_none() -> None:
    one = Voice("one", 0.5)
    assert together(None, one) is one and together(None) is None


def test_two_terms_of_one_name_are_refused() -> None:
    heard = together(Voice("people", 0.2), Voice("people", 0.9))
    assert heard is not None
    with pytest.raises(TrainingError, match="both give a term 'people'"):
        heard.learned([EPISODE])


@dataclass
class Drawn:
    """Says of some episodes, and of some steps, what it was drawn to say."""

    name: str
    values: dict[str, float]
    said: dict[str, list[float | None]]

    def learned(self, group: Sequence[Episode]) -> Learned:
        return {each.id: {self.name: self.values[each.id]} for each in group if each.id in self.values}

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        said = self.said.get(episode.id, [])[: len(episode.steps)]
        return [None if value is None else Told(value, self.name) for value in said]


@st.composite
def outsiders(draw: st.DrawFn, group: Sequence[Episode]) -> Outside | None:
    """Up to three, who say as much as they may."""
    ids = st.sampled_from([each.id for each in group])
    said = st.lists(st.none() | st.floats(-1, 1), max_size=7)
    names = ("people", "reward_model", "reviews")[: draw(st.integers(0, 3))]
    return together(
        *(Drawn(n, draw(st.dictionaries(ids, st.floats(0, 1))), draw(st.dictionaries(ids, said))) for n in names)
    )


def credited(
    group: Sequence[Episode], task: Task, settings: HybridSettings, outside: Outside | None
) -> tuple[tuple[float, ...], ...]:
    """The advantages of a group, as training collects them."""
    nowhere, no_backend = Path("nowhere"), cast(SandboxFactory, None)
    collecting = Groups(
        [task], GroupSettings(hybrid=settings, milestone_credit=False, from_within=False), backend=no_backend,
        config=EnvConfig(), store=EpisodeStore(nowhere), name="run", outside=outside,
        prefixes=Prefixes(nowhere, backend=no_backend, config=EnvConfig()),
    )  # fmt: skip
    return collecting._credited(group).advantages


@pytest.mark.slow
@limits(max_examples=50)
@given(drawn=groups(), settings=all_settings(), data=st.data())
def test_whoever_is_heard_together_moves_no_advantage_beyond_the_one_bound(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    task, group = drawn
    bound = learned_bound(group, task, settings)
    alone = credited(group, task, settings, None)
    heard = credited(group, task, settings, data.draw(outsiders(group)))
    for before, after in zip(alone, heard, strict=True):
        assert all(abs(b - a) <= bound + NEAR for a, b in zip(before, after, strict=True))
