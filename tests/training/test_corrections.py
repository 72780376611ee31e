"""A model's own failure becomes a lesson: its log as it was seen, then the mend, of which alone is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.observation import Observation
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.fork import Branch, Different
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.corrections import Collected, Fix, collect_corrections, failing_points
from journeyman.training.selection import select
from journeyman.training.tokens import demonstration
from tests.making import FIX, tiny_task
from tests.training.test_changes import changed

VIEW, TEST, REPORT = Action("view", {"path": "parcel.py", "line": 22}), Action("test"), Action("report")
WRONG = Action("edit", {"path": "parcel.py", **FIX, "new": "        return total(self.prices) < FREE_FROM"})
BESIDE = Action("edit", {"path": "parcel.py", "line": 10, "new": "        result += 2 * price"})
RIGHT = Action("edit", {"path": "parcel.py", **FIX})

Play = Callable[..., Episode]
Correct = Callable[..., Collected]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


@pytest.fixture
def play(task: Task, backend: SandboxFactory) -> Play:
    def played(*actions: Action, seed: int = 0, max_steps: int | None = None) -> Episode:
        return rollout(RepoEnv(task, backend, EnvConfig(max_steps=max_steps)), ScriptedPolicy(actions), seed=seed)

    return played


@pytest.fixture
def correct(task: Task, backend: SandboxFactory, tmp_path: Path) -> Correct:
    def corrected(*episodes: Episode, **options: Any) -> Collected:
        with EpisodeStore(tmp_path / "corrections") as store:
            return collect_corrections(episodes, lambda _: task, backend=backend, store=store, **options)

    return corrected


@pytest.mark.slow
def test_the_mend_is_learned_and_the_fault_only_read(
    play: Play, correct: Correct, task: Task, backend: SandboxFactory, tiny: tuple[Any, Any]
) -> None:
    failed = play(VIEW, WRONG, TEST, REPORT, max_steps=4)
    assert not failed.resolved
    (child,) = correct(failed).episodes
    assert child.resolved and child.ancestry is not None
    assert (child.ancestry.episode, child.ancestry.step, child.policy) == (failed.id, 3, "mender")
    assert [step.action.tool for step in child.steps] == ["view", "edit", "test", "edit", "test", "report"]
    assert child.steps[2].observation.text == failed.steps[2].observation.text, "the log as it was observed"
    assert select([child]).episodes == (child,)
    row = demonstration(child, ChatTemplate(tiny[1]), dialect("lines"), diagnose=True)
    learned = tiny[1].decode([token for token, trained in zip(row.ids, row.trained, strict=True) if trained])
    assert learned.startswith(
        "assert False: line 22 now reads `return total(self.prices) < FREE_FROM`\nedit parcel.py:22"
    )
    assert ">= FREE_FROM" in learned and "edit parcel.py:22\n        return total(self.prices) < FREE" not in learned
    assert verify(child, partial(RepoEnv, task, backend, EnvConfig.from_dict(child.config))).identical


@pytest.mark.slow
def test_a_fault_elsewhere_is_put_back_as_well(play: Play, correct: Correct) -> None:
    (child,) = correct(play(BESIDE, TEST, REPORT)).episodes
    assert child.resolved
    mended = "".join(step.diff for step in child.steps[2:])
    assert "+        result += price" in mended and "+        return total(self.prices) >= FREE_FROM" in mended


def test_who_never_tested_is_shown_the_failure_first(play: Play, correct: Correct) -> None:
    (child,) = correct(play(WRONG, REPORT)).episodes
    assert [step.action.tool for step in child.steps][:2] == ["edit", "test"]
    assert child.ancestry is not None and child.ancestry.step == 1
    assert child.resolved


def test_who_was_refused_is_shown_the_right_call_without_a_test_run_first(play: Play, correct: Correct) -> None:
    nothing = Action("edit", {"path": "parcel.py", **FIX, "new": "        return total(self.prices) > FREE_FROM"})
    failed = play(VIEW, nothing, VIEW, nothing, max_steps=4)
    assert [step.observation.ok for step in failed.steps] == [True, False, True, False]
    (child,) = correct(failed).episodes
    assert child.resolved and child.ancestry is not None and child.ancestry.step == 2
    assert [step.action.tool for step in child.steps] == ["view", "edit", "edit", "test", "report"]


@pytest.mark.slow
def test_what_was_collected_is_not_played_again(play: Play, correct: Correct, tmp_path: Path) -> None:
    failed = [play(WRONG, TEST, REPORT, seed=seed) for seed in range(2)]
    first = correct(failed[0])
    seen: list[tuple[int, int]] = []
    both = correct(*failed, progress=lambda done, total, note="": seen.append((done, total)))
    assert both.episodes[0].id == first.episodes[0].id
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert len(list(EpisodeStore(tmp_path / "corrections").episodes())) == 2


@pytest.mark.slow
def test_what_a_fault_of_ours_ended_is_unscored_and_tried_again(
    play: Play, correct: Correct, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Branch.run

    def lost(branch: Branch, different: Different, *, store: EpisodeStore, **options: Any) -> Episode:
        child = whole(branch, different, **options)
        ended = replace(child, stop=StopReason.SANDBOX_LOST, reward=None, verdict=None, detail="killed")
        store.add(ended)
        return ended

    failed = play(WRONG, TEST, REPORT)
    monkeypatch.setattr(Branch, "run", lost)
    assert correct(failed).left_out == {"unscored": 1}
    monkeypatch.undo()
    (child,) = correct(failed).episodes
    assert child.resolved
    assert correct(failed).episodes == (child,), "now that it is whole, it is kept"


def test_who_gave_up_gives_up_again(play: Play, correct: Correct, tmp_path: Path) -> None:
    harmless = Action("edit", {"path": "parcel.py", **FIX, "new": f"{FIX['new']}  # so"})
    unscored = replace(play(harmless, REPORT), verdict=None)
    for _ in range(2):
        assert correct(unscored).left_out == {"no visible test fails there, so nothing shows what is wrong": 1}
    assert len(list(EpisodeStore(tmp_path / "corrections").episodes())) == 1, "it is not asked twice"


@pytest.mark.slow
def test_a_place_that_is_not_reached_again_takes_nothing_from_those_before(play: Play, correct: Correct) -> None:
    failed = play(WRONG, TEST, BESIDE, TEST, REPORT)
    steps = list(failed.steps)
    steps[2] = replace(steps[2], tree_hash="0" * 64)
    found = correct(replace(failed, steps=tuple(steps)), per_episode=2)
    assert [each.resolved for each in found.episodes] == [True]
    assert found.left_out == {"its steps cannot be done again as they were": 1}


@pytest.mark.slow
def test_the_way_of_another_of_the_group_will_do(play: Play, correct: Correct, task: Task, tmp_path: Path) -> None:
    failed, solved = play(WRONG, TEST, REPORT), play(RIGHT, TEST, REPORT)
    assert task.solution is not None
    (task.solution / "parcel.py").write_text("the reference would not solve it\n")
    assert not correct(failed).episodes
    (tmp_path / "corrections").rename(tmp_path / "old")
    found = correct(failed, solved, fix=Fix.GROUP)
    (child,) = found.episodes
    assert child.resolved
    assert found.left_out == {"resolved, so nothing is to be corrected": 1}


@pytest.mark.slow
def test_a_mend_to_one_solution_is_not_taken_for_a_mend_to_another(play: Play, correct: Correct) -> None:
    other_way = Action("edit", {"path": "parcel.py", **FIX, "new": FIX["new"].replace("return ", "return not not ")})
    failed, solved = play(WRONG, TEST, REPORT), play(other_way, TEST, REPORT)
    assert solved.resolved
    found = {}
    for fix, whose in ((Fix.REFERENCE, "reference"), (Fix.GROUP, solved.id)):
        (child,) = correct(failed, solved, fix=fix).episodes
        assert any("not not" in step.diff for step in child.steps) == (fix is Fix.GROUP)
        assert child.versions["mends_to"] == whose
        found[fix] = child
    for fix, child in found.items():
        assert correct(failed, solved, fix=fix).episodes == (child,), "both are kept"


@pytest.mark.slow
def test_a_mend_that_does_not_say_whose_solution_it_plays_is_the_references(
    play: Play, correct: Correct, tmp_path: Path
) -> None:
    failed = play(WRONG, TEST, REPORT)
    (child,) = correct(failed).episodes
    (tmp_path / "corrections").rename(tmp_path / "new")
    older = replace(child, versions={name: said for name, said in child.versions.items() if name != "mends_to"})
    with EpisodeStore(tmp_path / "corrections") as store:
        store.add(older)
    assert correct(failed).episodes == (older,)


def test_what_teaches_nothing_is_left_out_with_the_reason(play: Play, correct: Correct) -> None:
    failed = play(WRONG, TEST, REPORT)
    idle = play(VIEW, REPORT)
    theirs = replace(failed, id="theirs", versions={IMPORTED: "openhands"})
    other = replace(failed, id="other", steps=(replace(failed.steps[0], tree_hash="0" * 64), *failed.steps[1:]))
    found = correct(idle, theirs, other)
    assert not found.episodes
    assert found.left_out == {
        "did nothing that could be mended": 1,
        "imported, so its actions cannot be done again": 1,
        "its steps cannot be done again as they were": 1,
    }


def test_where_an_episode_failed_first() -> None:
    failing = Step(Action("test"), Observation("1 failed", "test"), tree_hash="a", tests=TestRun(failed=("t",)))
    again = replace(failing, tree_hash="b")
    steps = (failing, changed("x", "y"), failing, failing, changed("y", "z"), again)
    episode = Episode("e", "t", "p", 0, Observation(""), steps, StopReason.REPORTED, 0.0, (), None)
    assert failing_points(episode) == (3,), "what failed before it changed anything was not its doing"
    assert failing_points(episode, 5) == (3, 6)
    assert failing_points(replace(episode, steps=steps[:2])) == (2,)
    assert failing_points(replace(episode, steps=steps[:1])) == ()


def test_a_refused_call_comes_after_failing_tests_where_there_is_room() -> None:
    refused = Step(Action("edit"), Observation("the edit changes nothing", "edit", ok=False), tree_hash="a")
    failing = Step(Action("test"), Observation("1 failed", "test"), tree_hash="b", tests=TestRun(failed=("t",)))
    steps = (refused, refused, changed("x", "y"), failing)
    episode = Episode("e", "t", "p", 0, Observation(""), steps, StopReason.STEP_LIMIT, 0.0, (), None)
    assert failing_points(episode) == (4,)
    assert failing_points(episode, 2) == (1, 4)
    assert failing_points(replace(episode, steps=steps[:2])) == (1,)
    assert failing_points(replace(episode, steps=steps[:3]), 2) == (1, 3)
    ours = replace(refused, fault="tool_error")
    assert failing_points(replace(episode, steps=(ours,))) == (), "what a fault of ours refused was not its doing"
