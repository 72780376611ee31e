"""Training on reviewed episodes: what became of the comments is paid, once, and can be traced to who made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Critique, GuidelineRead
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, load_guideline
from journeyman.envs.observation import Observation
from journeyman.envs.review_rules import CriticReviewer
from journeyman.envs.reviews import Reviews, remark
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout_many import ProcessEngine
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder, RunFolderError, TrainingError
from journeyman.training.credit import CreditSettings
from journeyman.training.feedback.trace import comments_named, paid
from journeyman.training.groups import Collected, Group, Groups, GroupSettings
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.hybrid import HybridSettings
from journeyman.training.judges import Judges
from journeyman.training.prefixes import Prefixes
from journeyman.training.reward_log import RewardLog
from tests.making import FIX, tiny_task
from tests.training.test_grpo import LOCAL, SMALL

MEND, TEST, REPORT = Action("edit", {"path": "parcel.py", **FIX}), Action("test"), Action("report", {"summary": "done"})
HEEDS, IGNORES = (MEND, REPORT, TEST, REPORT), (MEND, REPORT, REPORT)
"""Both solve it; one is tested after all."""


def untested(episode: Episode) -> Iterator[Critique]:
    if not any(step.tests for step in episode.steps):
        yield remark("Run the tests.", severity="major", category="process")


BY_RULES = Reviews(CriticReviewer(untested, "untested"), rounds=1)


class Now(ScriptedPolicy):
    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__(actions, name="local:run@0")


class Dying(Now):
    """Is shown a comment, and then somebody ends the run."""

    def act(self, observation: Observation) -> Action:
        if "review 1" in observation.text:
            raise KeyboardInterrupt
        return super().act(observation)


def collected(run: Path, task: Task, backend: SandboxFactory, policies: Iterator[Now]) -> Collected:
    """One group of two, played one after the other, by what the next of the policies does."""
    settings = GroupSettings(
        size=2, refills=0, from_within=False, concurrency=1, credit=CreditSettings(state_share=0.0),
        hybrid=HybridSettings(cost=0),
    )  # fmt: skip
    heard, _ = Judges(reviews=BY_RULES).heard(run, steps=1, resumed_from=0)
    with EpisodeStore(run / "episodes") as store:
        groups = Groups(
            [task], settings, backend=backend, config=EnvConfig(), store=store, name="run", outside=heard,
            reviews=BY_RULES, prefixes=Prefixes(run / "prefixes", backend=backend, config=EnvConfig()),
        )  # fmt: skip
        return groups.collect(0, 1, lambda: next(policies))


def require_paid(group: Group, run: Path) -> None:
    """The one that heeded its comment is paid more, and each term names the episode's own comment."""
    comments = {e.episode: e for e in FeedbackLog(run / "episodes").read().entries if isinstance(e, Critique)}
    heeding, ignoring = (
        next(term for term in each.terms if term.name == "learned:reviews") for each in group.shaped
    )  # fmt: skip
    assert (heeding.value, ignoring.value) == (1.0, 0.5) and heeding.weight == 0.05
    ids = [comments[episode.id].id for episode in group.episodes]
    assert heeding.source == f"simulated: 1 of 1 comments resolved; resolved {ids[0]}"
    assert ignoring.source == f"simulated: 0 of 1 comments resolved; open {ids[1]}"
    assert all(episode.resolved for episode in group.episodes)
    assert all(a > 0 for a in group.advantages[0]) and all(a < 0 for a in group.advantages[1])


def test_who_heeds_a_comment_is_paid_more_and_it_is_told_where_that_comes_from(
    tmp_path: Path, backend: SandboxFactory
) -> None:
    found = collected(tmp_path, tiny_task(tmp_path / "task"), backend, iter([Now(HEEDS), Now(IGNORES)]))
    (group,) = found.groups
    require_paid(group, tmp_path)
    RewardLog(tmp_path).collected(1, found)
    terms = [term for term in paid(tmp_path) if term.term == "learned:reviews"]
    assert [term.origin for term in terms] == ["simulated", "simulated"]
    said = comments_named(tmp_path, [terms[1].source])
    assert [each.words for each in said] == ["severity major, body Run the tests."]
    assert said[0].source.annotator.endswith("untested") and said[0].source.origin == "simulated"


@pytest.mark.slow
def test_the_comments_of_an_episode_that_is_played_anew_do_not_count(tmp_path: Path, backend: SandboxFactory) -> None:
    task = tiny_task(tmp_path / "task")
    with pytest.raises(KeyboardInterrupt):
        collected(tmp_path, task, backend, iter([Now(HEEDS), Dying(IGNORES)]))
    (group,) = collected(tmp_path, task, backend, iter([Now(IGNORES)])).groups
    said = [entry for entry in FeedbackLog(tmp_path / "episodes").read().entries if isinstance(entry, Critique)]
    assert len(said) == 3, "nothing that was said is lost"
    require_paid(group, tmp_path)


def test_what_nobody_would_hear_or_could_review_is_refused_before_anything_is_written(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    with ProcessEngine(1) as engine, pytest.raises(TrainingError, match="reviewed in this process alone: leave out"):
        train_grpo("tiny", tasks, tmp_path / "run", backend=backend, engine=engine, reviews=BY_RULES)
    plain = GrpoSettings(hybrid=None)
    with pytest.raises(TrainingError, match="nobody else can be heard"):
        train_grpo("tiny", tasks, tmp_path / "run", backend=backend, settings=plain, reviews=BY_RULES)
    assert not (tmp_path / "run").exists()


def test_a_guideline_that_is_reviewed_by_is_kept_and_another_version_is_another_reviewer(tmp_path: Path) -> None:
    class Judging(CriticReviewer):
        def __init__(self, guideline: Guideline) -> None:
            super().__init__(untested, guideline.name)
            self.guideline = guideline

    first = load_guideline("conduct")
    mended = first.items[0].model_copy(update={"text": "Something else."})
    second = first.model_copy(update={"items": (mended, *first.items[1:])})
    one, same, other = (
        Judges(reviews=Reviews(Judging(guideline))).settings(HybridSettings(), None)
        for guideline in (first, load_guideline("conduct"), second)
    )
    assert one == same != other
    for _ in range(2):  # resumed
        Judges(reviews=Reviews(Judging(first))).heard(tmp_path, steps=1, resumed_from=0)
    (read,) = FeedbackLog(tmp_path / "episodes").read().entries
    assert isinstance(read, GuidelineRead) and read.guideline == first


@pytest.mark.slow
def test_a_run_is_reviewed_paid_for_and_not_gone_on_with_by_another_reviewer(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    settings = GrpoSettings(
        steps=1, tasks_per_step=1, group_size=2, micro_batch=2, refills=0, concurrency=2, learning_rate=1e-3
    )

    def short(episode: Episode) -> Iterator[Critique]:
        if len(episode.steps) == 1:
            yield remark("Say more.")

    def train(reviews: Reviews | None) -> Path:
        return train_grpo(
            "tiny", tasks, tmp_path / "run", backend=backend, settings=settings, local=LOCAL, config=SMALL.env,
            reviews=reviews,
        )  # fmt: skip

    train(Reviews(CriticReviewer(short, "short"), every=1))
    terms = [term for term in paid(tmp_path / "run") if term.term == "learned:reviews"]
    assert len(terms) == 2 and len(comments_named(tmp_path / "run", [term.source for term in terms])) == 2
    (entry,) = RunFolder(tmp_path / "run", {}).report()["history"]
    assert "reward/learned:reviews" in entry
    for other in (BY_RULES, None):
        with pytest.raises(RunFolderError, match=r"other settings \(reviews\)"):
            train(other)
