"""The demo from first to last stage, with a model that can learn nothing, and again where it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.training.checkpoint import RunFolderError
from journeyman.training.demo import DemoPlan, run_demo
from journeyman.training.grpo import GrpoSettings
from journeyman.training.progress import Progress
from journeyman.training.sft import SftSettings

PLAN = DemoPlan(
    model="tiny",
    train_tasks=3,
    heldout_tasks=2,
    sft=SftSettings(checkpoints=1, max_length=100_000),
    grpo=GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=2),
    caveat="a test",
)


class Watcher:
    """Notes the stages; interrupts in the middle of one."""

    def __init__(self, interrupt: str = "") -> None:
        self.stages: list[str] = []
        self._interrupt = interrupt

    def __call__(self, title: str) -> Progress:
        self.stages.append(title)

        def report(done: int, total: int, note: str = "") -> None:
            if title == self._interrupt and done:
                raise KeyboardInterrupt

        return report


@pytest.mark.slow
def test_it_resumes_ends_and_says_what_came_out(tmp_path: Path, backend: SandboxFactory) -> None:
    def demo(watch: Callable[[str], Progress]) -> None:
        report = run_demo(PLAN, tmp_path / "run", backend=backend, stage=watch)
        assert set(report.evaluations) == {"base", "sft", "grpo"}
        assert all(evaluation.resolve_rate.trials == 2 for evaluation in report.evaluations.values())
        assert report.curve.read_bytes().startswith(b"\x89PNG")
        with EpisodeStore(report.best_run) as store:
            assert store.get(report.best_episode).id == report.best_episode

    with pytest.raises(KeyboardInterrupt):
        demo(Watcher(interrupt="Evaluate after SFT"))
    assert (tmp_path / "run" / "sft" / "done.json").exists()
    demo(Watcher())
    written = json.loads((tmp_path / "run" / "report.json").read_text())
    assert written["evaluations"]["base"]["scored"] == 2
    demo(Watcher())  # all is done: nothing is run again
    assert json.loads((tmp_path / "run" / "report.json").read_text())["evaluations"] == written["evaluations"]
    with pytest.raises(RunFolderError):
        run_demo(DemoPlan.quick(), tmp_path / "run", backend=backend, stage=Watcher())
