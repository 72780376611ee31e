"""Does a policy move to what annotators want, though nobody tells it? The whole loop, with simulated annotators.

    python benchmarks/campaigns/critiques.py [--wants tests-first] [--seeds 3] [--out build/critiques] [--table]

For each seed: a fine-tuned policy plays training tasks several times; simulated annotators, who want something hidden
(training/feedback/hidden.py) and err now and then, rank pairs of those episodes, 200 at most, those held out included;
a reward model learns from the rankings; GRPO runs twice from the same policy, on the tests alone and with the reward
model besides; both are measured on held-out tasks: how many they resolve, and how many of their episodes keep to what
was wanted. No model is told what that is. Run again, it goes on where it was; --table prints what there is. The alarm
is on: a run that it stopped says so in the table, and is measured as it was saved.

With --kind features the reward model reads what an episode's record counts, with --kind tokens the text of episodes.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peft import PeftModel
from stages import fine_tuned, said, slug

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import load_model, load_tokenizer
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.suites import build_suite
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import DONE
from journeyman.training.evaluate import Evaluation
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.feedback.features import FeatureSettings, train_features
from journeyman.training.feedback.gate import GateError, GateSettings
from journeyman.training.feedback.hidden import PREFERENCES, Hidden, adherence
from journeyman.training.feedback.learned import RewardUse
from journeyman.training.feedback.simulated import SimulatedAnnotator, judge_pairs
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.hybrid import HybridSettings
from journeyman.training.measure import measure
from journeyman.training.players import local_players
from journeyman.training.preference_rows import pair_rows
from journeyman.training.preferences import Pairs
from journeyman.training.presets import Preset, preset
from journeyman.training.reward_model import RewardSettings, train_reward
from journeyman.training.sft import SftSettings
from journeyman.training.whole import step_of

ARMS = ("tests only", "with the reward model")


@dataclass(frozen=True)
class Loop:
    """What all stages of one seed share."""

    root: Path
    seed: int
    options: argparse.Namespace
    settings: Preset
    backend: SandboxFactory
    starter: tuple[Task, ...]
    heldout: tuple[Task, ...]

    @property
    def wants(self) -> Hidden:
        return PREFERENCES[self.options.wants]

    @property
    def folder(self) -> Path:
        return self.root / self.wants.name / f"seed-{self.seed}"

    def annotators(self) -> list[SimulatedAnnotator]:
        return [SimulatedAnnotator(self.wants, 10 * self.seed + n, self.options.flips) for n in range(3)]

    def taught(self) -> str:
        """The policy that all begins with."""
        if self.options.taught:
            return str(self.options.taught)
        return fine_tuned(
            self.options.model, self.starter, self.root / "demonstrations", self.folder / "sft",
            SftSettings(max_length=self.options.max_length, lora_rank=self.options.lora_rank, seed=self.seed),
            preset=self.settings, backend=self.backend, title="SFT",
        )  # fmt: skip

    def measured(
        self, name: str, model: str, tasks: Sequence[Task], *, times: int = 1, hot: bool = False
    ) -> Evaluation:
        local = replace(self.settings.local, temperature=1.0) if hot else self.settings.local
        return measure(
            self.folder / name, lambda: local_players(model, local), tasks, backend=self.backend,
            config=self.settings.env, seeds=range(times), concurrency=self.options.concurrency, progress=said(name),
        )  # fmt: skip

    def judged(self, model: str) -> Pairs:
        """What the annotators say of episodes that the policy played."""
        self.measured("judged", model, self.starter[: self.options.judged_tasks], times=4, hot=True)
        run, rows = self.folder / "judged", self.folder / "rows"
        pairs = list(pairs_among(EpisodeStore(run).episodes()))
        judge_pairs(self.annotators(), pairs, FeedbackLog(run), most=self.options.judgements)
        left_out = compile_feedback([run], rows, simulated=True).left_out
        return Pairs(tuple(Compiled(rows).preferences()), dict(left_out))

    def reward_model(self, model: str, pairs: Pairs) -> Path:
        if self.options.kind == "features":
            return train_features(pairs, self.folder / "reward", FeatureSettings(0.25, self.seed))
        rows = pair_rows(pairs, ChatTemplate(load_tokenizer(model)), dialect(self.settings.local.dialect))
        settings = RewardSettings(
            epochs=3, held_out=0.25, seed=self.seed, lora_rank=self.options.lora_rank,
            notation=self.settings.local.dialect,
        )  # fmt: skip
        return train_reward(model, rows, self.folder / "reward", settings, said("reward model"))

    def reinforced(self, model: str, arm: str, reward: Path | None) -> str:
        grpo = GrpoSettings(
            steps=self.options.steps, tasks_per_step=3, group_size=self.options.group_size,
            learning_rate=self.options.grpo_rate, lora_rank=self.options.lora_rank, seed=self.seed,
            hybrid=HybridSettings(learned=0.1), micro_batch=2 if self.options.lora_rank else 4,
            concurrency=self.options.concurrency,
        )  # fmt: skip
        out = self.folder / slug(arm)
        gate = GateSettings(self.options.gate_pairs)
        use = RewardUse(reward, gate, ask=self.annotators()[0].rank, pairs=1, every=4) if reward else None
        try:
            return str(
                train_grpo(
                    model, self.starter, out, backend=self.backend, settings=grpo, local=self.settings.local,
                    config=self.settings.env, progress=said(f"GRPO, {arm}"), reward=use,
                )
            )  # fmt: skip
        except DriftAlarmError as alarm:
            (out / "stopped.txt").write_text(str(alarm))
            return str(as_model(max((out / "checkpoints").glob("checkpoint-*"), key=step_of), model))

    def run(self) -> None:
        taught = self.taught()
        self.measured("before", taught, self.heldout, times=self.options.times, hot=True)
        reward = self.reward_model(taught, self.judged(taught))
        for arm in ARMS:
            try:
                model = self.reinforced(taught, arm, reward if arm == ARMS[1] else None)
            except GateError as missed:
                print(missed, flush=True)
                continue
            self.measured(f"after-{slug(arm)}", model, self.heldout, times=self.options.times, hot=True)


def pairs_among(episodes: Iterable[Episode]) -> Iterable[tuple[Episode, Episode]]:
    """Pairs of one task, one of each task and then another of each: judgements are spread over tasks."""
    by_task: dict[str, list[Episode]] = {}
    for each in sorted(episodes, key=lambda each: (each.task, each.seed)):
        by_task.setdefault(each.task, []).append(each)
    turns = [list(itertools.combinations(members, 2)) for members in by_task.values()]
    for row in itertools.zip_longest(*turns):
        yield from (pair for pair in row if pair is not None)


def as_model(checkpoint: Path, base: str) -> Path:
    """A checkpoint as a model that plays: adapters are put into what they were trained upon."""
    if (checkpoint / "config.json").exists():
        return checkpoint
    weights, tokenizer = load_model(base)
    out = checkpoint.parent.parent / "stopped"
    PeftModel.from_pretrained(weights, str(checkpoint)).merge_and_unload().save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def table(root: Path, seeds: int, wants: Hidden) -> list[str]:
    """What has been measured so far."""
    lines = [f"| seed | reward model | | resolved | keeps to {wants.name} |", "| --- | --- | --- | --- | --- |"]
    for seed in range(seeds):
        folder = root / wants.name / f"seed-{seed}"
        done = folder / "reward" / DONE
        told = json.loads(done.read_text())["calibration"] if done.exists() else None
        model = "agrees {value:.2f} ({low:.2f} to {high:.2f})".format(**told["agreement"]) if told else "–"
        for name in ("before", *(f"after-{slug(arm)}" for arm in ARMS)):
            if (path := folder / f"{name}.json").exists():
                rate = Evaluation.load(path).resolve_rate
                kept = adherence(list(EpisodeStore(folder / name).episodes()), wants)
                stopped = " (stopped by the alarm)" if (folder / name[6:] / "stopped.txt").exists() else ""
                lines.append(f"| {seed} | {model} | {name}{stopped} | {rate} | {kept:.1%} |")
    return lines


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--taught", default="", help="a model that is fine-tuned already; else one is, for each seed")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--wants", default="tests-first", choices=sorted(PREFERENCES))
    parser.add_argument("--kind", default="features", choices=("features", "tokens"))
    parser.add_argument("--flips", type=float, default=0.05, help="the share of judgements that are wrong")
    parser.add_argument("--judgements", type=int, default=200)
    parser.add_argument("--judged-tasks", type=int, default=100)
    parser.add_argument("--gate-pairs", type=int, default=GateSettings().pairs, help="held-out pairs that are needed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40, help="of GRPO")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--grpo-rate", type=float, default=2e-5)
    parser.add_argument("--lora-rank", type=int, default=0)
    parser.add_argument("--max-length", type=int, default=640, help="of a demonstration, in tokens")
    parser.add_argument("--train-tasks", type=int, default=425)
    parser.add_argument("--heldout-tasks", type=int, default=128)
    parser.add_argument("--times", type=int, default=2, help="episodes of a held-out task")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("build/critiques"))
    parser.add_argument("--table", action="store_true", help="print what there is and stop")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    if not options.table:
        suites = [
            build_suite(name, options.out / "tasks" / name, count=count)
            for name, count in (("starter", options.train_tasks), ("heldout", options.heldout_tasks))
        ]
        for seed in range(options.seeds):
            Loop(options.out, seed, options, preset(options.preset), open_backend("auto"), *suites).run()
    print("\n".join(table(options.out, options.seeds, PREFERENCES[options.wants])), flush=True)


if __name__ == "__main__":
    main()
