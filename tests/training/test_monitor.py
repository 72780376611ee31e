"""A run's steps on the disk: each once, whatever happened between."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.training.checkpoint import TrainingError
from journeyman.training.hybrid import Shaped
from journeyman.training.monitor import STEPS, Monitors, StepFacts, StepLog, of_all, read_steps, step_facts
from journeyman.training.stopwatch import Shares

FACTS = StepFacts(
    1, 8, 12.5, 8, 2, 1, 2, 1, 0.3, {"outcome": 0.25, "milestones": 0.05}, {"reported": 8}, 0.01, 400, 1600,
    Shares(sampled=0.5, environment=0.25, trained=0.5),
)  # fmt: skip


def log_of(folder: Path, *steps: int, resumed_from: int = 0) -> StepLog:
    log = StepLog(folder, resumed_from=resumed_from)
    for step in steps:
        log.step(replace(FACTS, step=step, reward=step / 10))
    return log


def steps_of(folder: Path) -> list[int]:
    return [facts.step for facts in read_steps(folder)]


def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    seen: list[StepFacts] = []

    class Watcher:
        def step(self, facts: StepFacts) -> None:
            seen.append(facts)

    Monitors(StepLog(tmp_path), Watcher()).step(FACTS)
    assert read_steps(tmp_path) == seen == [FACTS]
    assert json.loads((tmp_path / STEPS).read_text())["resolved"] == 2
    assert (FACTS.resolve_rate, FACTS.tokens_per_s) == (2 / 7, 32.0)


def test_a_resumed_run_has_each_step_once(tmp_path: Path) -> None:
    log_of(tmp_path, 1, 2, 3, 4)
    log_of(tmp_path, 3, 3, 4, 5, resumed_from=2)  # killed after step 4; the last checkpoint was of step 2
    assert steps_of(tmp_path) == [1, 2, 3, 4, 5]
    log_of(tmp_path, resumed_from=5)
    assert steps_of(tmp_path) == [1, 2, 3, 4, 5]
    log_of(tmp_path, 1)  # no checkpoint was whole: all over again
    assert steps_of(tmp_path) == [1]


def test_a_torn_line_is_no_step_and_is_gone_after_resuming(tmp_path: Path) -> None:
    log_of(tmp_path, 1, 2)
    path = tmp_path / STEPS
    path.write_bytes(path.read_bytes()[:-7])  # kill -9 in the midst of a write
    assert steps_of(tmp_path) == [1]
    log_of(tmp_path, 2, 3, resumed_from=1)
    assert steps_of(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("line", ["no json", "[]", "{}", '{"step": 1}', '{"shares": 7}'])
def test_a_file_of_others_is_refused_in_one_line_and_left_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / STEPS).write_text(line + "\n")
    with pytest.raises(TrainingError, match=r"steps\.jsonl, line 1: .*move the file away"):
        StepLog(tmp_path)
    assert (tmp_path / STEPS).read_text() == line + "\n"
    assert read_steps(tmp_path / "nowhere") == []


def episode(reward: float | None, *, solved: bool = False) -> Episode:
    turn = TokenTurn((1, 2, 3), (7, 8), (-0.1, -0.2))
    step = Step(Action("view", {"path": "."}, "x", turn), Observation("y"))
    terms = () if reward is None else (RewardTerm("outcome", 1.0, reward, "checks"),)
    stop = StopReason.REPORTED if solved else StopReason.STEP_LIMIT
    return Episode("e", "t", "p", 0, Observation("x"), (step,), stop, reward, terms, None)


GROUPS = st.lists(st.sampled_from([episode(1.0, solved=True), episode(0.5), episode(0.0), episode(None)]), min_size=1)


def test_the_facts_of_a_step_come_from_its_episodes() -> None:
    groups = [[episode(1.0, solved=True), episode(0.0)], [episode(0.0), episode(None)]]
    facts = step_facts(3, 8, groups, (2.0, Shares(sampled=1)), loss=0.5)
    assert (facts.episodes, facts.unscored, facts.groups, facts.groups_with_signal) == (4, 1, 2, 1)
    assert facts.reward == pytest.approx(1 / 3)
    assert facts.terms == {"outcome": pytest.approx(1 / 3)}
    assert facts.stops == {"step_limit": 3, "reported": 1}
    assert (facts.sampled_tokens, facts.read_tokens) == (8, 12)
    assert facts.resolve_rate == 0  # none of these has a verdict
    unscored = step_facts(4, 8, [[episode(None)]], (1.0, Shares()))
    assert (unscored.reward, unscored.resolve_rate, unscored.terms) == (None, None, {})


def test_a_trainer_may_pay_otherwise_than_the_environment() -> None:
    groups = [[episode(0.0), episode(0.0)], [episode(1.0), episode(None)]]
    lie = Shaped((RewardTerm("outcome", 0.9, 0.0, "checks"), RewardTerm("honesty", -0.1, 0.5, "a lie")), -0.05)
    honest = Shaped((RewardTerm("outcome", 0.9, 0.0, "checks"), RewardTerm("honesty", -0.1, 0.0, "none")), 0.0)
    solved = Shaped((RewardTerm("outcome", 0.9, 1.0, "checks"), RewardTerm("honesty", -0.1, 0.0, "none")), 0.9)
    facts = step_facts(1, 1, groups, (1.0, Shares()), paid=[lie, honest, solved, Shaped((), None)])
    assert facts.terms == {"outcome": pytest.approx(0.3), "honesty": pytest.approx(-0.05 / 3)}
    assert facts.reward == pytest.approx(sum(facts.terms.values()))
    assert facts.groups_with_signal == 0, "the grader found no difference"


@given(parts=st.lists(st.lists(GROUPS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_several_processes_tell_is_what_one_would_of_all_their_episodes(parts: list[list[list[Episode]]]) -> None:
    lap = (2.0, Shares(sampled=0.5, trained=0.25))
    whole = step_facts(3, 8, [group for groups in parts for group in groups], lap, loss=0.5)
    found = of_all([step_facts(3, 8, groups, lap, loss=0.5) for groups in parts])
    about = (whole.reward, whole.terms, whole.stops)
    assert replace(found, reward=None, terms={}, stops={}) == replace(whole, reward=None, terms={}, stops={})
    assert (found.reward, found.terms, found.stops) == (pytest.approx(about[0]), pytest.approx(about[1]), about[2])
