"""A reviewed episode is recorded with what was said, and done again without asking anybody."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.feedback.entry import Critique, Place, Resolution
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.review_rules import GuidelineReviewer, ScriptedReviewer
from journeyman.envs.reviews import Request, Reviews, Said, remark
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different
from journeyman.policies.human_reviewer import HumanReviewer
from journeyman.policies.job import EngineError, Job
from journeyman.policies.record import RecordEpisode
from journeyman.policies.rollout import rollout
from journeyman.policies.rollout_many import ProcessEngine, rollout_many
from journeyman.policies.scripted import NoOpPolicy, ScriptedPolicy
from journeyman.tasks.task import Task
from tests.making import FIX, tiny_task

REPORT, TEST = Action("report", {"summary": "done"}), Action("test")
MEND = Action("edit", {"path": "parcel.py", **FIX})
LIMIT = remark("the limit itself is free", Place(path="parcel.py", line=22), severity="major", suggestion=FIX["new"])


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "run")


def played(task: Task, backend: str, store: EpisodeStore, *actions: Action) -> Episode:
    env = RepoEnv(task, backend, reviews=Reviews(ScriptedReviewer([LIMIT])))
    with store:
        return rollout(env, ScriptedPolicy(actions), seed=0, store=store)


def test_it_is_kept_in_the_record_and_in_the_feedback_and_verifies(
    task: Task, backend: str, store: EpisodeStore
) -> None:
    episode = played(task, backend, store, REPORT, MEND, REPORT)
    assert episode.resolved and store.get("last") == episode
    assert episode.versions["reviewer"] == "sim.script" and episode.versions["reviews"] == "3 rounds; after a report"
    assert episode.steps[0].observation.text.endswith(episode.steps[0].review)
    critique, resolution = FeedbackLog(store.folder).read().entries
    assert isinstance(critique, Critique) and isinstance(resolution, Resolution)
    assert (critique.episode, critique.place.step, critique.body) == (episode.id, 1, LIMIT.body)
    assert (resolution.of, resolution.resolved, resolution.step) == (critique.id, True, 3)
    assert resolution.annotator == "rule" and not resolution.simulated
    assert verify(store.get("last"), partial(RepoEnv, task, backend)).identical


def test_a_long_review_leaves_room_for_the_answer_and_verifies(task: Task, backend: str) -> None:
    config = EnvConfig(max_observation_chars=400)
    look = Action("view", {"path": "parcel.py"})
    reviews = Reviews(ScriptedReviewer([remark("a long story " * 80)]), every=1)
    episode = rollout(RepoEnv(task, backend, config, reviews=reviews), ScriptedPolicy((look, REPORT)), seed=0)
    step = episode.steps[0]
    assert (
        len(step.observation.text) <= 400 and len(step.review) <= 200 and step.observation.text.startswith("parcel.py")
    )
    assert "characters left out" in step.review and "def total" in step.output, "the answer is kept whole"
    assert verify(episode, partial(RepoEnv, task, backend, config)).identical


def test_a_fork_goes_on_from_a_report_that_was_sent_back(task: Task, backend: str, store: EpisodeStore) -> None:
    parent = played(task, backend, store, REPORT, MEND, REPORT)
    with Branch(RepoEnv(task, backend), parent, 2) as branch:
        child = branch.run(Different(NoOpPolicy()), last=True)
    assert child.steps[0].review and child.steps[0].observation == parent.steps[0].observation
    assert child.stop is StopReason.REPORTED and len(child.steps) == 3 and child.resolved
    assert verify(child, partial(RepoEnv, task, backend)).identical


def test_what_is_cut_off_has_its_comments_left_open(task: Task, backend: str, store: EpisodeStore) -> None:
    short = task.model_copy(update={"budget": task.budget.model_copy(update={"max_steps": 2})})
    episode = played(short, backend, store, REPORT, TEST)
    assert episode.stop is StopReason.STEP_LIMIT
    *_, resolution = FeedbackLog(store.folder).read().entries
    assert isinstance(resolution, Resolution) and not resolution.resolved


def test_a_reviewer_that_fails_is_told_of_in_the_record(task: Task, backend: str, store: EpisodeStore) -> None:
    class Broken:
        name, simulated = "broken", True

        def review(self, request: Request) -> Sequence[Said]:
            raise ValueError("no idea")

    env = RepoEnv(task, backend, reviews=Reviews(Broken()))
    with store:
        episode = rollout(env, NoOpPolicy(), seed=0, store=store)
    assert episode.stop is StopReason.REPORTED
    assert episode.detail == "the review by sim.broken at step 1: RuntimeError: ValueError: no idea"
    with store:
        recorded = RecordEpisode(RepoEnv(task, backend, reviews=Reviews(Broken())), store)
        recorded.reset(seed=0)
        recorded.step(REPORT.to_json())
    assert store.get("last").detail == episode.detail


def test_a_person_who_leaves_in_the_middle_takes_nothing_along(task: Task, backend: str, store: EpisodeStore) -> None:
    class Leaving(HumanReviewer):
        def review(self, request: Request) -> list[Said]:
            raise KeyboardInterrupt

    env = RepoEnv(task, backend, reviews=Reviews(Leaving(), timeout_s=None))
    with store, pytest.raises(KeyboardInterrupt):
        rollout(env, ScriptedPolicy((TEST, REPORT)), seed=0, store=store)
    kept = store.get("last")
    assert kept.stop is StopReason.INTERRUPTED and [step.action.tool for step in kept.steps] == ["test"]
    person = HumanReviewer(console=Console(file=io.StringIO()), stream=io.StringIO("Half a comm"))
    env = RepoEnv(task, backend, reviews=Reviews(person, timeout_s=None))
    with store:
        episode = rollout(env, ScriptedPolicy((REPORT, REPORT)), seed=0, store=store)
    assert "Half a comm" in episode.steps[0].review and len(episode.steps) == 2


def test_whatever_drives_the_environment_is_recorded_alike(task: Task, backend: str, store: EpisodeStore) -> None:
    with store:
        env = RecordEpisode(RepoEnv(task, backend, reviews=Reviews(ScriptedReviewer([LIMIT]))), store)
        env.reset(seed=0)
        for action in (REPORT, MEND, REPORT):
            env.step(action.to_json())
        env.close()
    episode = store.get("last")
    assert episode.resolved and episode.steps[0].review
    assert [entry.kind for entry in FeedbackLog(store.folder).read().entries] == ["critique", "resolution"]


def test_many_are_reviewed_at_once_but_in_this_process_alone(task: Task, backend: str, store: EpisodeStore) -> None:
    reviews = Reviews(GuidelineReviewer(load_guideline("conduct")))
    job = Job(task, backend, lambda _: ScriptedPolicy((MEND, REPORT, TEST, REPORT)), reviews=reviews)
    with store:
        episodes = rollout_many([job, job], store=store, concurrency=2)
    assert [len(each.steps) for each in episodes] == [4, 4]
    logged = FeedbackLog(store.folder).read().entries
    assert {each.episode for each in logged if isinstance(each, Critique)} == {each.id for each in episodes}
    with ProcessEngine(1) as engine, pytest.raises(EngineError, match="in this process"):
        engine.env_for(job)


def test_a_person_reviews_at_the_terminal(task: Task, backend: str, store: EpisodeStore) -> None:
    typed = (
        "help\nparcel.py:99 minor where?\n.\nstep 7 no\n.\n"
        "parcel.py:22 major The limit itself\nis free.\n=====\n        return total(self.prices) >= FREE_FROM\n.\n"
        "Say what you did.\n.\nstep 1 praise Short.\n.\ndone\n"
        "ok 2 it says so\nopen 9\n"
    )
    screen = io.StringIO()
    person = HumanReviewer("ada", console=Console(file=screen, width=120), stream=io.StringIO(typed))
    env = RepoEnv(task, backend, reviews=Reviews(person, timeout_s=None))
    with store:
        episode = rollout(env, ScriptedPolicy((REPORT, MEND, REPORT)), seed=0, store=store)
    assert episode.resolved
    logged = FeedbackLog(store.folder).read().entries
    said = [each for each in logged if isinstance(each, Critique)]
    assert [(each.body, each.severity, each.place.line) for each in said] == [
        ("The limit itself\nis free.", "major", 22),
        ("Say what you did.", "minor", None),
        ("Short.", "praise", None),
    ]
    assert said[0].suggestion == FIX["new"] and not said[0].simulated and said[0].annotator == "ada"
    became = {each.of: (each.resolved, each.how, each.annotator) for each in logged if isinstance(each, Resolution)}
    assert became == {
        said[0].id: (True, "what was suggested stands there", "rule"),
        said[1].id: (True, "it says so", "ada"),
    }
    shown = screen.getvalue()
    assert "parcel.py has no lines 99 to 99; this comment was not taken" in shown
    assert "there are 1 steps so far" in shown and "there is no open comment 9" in shown
    assert "+        return total(self.prices) >= FREE_FROM" in shown and "open 1: parcel.py:22" in shown
