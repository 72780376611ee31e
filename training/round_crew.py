"""The crew of real rounds: a local model plays, and TRL's trainers teach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from journeyman.envs.episode import Episode
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.lineage import played
from journeyman.training.measure import Players
from journeyman.training.players import local_players
from journeyman.training.presets import preset
from journeyman.training.round_plan import PlanError, RoundPlan
from journeyman.training.rounds import Stage, Trained
from journeyman.training.sft import NoRowsError, SftSettings, rows_of, train_sft

Settings = TypeVar("Settings", SftSettings, GrpoSettings)


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
        self._grpo()

    def _sft(self) -> SftSettings:
        return _made("sft", SftSettings, {"seed": self.plan.seed, **self.plan.sft})

    def _grpo(self) -> GrpoSettings:
        return _made("grpo", GrpoSettings, {"seed": self.plan.seed, **self.plan.grpo})

    def players(self, model: str, temperature: float) -> Players:
        return local_players(model, replace(preset(self.plan.preset).local, temperature=temperature))

    def train(self, model: str, episodes: Sequence[Episode], tasks: Sequence[Task], out: Path, stage: Stage) -> Trained:
        """Imitate, then learn from rewards, as far as the plan says."""
        facts: dict[str, Any] = {}
        candidate = self._imitate(model, episodes, out, stage, facts) if self.plan.learns_by_sft else model
        if self.plan.learns_by_grpo:
            chosen = preset(self.plan.preset)
            folder = train_grpo(
                candidate, tasks, out / "grpo", backend=self.backend, settings=self._grpo(), local=chosen.local,
                config=chosen.env, progress=stage("GRPO"),
            )  # fmt: skip
            candidate, facts["grpo"] = str(folder), _report(out / "grpo")
        return Trained(candidate if candidate != model else "", facts)

    def _imitate(self, model: str, episodes: Sequence[Episode], out: Path, stage: Stage, facts: dict[str, Any]) -> str:
        if not episodes:
            facts["why"] = "no collected episode is worth imitating"
            return model
        rows = rows_of(episodes, model, preset(self.plan.preset).local.dialect)
        try:
            folder = train_sft(model, rows, out / "sft", self._sft(), stage("SFT"), of=played(episodes))
        except NoRowsError as error:
            facts["why"] = str(error)
            return model
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
