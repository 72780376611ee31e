"""What every round of a run does alike. Read from a TOML file, from options, or both; recorded beside the rounds."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journeyman.policies.models import SMOLLM2
from journeyman.training.checkpoint import TrainingError
from journeyman.training.presets import preset

TRAINERS = ("sft", "grpo")
METHODS = ("sft", "grpo", "sft+grpo")


class PlanError(TrainingError):
    """A plan that cannot be followed; the message names the setting."""


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """The defaults suit SmolLM2-135M on a CPU."""

    model: str = SMOLLM2
    """The first champion: a hub id, a folder, or a built-in name."""
    preset: str = "small"
    tasks: str = "starter"
    """The pool, as the command line names tasks."""
    heldout: str = "heldout"
    """What is measured by: tasks of repositories that are not in the pool."""
    tasks_limit: int | None = None
    heldout_limit: int | None = None
    tasks_per_round: int = 32
    group_size: int = 4
    """Episodes of each task that are collected."""
    temperature: float = 1.0
    """Of the sampling while collecting; evaluation is greedy."""
    new_share: float = 0.25
    """Of a round's tasks, so many are new while there are any."""
    demonstrations: int = 0
    """In the first round the reference is played for so many tasks of the pool."""
    mistaken_share: float = 0.2
    """Of the demonstrations, with a mistake and its recovery."""
    method: str = "sft+grpo"
    """How a candidate is trained: sft, grpo, or sft+grpo."""
    per_task: int = 2
    """At most so many episodes of a task are imitated."""
    heldout_per_round: int = 48
    """Held-out tasks that decide a round; the next round takes the next ones."""
    final_share: float = 0.25
    """Of the held-out tasks, kept for the last word: no round is decided by them."""
    alpha: float = 0.05
    """Probability that any round is accepted by chance alone, over all rounds together."""
    concurrency: int = 16
    """Episodes in flight."""
    seed: int = 0
    sft: dict[str, Any] = field(default_factory=dict)
    """Fields of `SftSettings` that differ from its defaults."""
    grpo: dict[str, Any] = field(default_factory=dict)
    """Fields of `GrpoSettings` that differ from its defaults."""

    def __post_init__(self) -> None:
        preset(self.preset)
        if self.method not in METHODS:
            raise PlanError(f"method {self.method!r}; there are: {', '.join(METHODS)}")
        for name in ("tasks_per_round", "group_size", "per_task", "heldout_per_round", "concurrency"):
            if getattr(self, name) < 1:
                raise PlanError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("tasks_limit", "heldout_limit"):
            if (limit := getattr(self, name)) is not None and limit < 1:
                raise PlanError(f"{name} must be at least 1, not {limit}; leave it out to take all")
        for name in ("new_share", "mistaken_share", "final_share"):
            if not 0 <= getattr(self, name) < 1:
                raise PlanError(f"{name} must be at least 0 and below 1, not {getattr(self, name)}")
        if not 0 < self.alpha < 1:
            raise PlanError(f"alpha must be between 0 and 1, not {self.alpha}")
        if self.demonstrations < 0 or not 0 <= self.temperature < math.inf:
            raise PlanError("demonstrations and temperature must not be negative, nor infinite")

    @property
    def learns_by_sft(self) -> bool:
        return "sft" in self.method

    @property
    def learns_by_grpo(self) -> bool:
        return "grpo" in self.method


def make_plan(file: Path | None, options: Mapping[str, Any], pairs: Sequence[str] = ()) -> RoundPlan:
    """The plan of a file, with what the options say in its place; `None` says nothing.

    A model's folder is named from the root, so that the same command from another folder goes on.

    Args:
        pairs: more options, as "name=value", a trainer's as "sft.name=value".

    Raises:
        PlanError: the file cannot be read, or a setting does not exist or is of the wrong kind.
    """
    values = _read(file) if file is not None else {}
    values |= {name: value for name, value in options.items() if value is not None}
    for pair in pairs:
        _put(values, pair)
    kinds = {each.name: type(each.default) for each in dataclasses.fields(RoundPlan)}
    kinds |= {"tasks_limit": int, "heldout_limit": int, "sft": dict, "grpo": dict}
    for name, value in values.items():
        if name not in kinds:
            raise PlanError(f"no setting {name!r} in a plan; there are: {', '.join(kinds)}")
        fits = isinstance(value, (int, float) if kinds[name] is float else kinds[name]) and not isinstance(value, bool)
        if not fits:
            raise PlanError(f"{name} must be {_KINDS[kinds[name]]}, not {value!r}")
    if Path(model := values.get("model", SMOLLM2)).is_dir():
        values["model"] = str(Path(model).resolve())
    return RoundPlan(**values)


def _put(values: dict[str, Any], pair: str) -> None:
    name, equals, text = pair.partition("=")
    if not equals:
        raise PlanError(f"--set {pair}: give NAME=VALUE, such as tasks_per_round=8 or sft.epochs=2")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    table, dot, field_ = name.partition(".")
    if dot and table in TRAINERS:
        values[table] = {**dict(values.get(table, {})), field_: value}
    else:
        values[name] = value


_KINDS = {int: "a whole number", float: "a number", str: "a text", dict: "a table"}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{file}: not a plan in TOML ({error})") from error
