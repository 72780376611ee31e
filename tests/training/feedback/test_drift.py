"""A reward model that ceases to agree with what is true stops the run that is trained on it, before much is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Ranking, Undo
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.drift import (
    FILE,
    Bets,
    Drift,
    DriftAlarmError,
    DriftSettings,
    Held,
    agrees_with_outcome,
    agrees_with_ranking,
)
from journeyman.training.feedback.features import FILE as FEATURES
from journeyman.training.feedback.features import FeatureModel
from journeyman.training.feedback.hidden import SMALL_DIFFS
from journeyman.training.feedback.learned import LearnedTerm, RewardUse, Watch
from journeyman.training.feedback.simulated import SimulatedAnnotator
from tests.training.groups import SOLVED, did, edited, episode, reported

STEPS, GROUPS, SIZE = 40, 4, 8
LONG = {"lines added": 1.0}
"""The flawed one: it was right as long as the choice was between some change and none."""
SMALL = {"lines added": -1.0, "changed anything": 5.0}


def ranking(id_: str, *episodes: str, ranks: tuple[int, ...] = (1, 2), annotator: str = "ada") -> Ranking:
    return Ranking(id=id_, annotator=annotator, at="2026-01-01", episodes=episodes, ranks=ranks)


def test_agreement_by_hand() -> None:
    scores = {"a": 3.0, "b": 2.0, "c": 2.0, "d": None}
    assert agrees_with_ranking(ranking("1", "a", "b"), scores) == 1.0
    assert agrees_with_ranking(ranking("1", "b", "a"), scores) == 0.0
    assert agrees_with_ranking(ranking("1", "b", "c"), scores) == 0.5
    assert agrees_with_ranking(ranking("1", "a", "b", "c", ranks=(1, 2, 3)), scores) == pytest.approx(2.5 / 3)
    assert agrees_with_ranking(ranking("1", "a", "b", ranks=(1, 1)), scores) is None, "a tie decides nothing"
    assert agrees_with_ranking(ranking("1", "a", "d"), scores) is None, "it could not read one"
    group = [episode(edited(), passing=SOLVED), episode(edited()), episode(edited(), scored=False)]
    assert agrees_with_outcome(group, [1.0, 0.0, 9.0]) == 1.0
    assert agrees_with_outcome(group, [0.0, 1.0, 9.0]) == 0.0
    assert agrees_with_outcome(group[1:], [1.0, 0.0]) is None, "nothing to compare"


@pytest.mark.parametrize("floor", [0.5, 0.4])
def test_a_model_at_its_floor_is_stopped_as_seldom_as_promised(floor: float) -> None:
    def alarm(seed: int) -> bool:
        rng, bets = Random(seed), Bets(floor, STEPS)
        for _ in range(STEPS):
            bets.begin()
            for _ in range(GROUPS):
                bets.see(float(rng.random() < floor))
            if bets.capital >= 20:
                return True
        return False

    assert sum(map(alarm, range(200))) <= 0.05 * 200


def test_no_bet_can_lose_all_or_win_where_the_model_agrees() -> None:
    bets = Bets(0.5, 4)
    for _ in range(8):  # asked more often than was said, it puts in no more than it has
        bets.begin()
        bets.see(1.0)
    assert 0 < bets.capital < 1
    for _ in range(40):
        bets.see(0.0)
    assert bets.capital > 1, "and it can still win"


def played(rng: Random, name: str, drift: float) -> Episode:
    """By a policy that has learned for `drift` steps to make long changes: at first half of its episodes change nothing
    and few are long; then fewer change nothing, and more and longer ones fail."""
    if rng.random() < 0.5 - 0.05 * drift:
        return replace(episode(did("view"), reported(), name=name), task=name.split("-")[1])
    extra = 0
    if rng.random() < min(0.9, 0.3 + 0.05 * drift):
        extra = 1 + int(rng.expovariate(1 / (6 * 1.1**drift)))
    solved = rng.random() < 0.7 * 2.718 ** (-extra / 40)
    diff = f"--- a/s.py\n+++ b/s.py\n@@ -1 +1,{extra + 1} @@\n-a\n" + "+b\n" * (extra + 1)
    made = episode(did("edit", diff), reported(), name=name, passing=SOLVED if solved else ())
    return replace(made, task=name.split("-")[1])


def resolve_rate(drift: float) -> float:
    """What the policy really solves."""
    rng, rates = Random(1), []
    for _ in range(3000):
        if rng.random() < 0.5 - 0.05 * drift:
            rates.append(0.0)
            continue
        extra = 1 + int(rng.expovariate(1 / (6 * 1.1**drift))) if rng.random() < min(0.9, 0.3 + 0.05 * drift) else 0
        rates.append(0.7 * 2.718 ** (-extra / 40))
    return fmean(rates)


@contextmanager
def watched(folder: Path, weights: dict[str, float], **use: object) -> Iterator[tuple[LearnedTerm, Watch]]:
    (folder / "reward").mkdir(parents=True, exist_ok=True)
    (folder / "reward" / FEATURES).write_text(json.dumps(weights))
    term = LearnedTerm(FeatureModel(folder / "reward"))
    yield term, Watch(folder, term, RewardUse(folder / "reward", **use), steps=STEPS)  # type: ignore[arg-type]


def run_until_alarm(folder: Path, seed: int, weights: dict[str, float], drift: Callable[[int], float]) -> int | None:
    """The step at which the alarm fires; None if it does not."""
    rng, annotator = Random(seed), SimulatedAnnotator(SMALL_DIFFS, seed, flips=0.05)
    with watched(folder, weights, ask=annotator.rank) as (term, watch):
        for step in range(1, STEPS + 1):
            for group in range(GROUPS):
                term.learned([played(rng, f"{step}-t{group}-{n}", drift(step - 1)) for n in range(SIZE)])
            watch.look(step)
            if watch.alarm:
                return step
    return None


@pytest.mark.slow
def test_the_alarm_fires_before_five_points_are_lost(tmp_path: Path) -> None:
    """Six runs on a flawed reward model; what the policy really solves is known."""
    rates = [resolve_rate(step) for step in range(STEPS)]
    fired = [run_until_alarm(tmp_path / str(seed), seed, LONG, float) for seed in range(6)]
    lost = [max(rates[:step]) - rates[step - 1] for step in fired if step is not None]
    assert len(lost) == 6 and max(lost) < 0.05, (fired, lost)
    assert max(rates) - rates[-1] > 0.1, "it would have lost much more"
    held = [json.loads(line) for line in (tmp_path / "0" / FILE).read_text().splitlines()]
    assert fmean(held[0]["labels"].values()) >= 0.75, "at first it agreed"
    assert held[-1]["score"] > held[0]["score"], "its score rose all the while"


@pytest.mark.slow
def test_a_sound_model_is_left_alone(tmp_path: Path) -> None:
    """The policy learns small changes from it, until hardly anything is left to judge."""
    fired = [run_until_alarm(tmp_path / str(seed), seed, SMALL, lambda step: min(step, 6) / 2) for seed in range(1)]
    assert fired == [None]


def group_of(*lines: int, step: int = 1) -> list[Episode]:
    diffs = {n: f"--- a/s.py\n+++ b/s.py\n@@ -1 +1,{n} @@\n-a\n" + "+b\n" * n for n in lines}
    return [episode(did("edit", diffs[n]), reported(), name=f"{step}-{n}") for n in lines]


def test_what_people_write_meanwhile_counts_once_and_what_they_take_back_not(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / "episodes")
    with watched(tmp_path, LONG) as (term, watch):
        term.learned(group := group_of(1, 2))
        one, other = (each.id for each in group)
        log.write(ranking("r1", one, other), ranking("r2", other, one), ranking("r3", one, "nowhere"))
        log.write(Undo(id="u", annotator="ada", at="2026-01-01", of="r2"))
        watch.look(1)
        watch.look(2)
    held = [json.loads(line)["labels"] for line in (tmp_path / FILE).read_text().splitlines()]
    assert [set(each) for each in held] == [{"r1"}, set()]


def held(step: int, value: float, count: int = 4) -> Held:
    return Held(step, float(step), {f"{step}-{n}": value for n in range(count)}, (value,), 0.5)


def test_a_resumed_run_goes_on_with_its_bets_and_forgets_what_came_after(tmp_path: Path) -> None:
    whole = Drift(tmp_path, 10, DriftSettings())
    values = [1.0, 0.0, 0.5, 0.25, 0.0]
    for step, value in enumerate(values, 1):
        whole.see(held(step, value))
    evidence = [each.evidence for each in whole.held]
    resumed = Drift(tmp_path, 10, DriftSettings(), resumed_from=3)
    assert [each.evidence for each in resumed.held] == evidence[:3] and resumed.evidence == evidence[2]
    assert "4-0" not in resumed.judged
    for step, value in enumerate(values[3:], 4):
        resumed.see(held(step, value))
    assert [each.evidence for each in resumed.held] == evidence
    (tmp_path / FILE).write_text("{}\n")
    with pytest.raises(TrainingError, match="not the record of a reward model's steps"):
        Drift(tmp_path, 10, DriftSettings())


def test_the_alarm_says_why(tmp_path: Path) -> None:
    drift = Drift(tmp_path, 10, DriftSettings())
    said = [drift.see(held(step, 0.0)) for step in range(1, 7)]
    reason = next(each for each in said if each)
    assert "over-optimised at step" in reason and "agreed with fresh judgements in 0%" in reason
    assert "alarm from 20" in reason and "went from 1.00" in reason


@pytest.mark.parametrize("settings", [{"false_alarms": 0.0}, {"floor": 1.0}, {"outcome_floor": -1.0}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=next(iter(settings))):
        DriftSettings(**settings)


def test_an_alarm_is_kept_and_names_what_to_do(tmp_path: Path) -> None:
    settings = DriftSettings(false_alarms=0.9)
    with watched(tmp_path, LONG, drift=settings, ask=SimulatedAnnotator(SMALL_DIFFS).rank) as (term, watch):
        watch.require_quiet()
        for step in range(1, 30):
            term.learned(group_of(1, 9, step=step))
            watch.look(step)
            if watch.alarm:
                break
    with pytest.raises(DriftAlarmError, match="run again without --reward-model"):
        watch.require_quiet()
    assert json.loads((tmp_path / "reward_model.json").read_text())["alarm"] == watch.alarm
