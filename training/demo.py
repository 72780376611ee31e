"""The whole loop once, small enough for a laptop: tasks, base model, SFT, GRPO, and what each stage gained.

Every stage keeps what it made below the run's folder and is skipped when it is whole, so an interrupted demo goes on
where it was. Training and held-out tasks come from different libraries.

    RUN/tasks/{starter,heldout}/   task folders
    RUN/demonstrations/            episodes of the oracle
    RUN/{sft,grpo}/                training runs (training/checkpoint.py)
    RUN/eval/{base,sft,grpo}/      episodes of each evaluation
    RUN/report.json, curve.png     what came out
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from journeyman.envs.store import EpisodeStore
from journeyman.policies.models import SMOLLM2
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.likeness import likeness_of
from journeyman.tasks.sources.suites import build_suite
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder
from journeyman.training.curve import draw_curve
from journeyman.training.demonstrations import collect_demonstrations
from journeyman.training.evaluate import Evaluation
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.measure import measure
from journeyman.training.players import local_players
from journeyman.training.presets import Preset, preset
from journeyman.training.progress import Progress
from journeyman.training.sft import SftSettings, rows_of, train_sft
from journeyman.training.tokens import TokenRow

_CONCURRENCY = 24
"""Episodes of an evaluation in flight: enough that the model has a full batch while some run their tests."""

Stage = Callable[[str], Progress]
"""Announces a stage by its title and gives the progress to report to."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How much of everything. The defaults take some 40 minutes on two cores, `quick` some minutes."""

    model: str = SMOLLM2
    preset: str = "small"
    train_tasks: int = 413
    heldout_tasks: int = 128
    mistaken_share: float = 0.2
    sft: SftSettings = field(default_factory=lambda: SftSettings(max_length=640))
    grpo: GrpoSettings = field(
        default_factory=lambda: GrpoSettings(steps=3, tasks_per_step=3, learning_rate=1e-5, refills=1)
    )
    caveat: str = ""
    """Printed beside the result where the plan is too small to show much."""

    @classmethod
    def quick(cls) -> DemoPlan:
        return cls(
            train_tasks=32,
            heldout_tasks=16,
            sft=SftSettings(checkpoints=1),
            grpo=GrpoSettings(steps=1, tasks_per_step=2, group_size=4, refills=0),
            caveat="QUICK: 32 demonstrations and 16 held-out tasks show that everything runs, not what can be learned",
        )


@dataclass(frozen=True)
class DemoReport:
    """What came out, for the front door to print."""

    evaluations: dict[str, Evaluation]
    best_episode: str
    best_run: Path
    curve: Path
    minutes: float


def run_demo(plan: DemoPlan, run: Path, *, backend: SandboxFactory, stage: Stage) -> DemoReport:
    """Do every stage that is not done yet.

    Raises:
        RunFolderError: `run` holds a demo with another plan.
    """
    RunFolder(run, asdict(plan)).open()
    started = time.monotonic()
    try:
        evaluations = _stages(plan, run, backend, stage)
    finally:
        minutes = _spend(run, (time.monotonic() - started) / 60)
    return _report(plan, run, evaluations, minutes)


def _stages(plan: DemoPlan, run: Path, backend: SandboxFactory, stage: Stage) -> dict[str, Evaluation]:
    settings = preset(plan.preset)
    heldout = build_suite(
        "heldout", run / "tasks" / "heldout", count=plan.heldout_tasks, progress=stage("Held-out tasks")
    )
    starter = build_suite(
        "starter", run / "tasks" / "starter", count=plan.train_tasks, progress=stage("Training tasks")
    )

    def measured(name: str, model: str, title: str) -> Evaluation:
        return measure(
            run / "eval" / name, lambda: local_players(model, settings.local), heldout, backend=backend,
            config=settings.env, concurrency=_CONCURRENCY, progress=stage(title),
        )  # fmt: skip

    evaluations = {"base": measured("base", plan.model, "Evaluate the base model")}
    rows = _rows(plan, starter, run, settings, backend, stage("Demonstrations"))
    sft = train_sft(
        plan.model, rows, run / "sft", plan.sft, stage("Supervised fine-tuning"), of=map(likeness_of, starter)
    )
    evaluations["sft"] = measured("sft", str(sft), "Evaluate after SFT")
    grpo = train_grpo(
        str(sft), starter, run / "grpo", backend=backend, settings=plan.grpo, local=settings.local,
        config=settings.env, progress=stage("GRPO"),
    )  # fmt: skip
    evaluations["grpo"] = measured("grpo", str(grpo), "Evaluate after GRPO")
    return evaluations


def _rows(
    plan: DemoPlan, tasks: Sequence[Task], run: Path, settings: Preset, backend: SandboxFactory, progress: Progress
) -> list[TokenRow]:
    with EpisodeStore(run / "demonstrations") as store:
        episodes = collect_demonstrations(
            tasks,
            backend=backend,
            store=store,
            config=settings.env,
            mistaken_share=plan.mistaken_share,
            progress=progress,
        )
    return rows_of(episodes, plan.model, settings.local.dialect)


def _spend(run: Path, minutes: float) -> float:
    """Add this sitting's minutes to those of the ones before it."""
    path = run / "minutes.json"
    spent = (json.loads(path.read_text()) if path.exists() else 0.0) + minutes
    path.write_text(json.dumps(spent))
    return float(spent)


def _report(plan: DemoPlan, run: Path, evaluations: dict[str, Evaluation], minutes: float) -> DemoReport:
    losses = json.loads((run / "sft" / "done.json").read_text())["losses"]
    history = json.loads((run / "grpo" / "done.json").read_text())["history"]
    labels = {"base": "base", "sft": "after SFT", "grpo": "after GRPO"}
    rates = [(labels[name], evaluation.resolve_rate) for name, evaluation in evaluations.items()]
    draw_curve(run / "curve.png", rates, losses, [entry["reward"] for entry in history], plan.caveat)
    name, best = _best(evaluations)
    report: dict[str, Any] = {
        "plan": asdict(plan),
        "minutes": round(minutes, 1),
        "evaluations": {name: evaluation.to_dict() for name, evaluation in evaluations.items()},
        "paired": {
            "sft_vs_base": asdict(evaluations["sft"].against(evaluations["base"])),
            "grpo_vs_sft": asdict(evaluations["grpo"].against(evaluations["sft"])),
        },
        "best_episode": best,
    }
    (run / "report.json").write_text(json.dumps(report, indent=1))
    return DemoReport(evaluations, best, run / "eval" / name, run / "curve.png", minutes)


def _best(evaluations: dict[str, Evaluation]) -> tuple[str, str]:
    """Evaluation and id of the episode most worth a look: resolved, by the last model that resolved any, with a
    recovery on the way if there is one (the longest)."""
    for name in ("grpo", "sft", "base"):
        resolved = [result for result in evaluations[name].results if result.resolved]
        if resolved:
            return name, max(resolved, key=lambda result: result.steps).episode
    return "grpo", evaluations["grpo"].results[0].episode
