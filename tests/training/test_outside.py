"""Several that are heard besides the grader are heard as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.training.hybrid import Learned, Told
from journeyman.training.outside import together

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
