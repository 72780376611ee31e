"""A reward model says how far it is to be believed, on pairs held out, and enters training only above a bar."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from journeyman.envs.episode import Episode
from journeyman.policies.models import ModelError
from journeyman.training.checkpoint import DONE, RunFolderError, TrainingError
from journeyman.training.feedback.calibration import Calibration, Margin, calibrate, told
from journeyman.training.feedback.features import FeatureModel, FeatureSettings, train_features
from journeyman.training.feedback.gate import GateError, GateSettings, require_gate, shortfalls
from journeyman.training.feedback.hidden import TESTED
from journeyman.training.feedback.simulated import SimulatedAnnotator
from journeyman.training.preferences import NoPreferencesError, Pairs, Preference
from tests.training.groups import A, did, edited, episode, ran, reported


def margins(count: int, *, sharp: float = 1.0, tasks: int = 20, seed: int = 0) -> list[Margin]:
    """Of a model whose probabilities are true, but that it says `sharp` times the log-odds."""
    rng, found = Random(seed), []
    for number in range(count):
        odds = rng.gauss(0, 2)
        right = rng.random() < 1 / (1 + math.exp(-odds))
        found.append(
            Margin(f"t{number % tasks}", sharp * (odds if right else -odds), ("ada", "sim.x.0", "")[number % 3])
        )
    return found


def calibrated(*args: int, **options: float) -> Calibration:
    found = calibrate(margins(*args, **options))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_true_probabilities_are_calibrated_and_boasts_are_not() -> None:
    true, boast = calibrated(1500), calibrated(1500, sharp=5)
    assert true.ece.value < 0.05 < 0.15 < boast.ece.value
    assert true.brier.value < boast.brier.value
    assert true.agreement.value == boast.agreement.value, "who is right does not depend on how loud"
    assert true.auc.value > true.agreement.value, "sure pairs are more often right"
    assert sum(each.pairs for each in true.bins) == 1500
    for each in true.bins:
        assert each.agreement == pytest.approx(each.confidence, abs=0.08)


def test_figures_by_hand() -> None:
    found = calibrate([Margin("a", 2.0, "ada"), Margin("a", -1.0, "ada"), Margin("b", 3.0, "bob"), Margin("b", 0.0)])
    assert found is not None
    assert found.agreement.value == (1 + 0 + 1 + 0.5) / 4
    pairs = [2.0, -1.0, 3.0, 0.0]
    beats = sum((one + other > 0) + (one + other == 0) / 2 for one in pairs for other in pairs)
    assert found.auc.value == beats / 16
    assert {name: each.value for name, each in found.by_annotator.items()} == {
        "annotator 1": 0.5, "annotator 2": 1.0, "grader": 0.5, "people": 2 / 3,
    }  # fmt: skip
    assert {task: each.value for task, each in found.by_task.items()} == {"a": 0.5, "b": 0.75}
    assert calibrate([]) is None


def test_people_and_programs_are_told_apart() -> None:
    found = calibrated(300)
    assert {"people", "simulated annotators", "grader", "annotator 1", "sim.x.0"} == set(found.by_annotator)
    assert any("simulated annotators" in line for line in told(found.to_dict()))


def test_an_interval_covers_what_is_true_also_of_few_tasks_and_of_no_error() -> None:
    truth = sum(each.value > 0 for each in margins(20_000, seed=99)) / 20_000
    cover = [calibrated(60, seed=seed).agreement for seed in range(12)]
    assert sum(each.low <= truth <= each.high for each in cover) >= 11
    perfect = calibrate([Margin(f"t{n}", 1.0) for n in range(10)])
    assert perfect is not None and perfect.agreement.value == 1.0 and perfect.agreement.low < 0.8


def test_extreme_margins_overflow_nothing() -> None:
    found = calibrate([Margin("a", 1e4), Margin("b", -1e4)])
    assert found is not None and found.brier.value == pytest.approx(0.5)


def report(pairs: int = 40, low: float = 0.7, value: float = 0.85, ece: float = 0.1) -> dict[str, object]:
    return {"pairs": pairs, "agreement": {"value": value, "low": low, "high": 1.0}, "ece": {"value": ece}}


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (None, ["no pairs were held out: .*--held-out"]),
        (report(pairs=15), [r"15 held-out pairs, 30 are needed: judge more episodes \(100% more"]),
        (report(low=0.6), ["agrees with 85% .* no more than 60% .*65% is needed: more held-out pairs"]),
        (report(low=0.4, value=0.5), ["train it on more or clearer judgements"]),
        (report(ece=0.4), [r"calibration error is 0\.40, at most 0\.20 .*fewer epochs"]),
        (report(pairs=3, ece=math.nan, low=math.nan), ["3 held-out", "agrees", "calibration error is nan"]),
        (report(), []),
    ],
)
def test_what_is_missed_is_said_with_what_would_do(found: dict[str, object] | None, missed: list[str]) -> None:
    said = shortfalls(found, GateSettings())
    assert len(said) == len(missed)
    for each, pattern in zip(said, missed, strict=True):
        assert re.search(pattern, each)


@pytest.mark.parametrize("settings", [{"pairs": 0}, {"agreement": 0.4}, {"ece": 2.0}, {"agreement": math.nan}])
def test_a_gate_that_lets_everything_pass_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match="a gate asks for"):
        GateSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"settings": {}}', '{"calibration": {"pairs": 40}}'])
def test_without_a_report_nothing_enters(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / DONE).write_text(text)
    with pytest.raises(GateError, match=r"no report of a reward model .*journeyman train reward"):
        require_gate(tmp_path / "model")


def test_a_folder_beside_a_report_that_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / DONE).write_text(json.dumps({"calibration": report()}))
    with pytest.raises(GateError, match="no reward model, though a report of one stands beside it"):
        require_gate(tmp_path / "modl")
    (tmp_path / "model").mkdir()
    with pytest.raises(GateError, match=r"did you mean .*/model\?"):
        require_gate(tmp_path)


def judged(tasks: int, annotator: SimulatedAnnotator) -> Pairs:
    """Two episodes of each task, one of which is tested; what else differs is chance."""
    rng, found = Random(0), []

    def played(name: str, task: str, tested: bool) -> Episode:
        steps = [did("view") for _ in range(rng.randrange(3))]
        last = [edited(text="x" * rng.randrange(1, 9)), ran(A)] if tested else [ran(A), edited()]
        return replace(episode(*steps, *last, reported(), name=name), task=task)

    for number in range(tasks):
        one, other = (played(f"{number}{side}", f"t{number}", side == "a") for side in "ab")
        ranking = annotator.rank(*((one, other) if rng.random() < 0.5 else (other, one)))
        assert ranking is not None and len(set(ranking.ranks)) == 2
        best = ranking.episodes[ranking.ranks.index(1)]
        chosen, rejected = (one, other) if best == one.id else (other, one)
        found.append(Preference(chosen, rejected, 1.0, f"ranked by {annotator.name}", by=annotator.name))
    return Pairs(tuple(found), {})


def test_counts_alone_learn_what_an_annotator_wants_and_pass(tmp_path: Path) -> None:
    pairs = judged(160, SimulatedAnnotator(TESTED, flips=0.1))
    settings = FeatureSettings(held_out=0.25)
    folder = train_features(pairs, tmp_path, settings)
    assert train_features(pairs, tmp_path, settings) == folder, "done before"
    found = require_gate(folder)
    assert found["pairs"] == 40 and found["agreement"]["value"] >= 0.8
    assert found["by_annotator"]["sim.tests-first.0"]["value"] == found["agreement"]["value"]
    tested, untested = episode(edited(), ran(A), reported()), episode(ran(A), edited(), reported())
    better, worse = FeatureModel(folder).scores([tested, untested])
    assert better is not None and worse is not None and better > worse
    weights = json.loads((folder / "features.json").read_text())
    assert weights["tested after the last change"] > 0


def test_a_run_keeps_no_persons_name(tmp_path: Path) -> None:
    pairs = judged(20, SimulatedAnnotator(TESTED))
    named = replace(pairs, found=tuple(replace(pair, by="ada, bob") for pair in pairs.found))
    train_features(named, tmp_path, FeatureSettings(held_out=0.4))
    report = json.loads((tmp_path / DONE).read_text())
    assert set(report["calibration"]["by_annotator"]) == {"annotator 1", "annotator 2", "people"}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"ada" not in kept and b"bob" not in kept
    again = replace(pairs, found=tuple(replace(pair, by="ada") for pair in pairs.found))
    with pytest.raises(RunFolderError, match="pairs"):
        train_features(again, tmp_path, FeatureSettings(held_out=0.4))


def test_of_chance_nothing_is_learned_and_it_does_not_pass(tmp_path: Path) -> None:
    folder = train_features(judged(160, SimulatedAnnotator(TESTED, flips=0.5)), tmp_path, FeatureSettings(0.25))
    with pytest.raises(GateError, match="may not enter training: it agrees with"):
        require_gate(folder)


def test_without_pairs_or_a_model_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoPreferencesError, match="unscored: 3"):
        train_features(Pairs((), {"unscored": 3}), tmp_path)
    with pytest.raises(ModelError, match="no reward model of features"):
        FeatureModel(tmp_path)
