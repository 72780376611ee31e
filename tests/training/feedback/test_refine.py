"""What was criticised is tried again; kept is what the tests confirm, and it is learned without the critique."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Change, Episode
from journeyman.envs.feedback.entry import Critique, Entry, Undo
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.feedback.standing import standing
from journeyman.envs.observation import Observation
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.corrections import Collected
from journeyman.training.feedback.refine import CRITIQUES, REFINED_FROM, keep_only, refine, to_tell
from journeyman.training.selection import select
from journeyman.training.tokens import demonstration
from tests.making import CANARY, FIX, tiny_task

LOOK, REPORT = Action("view", {"path": "parcel.py", "line": 22}), Action("report", {"summary": "done"})
WRONG = Action("edit", {"path": "parcel.py", **FIX, "new": "        return total(self.prices) < FREE_FROM"})
RIGHT = Action("edit", {"path": "parcel.py", **FIX})
BODY = "A parcel of exactly the limit is free as well: compare with it included."


class Listener:
    """Mends it if somebody says so, and else does what was wrong."""

    name = "listener"

    def __init__(self, summary: str = "done") -> None:
        self._summary, self._told, self._acted = summary, False, 0
        self.told: list[str] = []

    def start(self, *, seed: int) -> None:
        self._told, self._acted = False, 0

    def act(self, observation: Observation) -> Action:
        self._told = self._told or "exactly the limit" in observation.text
        self.told.append(observation.text)
        self._acted += 1
        if self._acted == 1:
            return RIGHT if self._told else WRONG
        return Action("report", {"summary": self._summary})

    def close(self) -> None:
        """Nothing is held."""


class Runs:
    """A run with a failed episode, and where its refinements go."""

    def __init__(self, task: Task, backend: SandboxFactory, folder: Path) -> None:
        self.task, self.backend, self.folder = task, backend, folder
        self.log = FeedbackLog(folder / "run")
        self.policy, self.played = Listener(), 0
        self.failed = self.play(LOOK, WRONG, REPORT)

    def play(self, *actions: Action) -> Episode:
        with EpisodeStore(self.folder / "run") as store:
            return rollout(RepoEnv(self.task, self.backend), ScriptedPolicy(actions), seed=0, store=store)

    def critique(self, id_: str = "c1", body: str = BODY, step: int | None = 2, **more: Any) -> Critique:
        about = {"annotator": "ada", "at": "2026-01-01T00:00:00Z", "episode": self.failed.id, "body": body}
        entry = Critique.model_validate({"id": id_, "place": {"step": step}, **about, **more})
        self.log.write(entry)
        return entry

    def refine(self, **options: Any) -> Collected:
        def make(task: Task) -> Listener:
            self.played += 1
            return self.policy

        store = EpisodeStore(self.folder / "run")
        episodes = list(store.episodes())
        judged = standing(self.log.read(), {each.id: each for each in episodes}.get, {})
        return refine(
            episodes, judged, lambda _: self.task, make, backend=self.backend, out=self.folder / "out", **options
        )  # fmt: skip


def kept_files(run: Path) -> tuple[list[int], list[str]]:
    """The sizes of a run's segments, and the names of its blobs, which say what is in them."""
    segments, blobs = ([path for path in (run / part).rglob("*") if path.is_file()] for part in ("segments", "blobs"))
    return sorted(path.stat().st_size for path in segments), sorted(path.name for path in blobs)


@pytest.fixture
def runs(tmp_path: Path, backend: SandboxFactory) -> Runs:
    return Runs(tiny_task(tmp_path / "task"), backend, tmp_path)


@pytest.mark.slow
def test_what_the_tests_confirm_is_learned_without_the_critique(runs: Runs, tiny: tuple[Any, Any]) -> None:
    critique = runs.critique()
    found = runs.refine()
    (row,) = found.episodes
    assert row.resolved and not found.left_out
    assert "Hint: you tried this before" in runs.policy.told[0] and BODY in runs.policy.told[0]
    assert row.versions[CRITIQUES] == critique.id
    attempt = EpisodeStore(runs.folder / "out" / "refine" / "attempts").get(row.versions[REFINED_FROM])
    assert attempt.ancestry is not None and attempt.ancestry.change is Change.HINT
    assert row.ancestry is not None and (row.ancestry.episode, row.ancestry.step) == (runs.failed.id, 1)
    kept = EpisodeStore(runs.folder / "out").get(row.id)
    assert kept == row and BODY not in repr(kept) and select([kept]).episodes == (kept,)
    learned = demonstration(kept, ChatTemplate(tiny[1]), dialect("lines"))
    assert "exactly the limit" not in tiny[1].decode(learned.ids).replace(runs.task.instruction, "")
    trained = tiny[1].decode([token for token, is_own in zip(learned.ids, learned.trained, strict=True) if is_own])
    assert trained.startswith("edit parcel.py:22") and ">= FREE_FROM" in trained and "view" not in trained
    env = partial(RepoEnv, runs.task, runs.backend, EnvConfig.from_dict(kept.config))
    assert verify(kept, env).identical


@pytest.mark.slow
def test_it_goes_on_where_it_was(runs: Runs) -> None:
    runs.critique()
    first = runs.refine()
    seen: list[tuple[int, int, str]] = []
    again = runs.refine(tries=2, progress=lambda done, total, note="": seen.append((done, total, note)))
    assert again.episodes[0].id == first.episodes[0].id and len(again.episodes) == 2
    assert seen == [(0, 2, ""), (1, 2, "1 confirmed"), (2, 2, "2 confirmed")]
    assert len(list(EpisodeStore(runs.folder / "out" / "refine" / "attempts").episodes())) == 2
    assert len(list(EpisodeStore(runs.folder / "out").episodes())) == 2


@pytest.mark.slow
def test_what_rests_on_words_that_were_taken_back_is_taken_out(runs: Runs) -> None:
    runs.critique()
    assert len(runs.refine().episodes) == 1
    runs.log.write(Undo(id="u1", annotator="ada", at="2026-01-01T00:00:01Z", of="c1"))
    assert runs.refine().left_out == {"the critique does not stand: undone": 1}
    assert not list(EpisodeStore(runs.folder / "out").episodes())
    assert kept_files(runs.folder / "out" / "refine" / "attempts") != ([], []), "what was played is there"
    runs.log.path.unlink()  # forgotten: not a byte of it stays
    assert not runs.refine().episodes
    assert kept_files(runs.folder / "out") == kept_files(runs.folder / "out" / "refine" / "attempts") == ([], [])


def test_what_the_tests_do_not_confirm_is_not_kept(runs: Runs) -> None:
    runs.critique(body="I do not like it.")
    assert runs.refine().left_out == {"the tests do not confirm it: it earns no more than before": 1}
    assert not (runs.folder / "out" / "segments").exists()


def test_who_speaks_of_what_was_said_is_not_learned_from(runs: Runs) -> None:
    runs.critique()
    runs.policy = Listener("As you said, a parcel of exactly the limit is free as well.")
    assert runs.refine().left_out == {"it speaks of what it was told": 1}


def test_a_critique_that_tells_what_is_hidden_is_not_told(runs: Runs) -> None:
    runs.critique(body=f"{BODY} See {CANARY}.")
    assert runs.refine().left_out == {"the critique tells what is hidden from a policy": 1}
    assert not runs.policy.told


def test_what_else_is_not_tried_says_why(runs: Runs) -> None:
    solved = runs.play(RIGHT, REPORT)
    runs.critique("praise", severity="praise")
    runs.critique("gone", episode="nowhere")
    runs.critique("done", episode=solved.id)
    found = runs.refine()
    assert not found.episodes
    assert found.left_out == {
        "the critique does not stand: unknown": 1,
        "resolved already, so no test could confirm that it is better": 1,
    }


def test_what_is_told_together_and_from_where(runs: Runs) -> None:
    said: list[Entry] = [
        runs.critique("late", step=3), runs.critique("early", step=2), runs.critique("whole", step=None),
        runs.critique("too", body="This too.", step=2),
    ]  # fmt: skip
    judged = standing(runs.log.read(), lambda id_: runs.failed, {})
    told, left_out = to_tell([runs.failed], judged)
    assert not left_out and len(said) == len(judged)
    assert [(each.at, [one.id for one in each.critiques]) for each in told] == [
        (0, ["whole"]), (1, ["early", "too"]), (2, ["late"]),
    ]  # fmt: skip
    from_start, _ = to_tell([runs.failed], judged, from_start=True, tries=2)
    assert [(each.at, len(each.critiques), each.seed) for each in from_start] == [(0, 4, 1), (0, 4, 2)]


def test_what_is_kept_survives_an_interruption_while_others_are_taken_out(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs.folder / "run"
    kept = runs.failed
    gone = replace(kept, id="gone", detail="forget this " * 400)
    with EpisodeStore(folder) as store:
        store.add(gone)
    whole = shutil.rmtree

    def killed(path: Path, **options: Any) -> None:
        whole(path, **options)
        if Path(path) == folder / "segments":
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        keep_only(folder, lambda each: each.id != "gone")
    monkeypatch.undo()
    keep_only(folder, lambda each: True)
    assert list(EpisodeStore(folder).episodes()) == [kept]
    with EpisodeStore(runs.folder / "fresh") as fresh:
        fresh.add(kept)
    assert kept_files(folder) == kept_files(runs.folder / "fresh"), "as if the other had never been"
    assert not list(runs.folder.glob("run.*"))
