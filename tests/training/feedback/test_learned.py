"""A reward model has its part in GRPO: above the gate only, bounded, never alone where all failed, and watched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Ranking
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import DONE, RunFolder, RunFolderError, TrainingError
from journeyman.training.feedback.drift import FILE as DRIFT
from journeyman.training.feedback.drift import DriftAlarmError, DriftSettings
from journeyman.training.feedback.features import FILE as FEATURES
from journeyman.training.feedback.gate import GateError
from journeyman.training.feedback.learned import RECORD, LearnedTerm, RewardUse, Watch, admit, expected_wins
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.hybrid import HybridSettings, hybrid
from journeyman.training.presets import preset
from tests.training.groups import BUG, SOLVED, A, amount, edited, episode, ran

SMALL = preset("small")
LOCAL = replace(SMALL.local, max_turn_tokens=8, max_episode_tokens=600)


class Given:
    """Scores by hand."""

    def __init__(self, *scores: float | None) -> None:
        self._scores = scores

    def scores(self, episodes: object) -> list[float | None]:
        return list(self._scores)


def reward_model(folder: Path, agreement: float = 0.8, **weights: float) -> Path:
    """One that passes its gate with such a lower bound, or does not."""
    report = {"pairs": 40, "agreement": {"value": 0.9, "low": agreement}, "ece": {"value": 0.1}}
    (folder / "model").mkdir(parents=True)
    (folder / "model" / FEATURES).write_text(json.dumps(weights))
    (folder / DONE).write_text(json.dumps({"settings": {}, "calibration": report}))
    return folder / "model"


def group(*passing: tuple[str, ...]) -> list[Episode]:
    return [episode(edited(), ran(A), passing=each, name=str(n)) for n, each in enumerate(passing)]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.floats(-100, 100))
def test_values_are_chances_to_win_whatever_the_unit_begins_with(scores: list[float], shift: float) -> None:
    named = {str(n): score for n, score in enumerate(scores)}
    values = expected_wins(named)
    assert all(0 <= value <= 1 for value in values.values())
    assert sum(values.values()) == pytest.approx(len(scores) / 2)
    assert all(values[a] >= values[b] - 1e-9 for a in values for b in values if named[a] >= named[b])
    moved = expected_wins({name: score + shift for name, score in named.items()})
    assert moved == pytest.approx(values, abs=1e-4)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8))
def test_alone_where_all_failed_it_moves_next_to_nothing(scores: list[float]) -> None:
    settings = HybridSettings()
    failed = group(*[() for _ in scores])
    learned = LearnedTerm(Given(*scores)).learned(failed)
    shaped = hybrid(failed, BUG, settings, learned=learned)
    assert all(abs(amount(each, "learned")) <= settings.learned_alone + 1e-9 for each in shaped)
    totals = [each.total or 0.0 for each in shaped]
    assert max(totals) - min(totals) <= settings.learned_alone + 1e-9
    solved = group(SOLVED, *[() for _ in scores])
    learned = LearnedTerm(Given(min(scores) - 1, *scores)).learned(solved)  # the solved one is what it likes least
    best, *others = (each.total or 0.0 for each in hybrid(solved, BUG, settings, learned=learned))
    assert best > max(others) + 0.5


def test_what_it_cannot_read_stands_at_the_mean() -> None:
    term = LearnedTerm(Given(2.0, None, 0.0))
    members = group(SOLVED, SOLVED, ())
    learned = term.learned(members)
    assert set(learned) == {"0", "2"}
    values = [amount(each, "learned") for each in hybrid(members, BUG, learned=learned)]
    assert values[0] > values[1] == pytest.approx((values[0] + values[2]) / 2)
    assert [scores for _, scores in term.drain()] == [[2.0, None, 0.0]] and term.drain() == []


def test_a_run_keeps_the_reward_model_that_it_began_with_but_after_an_alarm(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    one, other = RewardUse(reward_model(tmp_path / "a")), RewardUse(reward_model(tmp_path / "b", 0.7))
    admit(run, one, begun=False)
    admit(run, one, begun=True)
    for another in (other, None):
        with pytest.raises(RunFolderError, match=r"was begun with .*give the same --reward-model"):
            admit(run, another, begun=True)
    (run / DRIFT).write_text("")
    (run / RECORD).write_text(json.dumps({**json.loads((run / RECORD).read_text()), "alarm": "it errs"}))
    with pytest.raises(DriftAlarmError, match="it errs; run again without"):
        admit(run, one, begun=True)
    admit(run, other, begun=True)
    assert not (run / DRIFT).exists() and len(list(run.glob("drift-*.jsonl"))) == 1, "it begins with bets of its own"
    record = json.loads((run / RECORD).read_text())
    assert record["alarm"] is None and record["before"]["alarm"] == "it errs"
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(RunFolderError, match="begun with no reward model"):
        admit(plain, one, begun=True)


def test_below_the_gate_or_without_a_weight_nothing_is_begun(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    low, sound = RewardUse(reward_model(tmp_path / "low", 0.55)), RewardUse(reward_model(tmp_path / "sound"))
    with pytest.raises(GateError, match=r"may not enter training: it agrees with 90% .* no more than 55%"):
        train_grpo("tiny", tasks, tmp_path / "run", backend=backend, reward=low)
    mute = LearnedTerm(Given())
    for hybrid_ in (None, HybridSettings(learned=0, learned_alone=0)):
        settings = GrpoSettings(hybrid=hybrid_)
        with pytest.raises(TrainingError, match="pays nothing"):
            train_grpo("tiny", tasks, tmp_path / "run", backend=backend, reward=sound, settings=settings)
        with pytest.raises(TrainingError, match="nobody else can be heard"):
            train_grpo("tiny", tasks, tmp_path / "run", backend=backend, outside=mute, settings=settings)
    assert not (tmp_path / "run").exists()


def test_a_ranking_by_an_older_meaning_is_not_held_against_it(tmp_path: Path) -> None:
    members = [replace(each, id=f"20260101T000000-{name}") for each, name in zip(group(SOLVED, ()), "ab", strict=True)]
    old, new = (
        Guideline(name="mine", version=number, title="Mine", items=(Item(id="small", kind="must", text=text),))
        for number, text in ((1, "Change little."), (2, "Change nothing."))
    )
    with EpisodeStore(tmp_path / "episodes") as store:
        for each in members:
            store.add(each)
    log = FeedbackLog(tmp_path / "episodes")
    term = LearnedTerm(Given(1.0, 0.0))
    watch = Watch(tmp_path, term, RewardUse(tmp_path / "model"), steps=2)

    def fresh(step: int, guideline: Guideline, by: ItemRef) -> list[str]:
        """Which rankings a step is held against."""
        log.keep_guideline(guideline, "ada", "page")
        log.write(Ranking(id=f"r{step}", annotator=f"ada{step}", at="2026-01-01", ranks=(2, 1), item=by,
                          episodes=tuple(each.id for each in members)))  # fmt: skip
        term.learned(members)
        watch.look(step)
        return list(json.loads((tmp_path / DRIFT).read_text().splitlines()[-1])["labels"])

    by_old = ItemRef.of(old, old.items[0])
    assert fresh(1, old, by_old) == ["r1"]
    assert fresh(2, new, by_old) == [], "it is stale"


def contrary(one: Episode, other: Episode) -> Ranking:
    """Finds the longer episode worse."""
    lengths = [sum(len(step.action.text) for step in each.steps) for each in (one, other)]
    ranks = (2, 1) if lengths[0] > lengths[1] else (1, 2)
    return Ranking(
        id=f"r-{one.id}", annotator="sim.contrary", at="2026-01-01", simulated=True, episodes=(one.id, other.id),
        ranks=ranks,
    )  # fmt: skip


@pytest.mark.slow
def test_an_alarm_stops_the_run_and_it_goes_on_without(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    """The reward model pays what is written."""
    settings = GrpoSettings(steps=3, tasks_per_step=1, group_size=4, micro_batch=4, refills=0, learning_rate=1e-3)
    folder = reward_model(tmp_path / "reward", **{"characters written": 1.0})
    use = RewardUse(folder, drift=DriftSettings(false_alarms=0.95), ask=contrary)

    def train(reward: RewardUse | None) -> Path:
        return train_grpo(
            "tiny", tasks, tmp_path / "run", backend=backend, settings=settings, local=LOCAL, config=SMALL.env,
            reward=reward,
        )  # fmt: skip

    for _ in range(2):  # asked again, it does not go on as if nothing were
        with pytest.raises(DriftAlarmError, match=r"over-optimised at step 1: .*fresh judgements in 0% of [12] "):
            train(use)
    assert not (tmp_path / "run" / DONE).exists()
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("checkpoint-*")] == ["checkpoint-1"]
    said = FeedbackLog(tmp_path / "run" / "episodes").read().entries
    assert said and all(entry.simulated for entry in said)
    train(None)
    history = RunFolder(tmp_path / "run", {}).report()["history"]
    assert [("reward/learned:reward_model" in entry) for entry in history] == [True, False, False]
    with pytest.raises(RunFolderError, match="begun with no reward model"):
        train(use)
