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

from journeyman.envs.config import EnvConfig
from journeyman.envs.guidelines.guideline import Guideline, load_guideline
from journeyman.envs.guidelines.prompt import shown
from journeyman.policies.models import SMOLLM2, named_folder
from journeyman.training.checkpoint import TrainingError
from journeyman.training.presets import preset

TRAINERS = ("sft", "dpo", "grpo", "reward")
METHODS = ("sft", "grpo", "sft+grpo", "dpo", "sft+dpo", "dpo+grpo", "sft+dpo+grpo")
REWARD_MODELS = ("none", "features", "tokens")


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
    """How a candidate is trained: by sft, by dpo on what people prefer, by grpo, or by some of them in this order."""
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
    guidelines: tuple[str, ...] = ()
    """What whoever plays is told to keep to: names of bundled guidelines, or files. A round goes by them as they were
    when it began; what people said by an older version of one is stale."""
    simulated: bool = False
    """Whether what programs said in the place of people is learned from too."""
    refine_tries: int = 1
    """How often the champion tries again what people criticised, with the critique before it; what the tests confirm is
    imitated. 0: not at all."""
    corrections: int = 0
    """From so many places of each failed episode somebody goes on who knows the solution, and what he did is imitated
    (training/corrections.py). 0: from none."""
    reward_model: str = "none"
    """Which kind is trained on what people prefer, and has a part in GRPO's reward if it is above its gate: features,
    tokens, or none."""
    dpo: dict[str, Any] = field(default_factory=dict)
    """Fields of `DpoSettings` that differ from its defaults."""
    reward: dict[str, Any] = field(default_factory=dict)
    """Fields of `RewardSettings` (with features: of `FeatureSettings`) that differ from its defaults."""

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
        for name in ("refine_tries", "corrections"):
            if getattr(self, name) < 0:
                raise PlanError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if self.corrections and not self.learns_by_sft:
            raise PlanError(f"corrections are imitated, and method {self.method!r} has no sft")
        if self.reward_model not in REWARD_MODELS:
            raise PlanError(f"reward_model {self.reward_model!r}; there are: {', '.join(REWARD_MODELS)}")
        if self.reward_model != "none" and not self.learns_by_grpo:
            raise PlanError(f"reward_model has a part in GRPO's reward, and method {self.method!r} has no grpo")
        if self.demonstrations < 0 or not 0 <= self.temperature < math.inf:
            raise PlanError("demonstrations and temperature must not be negative, nor infinite")

    @property
    def learns_by_sft(self) -> bool:
        return "sft" in self.method

    @property
    def learns_by_dpo(self) -> bool:
        return "dpo" in self.method

    @property
    def learns_by_grpo(self) -> bool:
        return "grpo" in self.method

    @property
    def env(self) -> EnvConfig:
        """What whoever plays is shown. Raises: GuidelineError: a guideline is gone, or is not sound."""
        return preset(self.preset).env.model_copy(update={"guidelines": tuple(map(shown, self.guidelines))})

    def judged_by(self) -> list[Guideline]:
        """The guidelines, whole. Raises: GuidelineError."""
        return [load_guideline(name) for name in self.guidelines]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the text of the guidelines. What was added later stands there only where it was chosen, so
        that older rounds go on."""
        plain = dataclasses.asdict(self)
        added = {each.name: plain.pop(each.name) for each in dataclasses.fields(self) if each.name in _ADDED}
        chosen = {name: value for name, value in added.items() if getattr(self, name) != _ADDED[name]}
        texts = [each.model_dump(mode="json") for each in self.env.guidelines]
        return plain | chosen | ({"guidelines": list(self.guidelines), "guideline_texts": texts} if texts else {})


_ADDED: Mapping[str, Any] = {
    "guidelines": (), "simulated": False, "refine_tries": 1, "corrections": 0, "reward_model": "none", "dpo": {},
    "reward": {},
}  # fmt: skip


def make_plan(file: Path | None, options: Mapping[str, Any], pairs: Sequence[str] = ()) -> RoundPlan:
    """The plan of a file, with what the options say in its place; `None` says nothing.

    The folder of a model and the file of a guideline are named from the root, so that the same command from another
    folder goes on.

    Args:
        pairs: more options, as "name=value", a trainer's as "sft.name=value".

    Raises:
        PlanError: the file cannot be read, or a setting does not exist or is of the wrong kind.
        GuidelineError: a guideline cannot be read.
    """
    values = _read(file) if file is not None else {}
    values |= {name: value for name, value in options.items() if value is not None}
    for pair in pairs:
        _put(values, pair)
    kinds = {each.name: type(each.default) for each in dataclasses.fields(RoundPlan)}
    kinds |= {"tasks_limit": int, "heldout_limit": int, "guidelines": list} | dict.fromkeys(TRAINERS, dict)
    for name, value in values.items():
        if name not in kinds:
            raise PlanError(f"no setting {name!r} in a plan; there are: {', '.join(kinds)}")
        if not _fits(value, kinds[name]):
            raise PlanError(f"{name} must be {_KINDS[kinds[name]]}, not {value!r}")
    if (folder := named_folder(values.get("model", SMOLLM2))).is_dir():
        values["model"] = str(folder.resolve())
    given = values.pop("guidelines", ())
    named = tuple(str(Path(name).resolve()) if Path(name).is_file() else name for name in given)
    made = RoundPlan(**values, guidelines=named)
    _ = made.env
    return made


def _fits(value: Any, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    is_of_kind = isinstance(value, (int, float) if kind is float else kind)
    return is_of_kind and (kind is bool or not isinstance(value, bool))


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


_KINDS = {
    int: "a whole number", float: "a number", str: "a text", dict: "a table", bool: "true or false",
    list: "a list of texts",
}  # fmt: skip


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{file}: not a plan in TOML ({error})") from error
