"""Finding episodes: each field of a query takes what it says, and what people call episodes is kept beside them."""

from __future__ import annotations

import os
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.codec import LONG_TEXT
from journeyman.envs.episode import Ancestry, Change, Episode, Step, StopReason
from journeyman.envs.index_text import OUTPUT_CHARS
from journeyman.envs.log import LogWriteError
from journeyman.envs.observation import Observation
from journeyman.envs.query import Query, QueryError, Sort
from journeyman.envs.store import EpisodeNotFound, EpisodeStore
from journeyman.envs.summary import State
from tests.envs.test_store import episode, flip_in_record, only_segment, started


def said(whole: Episode, action: str, output: str = "") -> Episode:
    """The episode with another step at its end."""
    step = Step(Action("run", {"command": action}), Observation(output, "run"))
    return replace(whole, steps=(*whole.steps, step))


@pytest.fixture
def run(tmp_path: Path) -> EpisodeStore:
    """Four episodes that ended, one that goes on."""
    store = EpisodeStore(tmp_path)
    solved = replace(episode(2, 1.0, "0-a"), task="bank/till", first=Observation("Round the change.", "reset"))
    failed = replace(episode(3, 0.25, "1-b"), task="bank/tilt", stop=StopReason.STEP_LIMIT)
    assert failed.verdict is not None
    failed = replace(said(failed, "grep -n parse_line a.py"), verdict=replace(failed.verdict, resolved=False))
    unscored = replace(episode(1, None, "2-c"), verdict=None, policy="local:small", stop=StopReason.POLICY_ERROR)
    fork = replace(episode(5, 0.5, "3-d"), ancestry=Ancestry("0-a", 1, Change.HINT, "look again"))
    for each in (solved, failed, unscored, fork):
        store.add(each)
    store.begin(started(going := episode(3, None, "4-e")))
    store.step(going.id, going.steps[0])
    store.tag("0-a", ["good", "shown"])
    store.tag("3-d", ["good"])
    return store


@pytest.mark.parametrize(
    "query,ids",
    [
        (Query(), "abcde"),
        (Query(task="bank/till"), "a"),
        (Query(task="till"), "a"),
        (Query(task="til?"), "ab"),
        (Query(task="*nk/*"), "ab"),
        (Query(task="ill"), ""),
        (Query(policy="local:*"), "c"),
        (Query(policy="oracle", descending=True), "edba"),
        (Query(stop="step_limit"), "b"),
        (Query(stop="running"), "e"),
        (Query(stop="interrupted"), ""),
        (Query(solved="yes"), "ad"),
        (Query(solved="no"), "b"),
        (Query(solved="unscored"), "ce"),
        (Query(min_reward=0.5), "ad"),
        (Query(min_reward=0.25, max_reward=0.5), "bd"),
        (Query(max_reward=0.0), ""),
        (Query(tags=("good",)), "ad"),
        (Query(tags=("good", "-shown")), "d"),
        (Query(tags=("-good",)), "bce"),
        (Query(tags=("good", "-good")), ""),
        (Query(parent="0-a"), "d"),
        (Query(sort=Sort.REWARD, descending=True), "adbec"),
        (Query(sort=Sort.REWARD), "bdace"),
        (Query(sort=Sort.STEPS), "ceabd"),
        (Query(sort=Sort.STEPS, limit=2, offset=1), "ea"),
        (Query(limit=0), ""),
        (Query(text="change"), "a"),
        (Query(text="ROUND chan"), "a"),
        (Query(text="round parse"), ""),
        (Query(text="parse_line"), "b"),
        (Query(text="parse_lin a.py"), "b"),
        (Query(text="local:small"), "c"),
        (Query(text="1-b"), "b"),
        (Query(text="round OR parse_line"), ""),
        (Query(text='"*) -( :'), "abcde"),
    ],
)
def test_a_query_takes_what_it_says_in_its_order(run: EpisodeStore, query: Query, ids: str) -> None:
    found = run.find(query)
    assert "".join(each.id[2:] for each in found.summaries) == ids
    if query.limit is None:
        assert found.total == len(ids)


def test_the_answer_counts_beyond_its_limit(run: EpisodeStore) -> None:
    found = run.find(Query(limit=1))
    assert (len(found.summaries), found.total, found.scored, found.resolved) == (1, 5, 3, 2)
    assert found.summaries[0].tags == ("good", "shown")
    assert run.find(Query(parent="0-a")).summaries[0].parent == "0-a"
    assert run.choices()["stop"] == {"policy_error": 1, "reported": 2, "running": 1, "step_limit": 1}
    assert run.choices()["tag"] == {"good": 2, "shown": 1}
    nobody = EpisodeStore(run.folder / "elsewhere")
    assert nobody.find(Query()).total == 0 and nobody.choices()["task"] == {}


@pytest.mark.parametrize(
    "fields,message",
    [({"solved": "maybe"}, "unscored"), ({"limit": -1}, "below 0"), ({"tags": ("a b",)}, "is no tag")],
)
def test_what_cannot_be_asked_is_said(fields: dict[str, object], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Query(**fields)  # type: ignore[arg-type]


def test_text_is_found_as_it_comes_in_long_texts_too_and_not_beyond_the_beginning(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin(started(whole := episode(0)))
        assert store.find(Query(text="comet")).total == 0
        long = said(whole, "echo " + "x" * LONG_TEXT, "comet " + "y" * LONG_TEXT).steps[0]
        store.step(whole.id, long)
        assert store.find(Query(text="comet")).total == 1
        store.step(whole.id, said(whole, "cat b.py", "." * OUTPUT_CHARS + " meteor").steps[0])
        assert store.find(Query(text="b.py comet")).total == 1, "the two words came at different times"
        assert store.find(Query(text="meteor")).total == 0
    store.rebuild_index()
    assert store.find(Query(text="b.py comet")).total == 1


def test_a_damaged_episode_and_one_that_lost_its_writer_are_found_as_such(run: EpisodeStore) -> None:
    run.close()
    assert [each.id for each in run.find(Query(stop="interrupted")).summaries] == ["4-e"]
    flip_in_record(only_segment(run.folder), 1)
    run.rebuild_index()
    assert [each.state for each in run.find(Query(stop="damaged")).summaries] == [State.DAMAGED]


def test_a_stamp_changes_with_the_run_alone(run: EpisodeStore) -> None:
    before = run.stamp()
    run.find(Query())
    assert run.stamp() == before
    run.tag("1-b", ["later"])
    tagged = run.stamp()
    run.close()
    assert len({before, tagged, run.stamp()}) == 3


def test_of_two_attempts_the_living_one_counts_then_the_longer(tmp_path: Path) -> None:
    """A worker was lost, another one tried the same episode again, and was lost too."""
    whole = episode(3, None)
    with EpisodeStore(tmp_path) as first:
        first.begin(started(whole))
        for each in whole.steps[:2]:
            first.step(whole.id, each)
    with EpisodeStore(tmp_path) as second:
        second.begin(started(whole))
        second.step(whole.id, whole.steps[0])
        (line,) = second.find(Query()).summaries
        assert (line.state, line.steps) == (State.RUNNING, 1)
    (line,) = second.find(Query()).summaries
    assert (line.state, line.steps) == (State.INTERRUPTED, 2)


def test_tags_come_and_go_and_the_records_stay_as_they_were(run: EpisodeStore) -> None:
    sealed = only_segment(run.folder).read_bytes()
    assert run.tag("0-a", ["fine"], ["shown", "never-there"]).tags == ("fine", "good")
    assert run.tag("a").tags == ("fine", "good")
    with pytest.raises(QueryError, match="is no tag"):
        run.tag("0-a", ["ok", "no tag\n"])
    with pytest.raises(EpisodeNotFound):
        run.tag("zzz", ["x"])
    assert run.tag("0-a").tags == ("fine", "good")
    assert only_segment(run.folder).read_bytes() == sealed
    (run.folder / "index.sqlite").unlink()
    assert EpisodeStore(run.folder).find(Query(tags=("fine",))).total == 1


def test_a_torn_line_and_one_that_is_none_cost_nothing_else(run: EpisodeStore) -> None:
    path = run.tags.path
    path.write_bytes(
        path.read_bytes() + b'[1]\n{"episode": "1-b", "add": ["a b"], "remove": []}\n{"episode": "0-a", "ad'
    )
    assert run.tag("1-b", ["new"]).tags == ("new",)
    assert run.tag("0-a").tags == ("good", "shown")
    assert path.read_bytes().count(b"\n") == 6


def test_a_full_disk_leaves_the_tags_as_they_were(run: EpisodeStore) -> None:
    before = run.tags.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(LogWriteError, match="as they were"):
            run.tag("0-a", ["late"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run.tags.path.read_bytes() == before


def test_many_are_recorded_with_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [episode(2) for _ in range(5)]
    flushes: list[int] = []
    with EpisodeStore(tmp_path) as store:
        store.add(many[0])
        monkeypatch.setattr(os, "fsync", flushes.append)
        store.add_many([*many, many[1]])
        assert len(flushes) == 1
        assert list(store.episodes()) == many
