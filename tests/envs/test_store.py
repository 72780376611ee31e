"""A run folder keeps every episode it acknowledged, once, and its index can be thrown away."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs import index
from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.blobs import Blobs
from journeyman.envs.codec import LONG_TEXT
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.log import LogError, LogWriteError, Record, has_living_writer, scan
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import Recorder, new_episode_id
from journeyman.envs.segments import Segments
from journeyman.envs.store import EpisodeDamaged, EpisodeNotFound, EpisodeStore, StoreError
from journeyman.envs.summary import State
from journeyman.tasks.verdict import Assurance, Outcome, Verdict


def step(number: int, text: str = "seen") -> Step:
    action = Action("view", {"path": "a.py", "line": number + 1}, tokens=TokenTurn((1, 2), (3,), (-0.25,)))
    return Step(action, Observation(text, "view", True, number + 1, 9), tree_hash="t", tests=TestRun(("a::b",)))


def episode(steps: int = 3, reward: float | None = 0.5, name: str = "") -> Episode:
    """A finished one; `started` makes of it what a rollout tells at the beginning."""
    verdict = Verdict({"a::b": Outcome.PASSED}, {}, True, Assurance.FRESH, "t")
    terms = (RewardTerm("outcome", 1.0, 0.5, "checks"),)
    return Episode(
        name or new_episode_id(), "word-count", "oracle", 3, Observation("go"), tuple(step(n) for n in range(steps)),
        StopReason.REPORTED, reward, terms, verdict, "2025-01-01T00:00:00Z", 1.5, {"journeyman": "0"}, {"history": 3},
    )  # fmt: skip


def started(whole: Episode) -> Episode:
    return replace(whole, steps=(), stop=StopReason.INTERRUPTED, reward=None, terms=(), verdict=None, duration_s=0.0)


def only_segment(folder: Path) -> Path:
    (segment,) = (folder / "segments").iterdir()
    return segment


def flip_in_record(segment: Path, number: int) -> None:
    """Flip one bit of a record's payload; 0 is the first episode's beginning, then come its steps."""
    data = bytearray(segment.read_bytes())
    record = [item for item in scan(segment) if isinstance(item, Record)][number]
    data[record.end - 3] ^= 1
    segment.write_bytes(data)


def test_an_episode_is_kept_as_it_happens_and_comes_back_whole(tmp_path: Path) -> None:
    whole = episode()
    with EpisodeStore(tmp_path / "run") as store:
        assert isinstance(store, Recorder)
        store.begin(started(whole))
        store.step(whole.id, whole.steps[0])
        (line,) = EpisodeStore(tmp_path / "run").summaries()
        assert (line.state, line.steps, line.reward) == (State.RUNNING, 1, None)
        assert store.get(whole.id).steps == whole.steps[:1], "one in progress is visible"
        assert list(store.episodes()) == [], "but is no episode yet"
        store.step(whole.id, whole.steps[1])
        store.finish(whole)
        assert store.get("last") == whole, "the step that was not told one by one came with the end"
    (line,) = EpisodeStore(tmp_path / "run").summaries()
    assert (line.state, line.steps, line.reward, line.resolved) == (State.FINISHED, 3, 0.5, True)


def test_an_interrupted_episode_is_recovered_with_every_step_it_had(tmp_path: Path) -> None:
    whole = episode()
    with EpisodeStore(tmp_path) as store:
        store.begin(started(whole))
        store.step(whole.id, replace(whole.steps[0], duration_s=2.0))
    (back,) = EpisodeStore(tmp_path).episodes()
    assert (back.stop, back.reward, len(back.steps), back.duration_s) == (StopReason.INTERRUPTED, None, 1, 2.0)
    assert EpisodeStore(tmp_path).summaries()[0].state is State.INTERRUPTED


def test_a_step_that_changed_before_the_end_is_corrected(tmp_path: Path) -> None:
    whole = episode(2)
    with EpisodeStore(tmp_path) as store:
        store.begin(started(whole))
        store.step(whole.id, whole.steps[0])
        store.step(whole.id, whole.steps[1])
        graded = replace(whole, steps=(whole.steps[0], replace(whole.steps[1], reward=1.0)))
        store.finish(graded)
        assert store.get(whole.id) == graded


def test_misuse_is_refused_with_a_reason(tmp_path: Path) -> None:
    whole = episode()
    with EpisodeStore(tmp_path) as store:
        with pytest.raises(StoreError, match="has not begun"):
            store.step(whole.id, whole.steps[0])
        with pytest.raises(StoreError, match="no episode id"):
            store.begin(episode(name="../x"))
        store.begin(started(whole))
        with pytest.raises(StoreError, match="begun before"):
            store.begin(started(whole))
        store.step(whole.id, whole.steps[0])
        with pytest.raises(StoreError, match="1 were recorded"):
            store.finish(replace(whole, steps=()))


def test_long_texts_are_kept_once_and_hostile_ones_exactly(tmp_path: Path) -> None:
    long = "\x1b[31m\ud800\u202e" * LONG_TEXT
    whole = replace(episode(), steps=(step(0, long), step(1, long)))
    with EpisodeStore(tmp_path) as store:
        store.add(whole)
        assert store.get("last") == whole
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1


def test_names_find_episodes(tmp_path: Path) -> None:
    low, high, tied = episode(3, 0.1), episode(3, 1.0), episode(2, 1.0)
    unscored = episode(1, None)
    with EpisodeStore(tmp_path) as store:
        for each in (low, high, tied, unscored):
            store.add(each)
        assert store.get("best") == tied, "the same reward in fewer steps is better"
        assert store.get("last") == unscored
        assert store.get(low.id.partition("-")[2]) == low, "the random part alone will do"
        with pytest.raises(EpisodeNotFound, match="4 episodes begin with"):
            store.get(low.id[:4])
        with pytest.raises(EpisodeNotFound, match="journeyman episode list"):
            store.get("nothing")
    with pytest.raises(EpisodeNotFound, match="no episodes in"):
        EpisodeStore(tmp_path / "elsewhere").get("last")
    assert not (tmp_path / "elsewhere").exists(), "reading makes nothing"


def test_ids_sort_by_time_and_never_meet() -> None:
    ids = [new_episode_id() for _ in range(2000)]
    assert ids == sorted(ids) and len(set(ids)) == 2000


def test_an_episode_counts_once_however_often_it_is_there(tmp_path: Path) -> None:
    whole = episode()
    with EpisodeStore(tmp_path) as store:
        store.add(whole)
        store.add(whole)
    with EpisodeStore(tmp_path) as retry:  # a worker that tries the same episode again, and is lost this time
        retry.begin(started(whole))
    segment = min((tmp_path / "segments").iterdir())
    shutil.copy(segment, segment.with_name("zz.log"))
    again = EpisodeStore(tmp_path)
    assert list(again.episodes()) == [whole]
    assert [line.state for line in again.summaries()] == [State.FINISHED]


@pytest.mark.parametrize("harm", ["delete", "garbage", "old"])
def test_the_index_is_only_an_index(tmp_path: Path, harm: str) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(first := episode())
        before = store.summaries()
        old = (tmp_path / "index.sqlite").read_bytes()
        store.add(second := episode())
        store.summaries()
    kept = tmp_path / "index.sqlite"
    if harm == "delete":
        kept.unlink()
    else:
        kept.write_bytes(b"not a database" * 999 if harm == "garbage" else old)
    again = EpisodeStore(tmp_path)
    assert list(again.episodes()) == [first, second]
    assert again.summaries()[:1] == before
    again.rebuild_index()
    assert list(again.episodes()) == [first, second]


def test_an_index_that_several_make_at_once_loses_nothing_that_one_has_read(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(told := episode())
        store.summaries()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as db:
        index._create(db)  # of another process, which saw no tables before they were made
        assert db.execute("SELECT episode FROM attempts").fetchall() == [(told.id,)]


def test_where_no_index_can_be_kept_it_is_in_memory(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(whole := episode())
    (tmp_path / "index.sqlite").mkdir()  # nothing can be written there, not even by root
    again = EpisodeStore(tmp_path)
    assert again.get("last") == whole and again.problems() == []


def test_a_damaged_step_is_named_and_the_other_episodes_stand(tmp_path: Path) -> None:
    broken, good = episode(), episode()
    with EpisodeStore(tmp_path) as store:
        store.add(broken)
        store.add(good)
    flip_in_record(only_segment(tmp_path), 1 + 1)
    again = EpisodeStore(tmp_path)
    assert list(again.episodes()) == [good]
    assert [line.state for line in again.summaries()] == [State.DAMAGED, State.FINISHED]
    with pytest.raises(EpisodeDamaged, match="step 1 is lost"):
        again.get(broken.id)
    problems = again.problems()
    assert any("bytes are not readable at byte" in line for line in problems)
    assert any(broken.id in line for line in problems)


def test_damage_after_it_was_indexed_is_found_when_reading(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(episode())
        store.summaries()
    flip_in_record(only_segment(tmp_path), 1 + 2)
    with pytest.raises(EpisodeDamaged, match="is damaged"):
        EpisodeStore(tmp_path).get("last")


def test_a_lost_long_text_damages_its_episode_only(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with EpisodeStore(tmp_path) as store:
        store.add(replace(episode(), steps=(step(0, "x" * (LONG_TEXT + 1)),)))
        store.add(good := episode())
    name = blobs.put("x" * (LONG_TEXT + 1))
    (tmp_path / "blobs" / name[:2] / name[2:]).write_bytes(b"rot")
    assert list(EpisodeStore(tmp_path).episodes()) == [good]
    with pytest.raises(LogError, match="is no name"):
        blobs.get("../../etc/passwd")


def test_a_torn_end_is_only_a_problem_when_its_writer_is_gone(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.add(whole := episode())
    with only_segment(tmp_path).open("ab") as file:
        file.write(b"half a rec")
    assert EpisodeStore(tmp_path).problems() == []
    store.close()
    (problem,) = EpisodeStore(tmp_path).problems()
    assert "10 bytes" in problem and "at the end" in problem
    assert EpisodeStore(tmp_path).get("last") == whole


def test_a_full_disk_leaves_the_log_readable_and_the_episode_can_go_on(tmp_path: Path) -> None:
    whole = replace(episode(2), steps=(step(0), step(1, "".join(map(chr, range(33, LONG_TEXT)))), step(2)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EpisodeStore(tmp_path) as store:
        store.begin(started(whole))
        store.step(whole.id, whole.steps[0])
        resource.setrlimit(resource.RLIMIT_FSIZE, (only_segment(tmp_path).stat().st_size + 10, hard))
        try:
            for each in (whole.steps[1], step(1, "y" * 1900)):  # one that needs a blob, one that does not
                with pytest.raises(LogWriteError, match="kept"):
                    store.step(whole.id, each)
            assert EpisodeStore(tmp_path).get("last").steps == whole.steps[:1], "even the index needs no disk"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.step(whole.id, whole.steps[1])
        store.finish(whole)
    assert EpisodeStore(tmp_path).get("last") == whole
    assert not EpisodeStore(tmp_path).problems()


def test_threads_and_processes_write_to_one_run(tmp_path: Path) -> None:
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[2])\n"
        "from test_store import *\n"
        "store = EpisodeStore(sys.argv[1])\n"
        "def work():\n"
        "    for _ in range(5): store.add(whole := episode()); print(f'{whole.id}\\n', end='', flush=True)\n"
        "threads = [threading.Thread(target=work) for _ in range(3)]\n"
        "[t.start() for t in threads], [t.join() for t in threads]\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = "".join(worker.communicate()[0] for worker in workers).split()
    assert len(told) == 30
    assert [each.id for each in EpisodeStore(tmp_path).episodes()] == sorted(told)
    assert len(list((tmp_path / "segments").iterdir())) == 2


def test_a_fork_writes_to_a_segment_of_its_own(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin(started(parents := episode()))
        if (child := os.fork()) == 0:
            try:
                store.add(episode())
                store.step(parents.id, parents.steps[0])
            except StoreError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7, "the parent's episode is not the child's"
        store.finish(parents)
    assert len(list(EpisodeStore(tmp_path).episodes())) == 2


def test_kill_9_in_the_middle_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[2])\n"
        "from test_store import *\n"
        "store = EpisodeStore(sys.argv[1])\n"
        "while True:\n"
        "    whole = episode(); store.begin(started(whole))\n"
        "    for s in whole.steps: store.step(whole.id, s)\n"
        "    store.finish(whole); print(whole.id, flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline().strip() for _ in range(7)]
    threading.Event().wait(0.01)
    writer.send_signal(signal.SIGKILL)
    told += writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    found = list(EpisodeStore(tmp_path).episodes())
    assert [each.id for each in found][: len(told)] == told
    assert all(len(each.steps) == 3 for each in found[: len(told)])
    assert all(each.stop is StopReason.INTERRUPTED for each in found[len(told) + 1 :]) and len(found) <= len(told) + 1


def test_a_full_segment_is_left_when_an_episode_begins_and_kept_for_those_in_it(tmp_path: Path) -> None:
    made = iter("abcdef")
    segments = Segments(tmp_path, lambda: next(made), full_bytes=100)
    segments.begin("one", b"1" * 80)
    segments.begin("two", b"2" * 80)
    segments.begin("three", b"3")
    segments.append("one", b"1 goes on where it began")
    segments.end("one")
    assert [has_living_writer(tmp_path / f"{name}.log") for name in "ab"] == [True, True]
    segments.end("two")
    segments.end("three")
    assert [has_living_writer(tmp_path / f"{name}.log") for name in "ab"] == [False, True]
    with pytest.raises(LogError, match="has not begun"):
        segments.append("two", b"late")
    segments.close()
    segments.close()
    assert [len([*scan(path)]) for path in sorted(tmp_path.iterdir())] == [3, 1]
    assert not has_living_writer(tmp_path / "b.log")
