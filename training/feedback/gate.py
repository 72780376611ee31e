"""What a reward model must have shown before it may have a part in a policy's reward."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.training.checkpoint import DONE, TrainingError

_MODELS = ("config.json", "features.json")
"""One of these a reward model's folder holds: of a language model, or of one that counts."""


class GateError(TrainingError):
    """A reward model has not shown enough; the message says what it missed, and what would do."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """All of it is of pairs of tasks that were held out."""

    pairs: int = 30
    """At least so many."""
    agreement: float = 0.65
    """The lower end of the 95% interval of the share that it orders as they were judged. With 40 pairs that is met
    from 81% on."""
    ece: float = 0.2
    """The expected calibration error, at most."""

    def __post_init__(self) -> None:
        if self.pairs < 1 or not 0.5 <= self.agreement <= 1 or not 0 <= self.ece <= 1:
            raise TrainingError(
                "a gate asks for at least 1 pair, an agreement from 0.5 (a coin's) to 1, and an error from 0 to 1"
            )


def shortfalls(calibration: dict[str, Any] | None, settings: GateSettings) -> list[str]:
    """What of a reward model's report (`Calibration.to_dict`) is not enough; nothing where all is.

    Raises:
        KeyError, TypeError: it is no such report.
    """
    if calibration is None:
        return ["no pairs were held out: train it with --held-out 0.2 or so"]
    found = []
    if (pairs := int(calibration["pairs"])) < settings.pairs:
        more = math.ceil((settings.pairs / pairs - 1) * 100)
        found.append(
            f"{pairs} held-out pairs, {settings.pairs} are needed: judge more episodes ({more}% more would do), "
            "or hold out more of the tasks (--held-out)"
        )
    low = float(calibration["agreement"]["low"])
    if not low >= settings.agreement:
        value = float(calibration["agreement"]["value"])
        enough = value > settings.agreement
        would = "more held-out pairs would make that surer" if enough else "train it on more or clearer judgements"
        found.append(
            f"it agrees with {value:.0%} of the judgements, surely with no more than {low:.0%} (95%), "
            f"{settings.agreement:.0%} is needed: {would}"
        )
    if not (ece := float(calibration["ece"]["value"])) <= settings.ece:
        found.append(
            f"its calibration error is {ece:.2f}, at most {settings.ece:.2f} is allowed: train it for fewer "
            "epochs, at a lower rate, or on more pairs"
        )
    return found


def require_gate(folder: Path | str, settings: GateSettings | None = None) -> dict[str, Any]:
    """See that a reward model (the `model` folder of its run) may enter training; its report, if so.

    Raises:
        GateError: it may not, or has no report.
    """
    place = Path(folder)
    done = place.parent / DONE
    try:
        calibration = json.loads(done.read_text())["calibration"]
        missed = shortfalls(calibration, settings or GateSettings())
    except (OSError, ValueError, KeyError, TypeError) as error:
        inside = place / "model"
        mend = f"did you mean {inside}?" if inside.is_dir() else "`journeyman train reward` makes both"
        raise GateError(
            f"{folder}: no report of a reward model beside it ({type(error).__name__}: {error}); {mend}"
        ) from error
    if not any((place / name).is_file() for name in _MODELS):
        raise GateError(f"{folder}: no reward model, though a report of one stands beside it; train it again")
    if missed:
        raise GateError(f"{folder} may not enter training: {'; '.join(missed)}")
    report: dict[str, Any] = calibration
    return report
