"""The crew of real rounds: a local model plays, and TRL's trainers teach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from journeyman.envs.episode import Episode
from journeyman.policies.local_settings import LocalSettings
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder
from journeyman.training.dpo import DpoSettings
from journeyman.training.feedback.features import FeatureSettings
from journeyman.training.feedback.noted import note_imitated
from journeyman.training.grpo import GrpoSettings
from journeyman.training.lineage import played
from journeyman.training.measure import Players
from journeyman.training.players import local_players
from journeyman.training.presets import preset
from journeyman.training.reward_model import RewardSettings
from journeyman.training.round_feedback import Said
from journeyman.training.round_learn import grpo_on, prefer
from journeyman.training.round_plan import PlanError, RoundPlan
from journeyman.training.rounds import Stage, Trained
from journeyman.training.sft import NoRowsError, SftSettings, is_learned, rows_of, train_sft

Settings = TypeVar("Settings", SftSettings, DpoSettings, GrpoSettings, RewardSettings, FeatureSettings)


@dataclass(frozen=True)
class LocalCrew:
    """See `Crew`.

    Raises:
        PlanError: the plan's settings of a trainer are none.
    """

    plan: RoundPlan
    backend: SandboxFactory

    def __post_init__(self) -> None:
        self._sft()
        self._dpo()
        self._grpo()
        self._reward()

    @property
    def _local(self) -> LocalSettings:
        return preset(self.plan.preset).local

    def _sft(self) -> SftSettings:
        return _made("sft", SftSettings, {"seed": self.plan.seed, **self.plan.sft})

    def _dpo(self) -> DpoSettings:
        return _made("dpo", DpoSettings, {"seed": self.plan.seed, "held_out": 0.0, **self.plan.dpo})

    def _grpo(self) -> GrpoSettings:
        return _made("grpo", GrpoSettings, {"seed": self.plan.seed, **self.plan.grpo})

    def _reward(self) -> RewardSettings | FeatureSettings:
        if self.plan.reward_model == "features":
            return _made("reward", FeatureSettings, {"seed": self.plan.seed, **self.plan.reward})
        values = {"seed": self.plan.seed, "notation": self._local.dialect, **self.plan.reward}
        return _made("reward", RewardSettings, values)

    def players(self, model: str, temperature: float) -> Players:
        return local_players(model, replace(self._local, temperature=temperature))

    def train(
        self, model: str, episodes: Sequence[Episode], tasks: Sequence[Task], out: Path, stage: Stage, said: Said | None
    ) -> Trained:
        """Imitate, prefer, then learn from rewards, as far as the plan says; each by what people said, too."""
        facts: dict[str, Any] = {}
        told: list[str] = []
        candidate = model
        if self.plan.learns_by_sft:
            candidate = self._imitate(model, episodes, out, stage, facts, told, said)
        if self.plan.learns_by_dpo:
            found, why = prefer(candidate, said, out / "dpo", self._dpo(), self._local, stage)
            told.append(why)
            if found is None:
                facts.setdefault("why", why)
            else:
                candidate, facts["dpo"] = str(found), _report(out / "dpo")
        if self.plan.learns_by_grpo:
            folder = grpo_on(
                candidate, tasks, out, said, told, stage, backend=self.backend, settings=self._grpo(),
                local=self._local, config=self.plan.env,
                reward=self._reward() if self.plan.reward_model != "none" else None,
            )  # fmt: skip
            candidate, facts["grpo"] = str(folder), _report(out / "grpo")
        return Trained(candidate if candidate != model else "", facts | ({"said": told} if told else {}))

    def _imitate(
        self, model: str, episodes: Sequence[Episode], out: Path, stage: Stage, facts: dict[str, Any],
        told: list[str], said: Said | None,
    ) -> str:  # fmt: skip
        corrected = said.imitated() if said else []
        if not episodes and not corrected:
            facts["why"] = "no collected episode is worth imitating"
            return model
        shown, settings = [*episodes, *(each.episode for each in corrected)], self._sft()
        rows = rows_of(episodes, model, self._local.dialect, corrected=corrected)
        learned = [is_learned(row, settings) for row in rows]
        if corrected:
            taken = sum(learned[len(episodes) :])
            told.append(f"SFT: {taken} of {len(corrected)} corrections were learned, beside {len(episodes)} episodes.")
        try:
            folder = train_sft(model, rows, out / "sft", settings, stage("SFT"), of=played(shown))
        except NoRowsError as error:
            facts["why"] = str(error)
            return model
        note_imitated(folder.parent, episodes, corrected, learned, said.compiled if said else None)
        facts["sft"] = _report(out / "sft")
        return str(folder)


def _report(folder: Path) -> dict[str, Any]:
    return {name: value for name, value in RunFolder(folder, {}).report().items() if name != "settings"}


def _made(name: str, kind: type[Settings], values: dict[str, Any]) -> Settings:
    if unknown := sorted(values.keys() - {each.name for each in fields(kind)}):
        raise PlanError(f"[{name}] of the plan: no setting {unknown[0]!r}")
    try:
        return TypeAdapter(kind).validate_python(values)  # takes parts of parts, as [grpo.hybrid]
    except ValidationError as error:
        problem: Any = error.errors()[0]
        where = ".".join([name, *map(str, problem["loc"])])
        raise PlanError(f"[{where}] of the plan: {problem['msg'].removeprefix('Value error, ')}") from error
