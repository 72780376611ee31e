"""What each part of the recipe gains: base → SFT → GRPO on held-out libraries, several seeds, and ablations.

    python benchmarks/campaigns/study.py [--model smollm2-135m] [--seeds 3] [--steps 20] [--out build/study] [--table]

For each seed the model is fine-tuned on the demonstrations of the starter suite, and from there trained by GRPO with
each recipe: the whole, and the whole without one of its parts. Each is measured on the same held-out tasks, and paired
with SFT of its seed; over all seeds the pairs are tested by task, since those of one task are not independent. Run
again, it goes on where it was, within a stage too; --table prints what there is. Some hours for a small model on two
cores, and as many again for each part left out: `--recipes whole` leaves the ablations out.

Qwen2.5-Coder-0.5B-Instruct: --model FOLDER --preset medium --lora-rank 16 --sft-rate 2e-4 --grpo-rate 1e-4.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages import fine_tuned, said, slug

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.suites import build_suite
from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.measure import measure
from journeyman.training.overrides import with_changes
from journeyman.training.players import local_players
from journeyman.training.presets import Preset, preset
from journeyman.training.repeats import paired_by_task
from journeyman.training.sft import SftSettings

RECIPES = {
    "whole": (),
    "graded reward alone": ("hybrid=none",),
    "no self-correction": ("hybrid.self_correction=0",),
    "no milestones": ("hybrid.milestones=0", "milestone_credit=false"),
    "no curriculum": ("curriculum=false", "from_within=false"),
    "no refills": ("refills=0",),
    "whole episodes compared": ("state_share=0",),
}
"""Name → what is changed. (Milestones matter only where projects are among the tasks.)"""


@dataclass(frozen=True)
class Study:
    """What all stages share."""

    root: Path
    model: str
    settings: Preset
    backend: SandboxFactory
    starter: tuple[Task, ...]
    heldout: tuple[Task, ...]

    def measured(self, name: str, model: str) -> Evaluation:
        return measure(
            self.root / name, lambda: local_players(model, self.settings.local), self.heldout, backend=self.backend,
            config=self.settings.env, concurrency=24, progress=said(f"measure {name}"),
        )  # fmt: skip

    def fine_tuned(self, seed: int, settings: SftSettings) -> str:
        return fine_tuned(
            self.model, self.starter, self.root / "demonstrations", self.root / f"seed-{seed}" / "sft", settings,
            preset=self.settings, backend=self.backend, title=f"SFT, seed {seed}",
        )  # fmt: skip

    def reinforced(self, seed: int, recipe: str, model: str, settings: GrpoSettings) -> str:
        folder = self.root / f"seed-{seed}" / slug(recipe)
        changed = with_changes(settings, RECIPES[recipe])
        title = f"GRPO, seed {seed}, {recipe}"
        return str(
            train_grpo(
                model, self.starter, folder, backend=self.backend, settings=changed, local=self.settings.local,
                config=self.settings.env, progress=said(title),
            )
        )  # fmt: skip


def table(root: Path, seeds: int, load: Callable[[Path], Evaluation | None]) -> list[str]:
    """What has been measured so far, as docs/results/study.md has it."""
    lines = ["| | " + " | ".join(f"seed {seed}" for seed in range(seeds)) + " | beside SFT, all seeds |"]
    lines.append("| --- |" + " --- |" * (seeds + 1))
    base = load(root / "base.json")
    lines.append(f"| base | {base.resolve_rate if base else '–'} |" + " |" * seeds)
    sft = [load(root / f"seed-{seed}" / "measured-sft.json") for seed in range(seeds)]
    lines.append("| SFT | " + " | ".join(str(each.resolve_rate) if each else "–" for each in sft) + " | |")
    for recipe in RECIPES:
        found = [load(root / f"seed-{seed}" / f"measured-{slug(recipe)}.json") for seed in range(seeds)]
        if any(found):
            cells = [str(each.resolve_rate) if each else "–" for each in found]
            lines.append(f"| GRPO, {recipe} | " + " | ".join(cells) + f" | {beside(sft, found)} |")
    return lines


def beside(first: Sequence[Evaluation | None], second: Sequence[Evaluation | None]) -> str:
    """The pairs of all seeds, tested by task."""
    pairs = [
        (b.task, a.resolved, b.resolved)
        for one, other in zip(first, second, strict=True) if one and other
        for a, b in zip(one.results, other.results, strict=True) if a.reward is not None and b.reward is not None
    ]  # fmt: skip
    return str(paired_by_task(pairs)) if pairs else "–"


def loaded(path: Path) -> Evaluation | None:
    return Evaluation.load(path) if path.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help="of GRPO")
    parser.add_argument("--train-tasks", type=int, default=425)
    parser.add_argument("--heldout-tasks", type=int, default=128)
    parser.add_argument("--lora-rank", type=int, default=0)
    parser.add_argument("--sft-rate", type=float, default=2e-4)
    parser.add_argument("--grpo-rate", type=float, default=1e-5)
    parser.add_argument("--recipes", default=",".join(RECIPES), help="which, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("build/study"))
    parser.add_argument("--table", action="store_true", help="print what there is and stop")
    options = parser.parse_args()
    if options.table:
        print("\n".join(table(options.out, options.seeds, loaded)))
        return
    study = Study(
        options.out, options.model, preset(options.preset), open_backend("auto"),
        build_suite("starter", options.out / "tasks" / "starter", count=options.train_tasks),
        build_suite("heldout", options.out / "tasks" / "heldout", count=options.heldout_tasks),
    )  # fmt: skip
    study.measured("base", options.model)
    for seed in range(options.seeds):
        longest = 640 if options.preset == "small" else study.settings.local.max_episode_tokens
        sft = SftSettings(
            learning_rate=options.sft_rate, max_length=longest, lora_rank=options.lora_rank, seed=seed
        )  # fmt: skip
        grpo = GrpoSettings(
            steps=options.steps, tasks_per_step=3, learning_rate=options.grpo_rate, lora_rank=options.lora_rank,
            micro_batch=2 if options.lora_rank else 4, seed=seed,
        )  # fmt: skip
        taught = study.fine_tuned(seed, sft)
        study.measured(f"seed-{seed}/measured-sft", taught)
        for recipe in options.recipes.split(","):
            study.measured(f"seed-{seed}/measured-{slug(recipe)}", study.reinforced(seed, recipe, taught, grpo))
            print("\n".join(table(options.out, options.seeds, loaded)), flush=True)


if __name__ == "__main__":
    main()
