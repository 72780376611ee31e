"""Who judges a training's episodes besides the grader: people by what they said before, a reward model, and whoever
comments while the episodes run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.reviews import Reviews
from journeyman.policies.job import NO_REVIEWS
from journeyman.policies.rollout_many import LocalEngine, ProcessEngine
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.gate import require_gate
from journeyman.training.feedback.learned import RewardUse, Watch, learned_term
from journeyman.training.hybrid import HybridSettings
from journeyman.training.outside import Outside, together
from journeyman.training.resolutions import Resolutions


@dataclass(frozen=True, slots=True)
class Judges:
    """See `train_grpo`."""

    outside: Outside | None = None
    reward: RewardUse | None = None
    reviews: Reviews | None = None

    def settings(self, hybrid: HybridSettings | None, engine: LocalEngine | None) -> dict[str, Any]:
        """What of a run's settings says who they are. (Of a reward model see `admit`.)

        Raises:
            GateError: the reward model may have no part.
            TrainingError: one of them would not be heard, or cannot review where the episodes run.
        """
        if self.reward is not None:
            _require_sound(hybrid, self.reward)
        if not (hybrid and hybrid.learned) and (self.outside is not None or self.reviews is not None):
            raise TrainingError(
                "hybrid=none, or hybrid.learned=0, pays what the grader decided: nobody else can be heard"
            )
        if self.reviews is not None and isinstance(engine, ProcessEngine):
            raise TrainingError(NO_REVIEWS)
        named: dict[str, Any] = {"outside": self.outside.name} if self.outside is not None else {}
        return named | ({"reviews": _named(self.reviews)} if self.reviews is not None else {})

    def engine(self, chosen: LocalEngine | None) -> LocalEngine:
        """Where environments are: where it was chosen, else in other processes if a GPU samples in this one."""
        elsewhere = torch.cuda.is_available() and self.reviews is None
        return chosen or (ProcessEngine() if elsewhere else LocalEngine())

    def heard(self, run: Path, *, steps: int, resumed_from: int) -> tuple[Outside | None, list[Watch]]:
        """All of them as one voice, and who watches the reward model. A guideline that is reviewed by is kept beside
        what is said by it.

        Raises:
            FeedbackError, LogWriteError: the run's feedback cannot be read or written.
            ModelError: there is no reward model.
        """
        term, watch = learned_term(run, self.reward, steps=steps, resumed_from=resumed_from)
        if self.reviews is None:
            return together(self.outside, term), watch
        log = FeedbackLog(run / "episodes")
        self.reviews.keep_guideline(log)
        return together(self.outside, term, Resolutions(log, self.reviews)), watch


def _named(reviews: Reviews) -> dict[str, str]:
    """Who reviews, when, and by which guideline, if by one."""
    if (guideline := reviews.guideline) is None:
        return reviews.versions()
    items = " ".join(f"{item.id}:{item.digest}" for item in guideline.items)
    return reviews.versions() | {"guideline": f"{guideline.name}@{guideline.version} {items}"}


def _require_sound(hybrid: HybridSettings | None, reward: RewardUse) -> None:
    """Before anything is written: a reward model must be above its gate, and have something to say."""
    if hybrid is None or not hybrid.learned:
        raise TrainingError("a reward model pays nothing where hybrid is none or hybrid.learned is 0: leave it out")
    require_gate(reward.folder, reward.gate)
