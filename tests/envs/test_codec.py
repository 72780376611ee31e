"""An episode comes back from its records as it was, whatever a policy wrote into it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.codec import (
    FORMAT,
    LONG_TEXT,
    CodecError,
    pack_episode,
    pack_step,
    unpack,
    unpack_episode,
    unpack_step,
)
from journeyman.envs.episode import Ancestry, Change, Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict


class Shelf(dict[str, str]):
    """Long texts in memory."""

    def put(self, text: str) -> str:
        self[name := str(hash(text))] = text
        return name

    def get(self, name: str) -> str:  # type: ignore[override]
        return self[name]


texts = st.one_of(
    st.text(st.characters(), max_size=30),  # any code point, half surrogate pairs too
    st.builds(lambda c, n: c * (LONG_TEXT + n), st.characters(), st.integers(-1, 2)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("blob"), inner, max_size=3)
    ),
    max_leaves=6,
)
numbers = st.floats(allow_nan=False)
mappings: st.SearchStrategy[Mapping[str, Any]] = st.dictionaries(st.text(max_size=5), json_values, max_size=3)


def tuples_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(inner, max_size=3).map(tuple)


turns = st.builds(TokenTurn, tuples_of(st.integers()), tuples_of(st.integers()), tuples_of(numbers), st.booleans())
observations = st.builds(Observation, texts, texts, st.booleans(), st.integers(), st.integers())
actions = st.builds(Action, texts, mappings, texts, st.none() | turns)
test_runs = st.builds(TestRun, tuples_of(texts), tuples_of(texts), tuples_of(texts))
steps = st.builds(
    Step, actions, observations, numbers, texts, texts, st.none() | test_runs, numbers, texts, texts, numbers
)
ancestries = st.builds(Ancestry, texts, st.integers(), st.sampled_from(Change), texts)
verdicts = st.builds(
    Verdict, st.dictionaries(st.text(max_size=5), st.sampled_from(Outcome), max_size=3),
    st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3), st.none() | st.booleans(),
    st.sampled_from(Assurance), texts, tuples_of(texts), st.none() | st.sampled_from(Cause), texts, numbers,
)  # fmt: skip
episodes = st.builds(
    Episode, st.just("0-a"), texts, texts, st.integers(), observations, tuples_of(steps), st.sampled_from(StopReason),
    st.none() | numbers, tuples_of(st.builds(RewardTerm, texts, numbers, numbers, texts)), st.none() | verdicts, texts,
    numbers, st.dictionaries(st.text(max_size=5), texts, max_size=3), mappings, texts, st.none() | ancestries,
)  # fmt: skip


@given(episodes)
@settings(max_examples=60)
def test_an_episode_comes_back_as_it_was(episode: Episode) -> None:
    shelf = Shelf()
    end = unpack(pack_episode("end", episode, shelf))
    back = [unpack(pack_step(episode.id, n, step, shelf)) for n, step in enumerate(episode.steps)]
    assert (end.kind, end.episode_id, end.number) == ("end", episode.id, len(episode.steps))
    whole = dataclasses.replace(unpack_episode(end, shelf), steps=tuple(unpack_step(entry, shelf) for entry in back))
    assert whole == episode


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=100)
def test_whatever_is_no_record_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(payload)


STEP = Step(Action("view", {"path": "a.py"}), Observation("1: x"))


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(pack_step("0-a", 0, STEP, Shelf())), **fields}).encode()


def test_a_newer_format_says_update() -> None:
    with pytest.raises(CodecError, match="update journeyman"):
        unpack(changed(format=FORMAT + 1))


def test_a_record_survives_a_field_that_is_gone_and_one_that_is_new() -> None:
    body = json.loads(pack_step("0-a", 0, STEP, Shelf()))["body"]
    del body["diff"]
    body["mood"] = "good"
    assert unpack_step(unpack(changed(body=body)), Shelf()) == STEP


def test_records_of_before_there_were_forks_still_load() -> None:
    """As version 0.1 wrote them."""
    step = (
        b'{"format":1,"kind":"step","id":"0-a","n":0,"body":{"action":{"tool":"view","arguments":"{\\"path\\":\\"a.py\\"}",'
        b'"text":"","tokens":null},"observation":{"text":"1: x","tool":"view","ok":true,"step":1,"steps_left":9},'
        b'"reward":0.0,"tree_hash":"t","diff":"","tests":null,"duration_s":0.5,"runner":""}}'
    )
    end = (
        b'{"format":1,"kind":"end","id":"0-a","n":1,"body":{"id":"0-a","task":"till","policy":"oracle","seed":0,'
        b'"first":{"text":"go","tool":"","ok":true,"step":0,"steps_left":0},"steps":[],"stop":"reported","reward":1.0,'
        b'"terms":[],"verdict":null,"started_at":"","duration_s":1.5,"versions":{},"config":"{}","detail":""}}'
    )
    assert unpack_step(unpack(step), Shelf()).output == ""
    assert unpack_episode(unpack(end), Shelf()).ancestry is None


def test_a_body_that_does_not_fit_is_an_error_of_ours() -> None:
    with pytest.raises(CodecError, match="step record cannot be read"):
        unpack_step(unpack(changed(body={"action": 3})), Shelf())


def test_what_json_cannot_say_is_refused_when_it_is_recorded() -> None:
    with pytest.raises(CodecError, match="JSON values only"):
        pack_step("0-a", 0, dataclasses.replace(STEP, action=Action("view", {"path": object()})), Shelf())


def test_long_texts_leave_the_record_and_short_ones_stay() -> None:
    shelf = Shelf()
    long = dataclasses.replace(STEP, diff="+" * (LONG_TEXT + 1))
    assert len(pack_step("0-a", 0, long, shelf)) < 500
    assert list(shelf.values()) == [long.diff]
    pack_step("0-a", 0, STEP, other := Shelf())
    assert not other
