"""A reward model of a few numbers: Bradley and Terry's model over what an episode's record counts.

For 200 judgements a language model has many weights; this one has some thirty, reads no text, and can only learn what
its numbers tell apart. They were chosen before any judgement and say what happened, not what is good: how often each
tool was used, how much was changed and written, whether and when tests ran. The verdict takes no part.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from journeyman.envs.actions import MALFORMED, TOOLS
from journeyman.envs.changes import changes_of, is_change
from journeyman.envs.claims import Standing, findings_of
from journeyman.envs.episode import Episode, StopReason
from journeyman.policies.models import ModelError
from journeyman.training.checkpoint import RunFolder, write_json
from journeyman.training.feedback.calibration import Margin, calibrate
from journeyman.training.preference_run import PreferenceRun, split
from journeyman.training.preferences import NoPreferencesError, Pairs, Preference, reasons

FILE = "features.json"
_RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
"""How dear a weight of 1 is, in units of a pair's loss."""
_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    held_out: float = 0.2
    """Share of the tasks whose pairs are not trained on, but measured."""
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.run

    @property
    def run(self) -> PreferenceRun:
        """What decides which rows are held out. Raises: TrainingError: the share is none."""
        return PreferenceRun(held_out=self.held_out, seed=self.seed)


def features(episode: Episode) -> dict[str, float]:
    """What the record counts, by name."""
    tools = Counter(step.action.tool for step in episode.steps)
    first = episode.steps[0].action.tool if episode.steps else ""
    changes = [each for step in episode.steps if is_change(step) for each in changes_of(step.diff)]
    changed = [number for number, step in enumerate(episode.steps, 1) if is_change(step)]
    tested = [number for number, step in enumerate(episode.steps, 1) if step.tests is not None]
    last = next((step.tests for step in reversed(episode.steps) if step.tests is not None), None)
    standings = Counter(finding.standing for finding in findings_of(episode.steps))
    report = episode.steps[-1].action.arguments if episode.steps and tools["report"] else {}
    counts = {
        "steps": len(episode.steps),
        "refused": sum(not step.observation.ok for step in episode.steps),
        "lines added": sum(len(each.new) for each in changes),
        "lines removed": sum(len(each.old) for each in changes),
        "places changed": len(changes),
        "files changed": len({each.path for each in changes}),
        "changing steps": len(changed),
        "tests passed in the last run": len(last.passed) if last else 0,
        "tests failed in the last run": len(last.failed) + len(last.errors) if last else 0,
        "characters written": sum(len(step.action.text) for step in episode.steps),
        "words of the report": len(str(report.get("summary", "")).split()),
        **{f"uses of {tool}": tools[tool] for tool in (*TOOLS, MALFORMED) if tool != "report"},
        **{f"claims {standing.value}": standings[standing] for standing in Standing},
    }
    return {
        **{name: float(np.log1p(count)) for name, count in counts.items()},
        **{f"begins with {tool}": float(first == tool) for tool in TOOLS},
        "changed anything": float(bool(changed)),
        "tested at all": float(bool(tested)),
        "tested before the first change": float(bool(tested and changed) and tested[0] < changed[0]),
        "tested after the last change": float(bool(tested and changed) and tested[-1] > changed[-1]),
        "reported": float(episode.stop is StopReason.REPORTED),
    }


class FeatureModel:
    """Such a model, as `train_features` left it.

    Raises:
        ModelError: there is none.
    """

    def __init__(self, folder: Path | str) -> None:
        try:
            self._weights = {str(k): float(v) for k, v in json.loads((Path(folder) / FILE).read_text()).items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            why = (
                f"{folder}: no reward model of features ({error}); `journeyman train reward --kind features` makes one"
            )
            raise ModelError(why) from error

    def scores(self, episodes: Sequence[Episode]) -> list[float | None]:
        """Any numbers, higher is better, comparable within one task at most."""
        return [score_of(features(episode), self._weights) for episode in episodes]


def score_of(found: dict[str, float], weights: dict[str, float]) -> float:
    return float(sum(weight * found.get(name, 0.0) for name, weight in weights.items()))


def train_features(pairs: Pairs, out: Path | str, settings: FeatureSettings | None = None) -> Path:
    """Fit a model to pairs and return its folder; what it is worth on the pairs held out stands in `done.json`.

    How strongly weights are held back is chosen by cross-validation over tasks, within the pairs trained on.

    Raises:
        NoPreferencesError: there are no pairs.
        TrainingError: most of a single task was to be held out.
        RunFolderError: `out` holds a run with other settings.
    """
    settings = settings or FeatureSettings()
    if not pairs.found:
        why = reasons(pairs.left_out) or "there are no episodes and no rows of feedback"
        raise NoPreferencesError(f"nothing to learn from ({why}); it takes a better and a worse episode of one task")
    said = sorted([pair.task, pair.chosen.id, pair.rejected.id, pair.by] for pair in pairs.found)
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]  # names stay with the feedback
    folder = RunFolder(out, {"kind": "features", "model": "", "pairs": digest, **asdict(settings)})
    if folder.open():
        return folder.model
    trained, apart = split(pairs.found, settings.run)
    names, rows, tasks = _differences(trained)
    ridge = min(_RIDGES, key=lambda each: _loss_apart(rows, tasks, each))
    weights = dict(zip(names, map(float, _fit(rows, ridge)), strict=True))
    write_json(folder.model / FILE, weights)
    parts = {
        name: [_margin(pair, weights) for pair in part] for name, part in (("trained", trained), ("held_out", apart))
    }
    told = calibrate(parts["held_out"])
    folder.finish(
        {
            **{name: _measured(margins) for name, margins in parts.items()},
            "calibration": told.to_dict() if told else None, "left_out": pairs.left_out, "ridge": ridge,
        }
    )  # fmt: skip
    return folder.model


def _margin(pair: Preference, weights: dict[str, float]) -> Margin:
    better, worse = (score_of(features(each), weights) for each in (pair.chosen, pair.rejected))
    return Margin(pair.task, better - worse, pair.by)


def _measured(margins: Sequence[Margin]) -> dict[str, float] | None:
    if not margins:
        return None
    right = sum(margin.value > 0 for margin in margins) / len(margins)
    return {"pairs": len(margins), "tasks": len({margin.task for margin in margins}), "accuracy_after": right}


def _differences(pairs: Sequence[Preference]) -> tuple[list[str], _Values, list[str]]:
    """Names (F), better less worse (N, F), and the tasks (N). In units of each feature's own spread, as the weights are
    held back alike, and weights are given in those of the feature: the spread is that of the differences."""
    sides = [(features(pair.chosen), features(pair.rejected)) for pair in pairs]
    names = sorted({name for better, worse in sides for name in (*better, *worse)})
    rows_N_F = np.array([[better[name] - worse[name] for name in names] for better, worse in sides])
    return names, rows_N_F, [pair.task for pair in pairs]


def _fit(rows_N_F: _Values, ridge: float) -> _Values:
    """Weights by Newton's method: the logistic loss of the differences and a ridge, which is convex.

    No intercept: which one of a pair is named first says nothing.
    """
    spread_F = np.sqrt(np.mean(rows_N_F**2, axis=0))
    scaled = rows_N_F / np.where(spread_F > 0, spread_F, 1.0)
    weights = np.zeros(rows_N_F.shape[1])
    for _ in range(50):
        missing_N = 1 / (1 + np.exp(np.clip(scaled @ weights, -50, 50)))
        gradient = ridge * weights - scaled.T @ missing_N
        curve = (scaled.T * (missing_N * (1 - missing_N))) @ scaled + ridge * np.eye(len(weights))
        step = np.linalg.solve(curve, gradient)
        weights -= step * min(1.0, 2.0 / (np.max(np.abs(step)) + 1e-12))  # far off, the curve says little
        if np.max(np.abs(step)) < 1e-8:
            break
    return np.asarray(weights / np.where(spread_F > 0, spread_F, 1.0))


def _loss_apart(rows: _Values, tasks: Sequence[str], ridge: float, folds: int = 5) -> float:
    """Mean loss of pairs of tasks that were left out in turn."""
    order = {task: number % folds for number, task in enumerate(sorted(set(tasks)))}
    fold_N = np.array([order[task] for task in tasks])
    losses = []
    for fold in sorted(set(order.values())):
        apart = fold_N == fold
        weights = _fit(rows[~apart], ridge) if (~apart).any() else np.zeros(rows.shape[1])
        losses += list(np.logaddexp(0, -(rows[apart] @ weights)))
    return float(np.mean(losses))
