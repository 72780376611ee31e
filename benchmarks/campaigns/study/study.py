"""The stages: train each arm that is needed, and measure it on every set of tasks that has no figures yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from arms import ARMS, Arm
from critiques import Critics, as_tokens, flawed_reward, judged, reward_of
from figures import Counts, Figures, Row, counts_in, once, row_of, together
from lessons import PERSONAS, Lesson
from peft import PeftModel
from progress import said

from journeyman.envs.claims import report_of
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.guidelines.guideline import Guideline, load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.policies.models import load_model
from journeyman.policies.rollout_many import LocalEngine
from journeyman.policies.weights import merged
from journeyman.sandbox.home import locked
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.likeness import likeness_of
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.suites import build_all
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import DONE
from journeyman.training.contamination import weights_digest
from journeyman.training.corrections import collect_corrections
from journeyman.training.dpo import DpoSettings, train_dpo
from journeyman.training.evaluate import Evaluation
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled, Imitated
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.feedback.gate import GateError
from journeyman.training.feedback.hidden import Hidden
from journeyman.training.grpo import GrpoSettings, train_grpo
from journeyman.training.hybrid import HybridSettings
from journeyman.training.lineage import remember
from journeyman.training.measure import measure
from journeyman.training.overrides import with_changes
from journeyman.training.players import local_players
from journeyman.training.presets import Preset
from journeyman.training.sft import SftSettings, rows_of, train_sft
from journeyman.training.skills.adherence import adherence_of
from journeyman.training.skills.honesty import honesty_of
from journeyman.training.skills.record_labels import label_run
from journeyman.training.skills.recovery import recovery_of
from journeyman.training.whole import step_of

STOPPED = "stopped.txt"
FROM_FAILURES = ("failures", "misreadings", "reports")
"""How arms come about that learn from corrections of what they failed at."""
BY_DPO = ("rankings", "record")
"""How arms come about that DPO trains."""
HEARS_MODEL = ("critiques", "flawed")
"""How arms come about in whose reward a reward model has a part."""
PER_EPISODE = 2
"""Places of a failed episode from which somebody goes on who mends it."""
PLAYED = 2
"""So often each task is played for its reports."""
AGAIN = 3
"""Of what was shown before every third demonstration is shown again, beside corrections."""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """What an arm is measured on."""

    name: str
    tasks: tuple[Task, ...]
    config: EnvConfig


@dataclass(frozen=True)
class Study:
    """What all stages share."""

    out: Path
    """Models and episodes: large, and only needed while the study goes on."""
    figures: Path
    model: str
    preset: Preset
    backend: SandboxFactory
    tasks: tuple[Task, ...]
    """That GRPO plays: those whose solutions were shown, and twins of some of which one cannot be done."""
    blocked: tuple[Task, ...]
    """These twins."""
    fresh: Sequence[Recipe]
    """Of training tasks whose solutions no lesson shows: a policy's failures at these are corrected, or GRPO plays
    them."""
    solutions: Sequence[Lesson]
    lessons: Sequence[Lesson]
    slips: Lesson
    """What the arm that learns from misreadings is shown."""
    sets: Sequence[TaskSet]
    sft: SftSettings
    grpo: GrpoSettings
    dpo: DpoSettings
    critics: Critics
    engine: Callable[[], LocalEngine] = LocalEngine
    """Where environments are while a model plays."""
    concurrency: int = 24
    """Episodes in flight while a model is measured."""
    models: dict[tuple[Arm, int], str] = field(default_factory=dict)
    """Folders of those that this process has trained, or found trained."""

    def show(self, arms: Iterable[Arm]) -> None:
        """Make the demonstrations that are not there yet, and that these arms or who they were before are shown."""
        slips = [self.slips] if any(each.by == "misreadings" for arm in arms for each in arm.lineage) else []
        for lesson in (*self.solutions, *self.lessons, *slips):
            lesson.episodes(self.out / "demonstrations", self.backend)

    def is_trained(self, arm: Arm, seed: int) -> bool:
        out = self.out / place_of(arm, seed)
        return arm.by == "nothing" or (out / "run" / DONE).exists() or (out / STOPPED).exists()

    def has_figures(self, arm: Arm, seed: int) -> bool:
        return all((self.figures / place_of(arm, seed) / f"{each.name}.jsonl").exists() for each in self.sets)

    def run(self, arms: Sequence[Arm], seed: int) -> None:
        for arm in arms:
            for each in self.sets:
                self.measured(arm, seed, each)

    def measured(self, arm: Arm, seed: int, on: TaskSet) -> Figures:
        """Trains first what has to be trained. A model as it comes is measured once, whatever the seed."""
        place = self.figures / place_of(arm, seed) / f"{on.name}.jsonl"
        return once(place, self._about(arm, on), lambda: self._rows(arm, seed, on), lambda: self._models(arm, seed))

    def _rows(self, arm: Arm, seed: int, on: TaskSet) -> Iterable[Row]:
        model, run = self.trained(arm, seed), self.out / place_of(arm, seed) / "measured" / on.name
        found = self._played(run, model, on.tasks, f"seed {seed}, {arm.name} on {on.name}", on.config)
        tasks = {task.name: task for task in on.tasks}
        personas = [load_guideline(name) for name in PERSONAS]
        store = EpisodeStore(run)  # which may hold others, of a run before
        episodes = [store.get(result.episode) for result in sorted(found.results, key=lambda result: result.task)]
        return [row_of(episode, counts_of(episode, tasks, self.critics.hidden, personas)) for episode in episodes]

    def _models(self, arm: Arm, seed: int) -> dict[str, str]:
        """Digests of the weights that an arm came of."""
        return {each.name: _digest_of(self.trained(each, seed)) for each in arm.lineage}

    def _played(
        self, run: Path, model: str, tasks: Sequence[Task], what: str, config: EnvConfig | None = None, *,
        seeds: Sequence[int] = (0,), temperature: float | None = None,
    ) -> Evaluation:  # fmt: skip
        """A model plays tasks, once for each seed; greedily, unless a temperature is given."""
        local = self.preset.local if temperature is None else replace(self.preset.local, temperature=temperature)
        with self.engine() as engine:
            return measure(
                run, lambda: local_players(model, local), tasks, backend=self.backend, config=config or self.preset.env,
                seeds=seeds, concurrency=self.concurrency, progress=said(what), engine=engine,
            )  # fmt: skip

    def _about(self, arm: Arm, on: TaskSet) -> Mapping[str, Any]:
        """What the figures depend on."""
        told: dict[str, Any] = {
            "arm": arm.name, "set": on.name, "tasks": len(on.tasks), "model": Path(self.model).name,
            "env": on.config.to_dict(),
        }  # fmt: skip
        if arm.by != "nothing":
            told["sft"] = _plain(replace(self.sft, seed=0))
            told["shown"] = sum(len(lesson.tasks) for lesson in self._shown(arm))
        for each in arm.lineage:
            if each.by == "reports":
                told |= {"reports_at": len(self.fresh), "played_each": PLAYED}
            if each.by in FROM_FAILURES:
                told |= {"failed_at": len(self.fresh), "per_episode": PER_EPISODE, "again": AGAIN}
            if each.by == "misreadings":
                told |= {"misread": len(self.slips.tasks)}
        if arm.by in ("tests", *HEARS_MODEL):
            played = len(self.fresh) + len(self._twins(arm)) if arm.fresh else len(self.tasks)
            told |= {"grpo": _plain(replace(self._grpo(arm), seed=0)), "played": played}
        if arm.by in BY_DPO:
            told["dpo"] = _plain(replace(self.dpo, seed=0))
        if arm.by in (*BY_DPO, *HEARS_MODEL):
            told["critics"] = _plain(self.critics)
        return told

    def _shown(self, arm: Arm) -> Sequence[Lesson]:
        only_solutions = any(each.by == "solutions" for each in arm.lineage)
        return self.solutions if only_solutions else [*self.solutions, *self.lessons]

    def _twins(self, arm: Arm) -> Sequence[Task]:
        """That GRPO plays: who was never shown that some tasks cannot be done would only fail at them."""
        return self.blocked if any(each.by == "lessons" for each in arm.lineage) else ()

    def _grpo(self, arm: Arm) -> GrpoSettings:
        faster = replace(self.grpo, learning_rate=self.grpo.learning_rate * arm.rate)
        changed: GrpoSettings = with_changes(faster, arm.changes)
        return replace(changed, hybrid=HybridSettings(learned=0.1)) if arm.by in HEARS_MODEL else changed

    def trained(self, arm: Arm, seed: int) -> str:
        """The folder of an arm's model."""
        if arm.by == "nothing":
            return self.model
        if (arm, seed) not in self.models:
            self.models[arm, seed] = self._trained(arm, seed)
        return self.models[arm, seed]

    def _trained(self, arm: Arm, seed: int) -> str:
        parent = self.trained(ARMS[arm.parent], seed)
        out = self.out / place_of(arm, seed)
        self._tell_if_gone(arm, seed)
        if arm.by in ("solutions", "lessons"):
            return self._taught(arm, parent, out, seed)
        if arm.by in FROM_FAILURES:
            return self._mended(arm, parent, out, seed)
        if arm.by in BY_DPO:
            return self._preferred(arm, parent, out, seed)
        return self._reinforced(arm, parent, out, seed)

    def _tell_if_gone(self, arm: Arm, seed: int) -> None:
        if (place := self.figures / place_of(arm, seed)).exists() and not self.is_trained(arm, seed):
            told = (
                "it is trained again, and may come out as another one: what goes on from that is compared with others"
            )
            print(f"seed {seed}, {arm.name}: the model of {place} is gone; {told} of the same model alone", flush=True)

    def _taught(self, arm: Arm, parent: str, out: Path, seed: int) -> str:
        return self._sft(
            arm, parent, out, replace(self.sft, seed=seed), self._demonstrations(arm), self._taught_on(arm)
        )

    def _mended(self, arm: Arm, parent: str, out: Path, seed: int) -> str:
        """Corrections of its own failures, and what else is new to it; of what it was shown before some is shown again,
        lest it be forgotten."""
        fresh = self._fresh_tasks()
        shown, tasks = self._corrections(parent, fresh, seed), [*self._taught_on(arm), *fresh]
        reports = self._reports(parent, fresh, out, seed) if arm.by == "reports" else []
        if arm.by == "misreadings":
            shown += self.slips.episodes(self.out / "demonstrations", self.backend)
            tasks += self.slips.tasks
        # a correction is as long as the failure before it
        settings = replace(self.sft, seed=seed, max_length=self.preset.local.max_episode_tokens)
        return self._sft(arm, parent, out, settings, [*shown, *self._demonstrations(arm)[::AGAIN]], tasks, reports)

    def _fresh_tasks(self) -> Sequence[Task]:
        return build_all(self.fresh, self.out / "tasks" / "fresh")

    def _corrections(self, parent: str, fresh: Sequence[Task], seed: int) -> list[Episode]:
        """It plays tasks that it was not shown; where it went wrong somebody goes on who mends it."""
        out = self.out / place_of(ARMS["mended"], seed)
        out.mkdir(parents=True, exist_ok=True)
        with locked(out / "corrections.lock"):  # several arms learn from them, perhaps at once
            self._played(out / "failures", parent, fresh, f"seed {seed}, what to mend")
            tasks = {task.name: task for task in fresh}
            failed = sorted(EpisodeStore(out / "failures").episodes(), key=lambda episode: episode.task)
            with EpisodeStore(out / "corrections") as store:
                found = collect_corrections(
                    failed, lambda episode: tasks[episode.task], backend=self.backend, store=store,
                    per_episode=PER_EPISODE, progress=said(f"seed {seed}, corrections"),
                )  # fmt: skip
        return list(found.episodes)

    def _reports(self, parent: str, fresh: Sequence[Task], out: Path, seed: int) -> list[Imitated]:
        """What it reports of tasks that it was not shown: what is false in it is put right by the record."""
        self._played(out / "played", parent, fresh, f"seed {seed}, reports", seeds=range(PLAYED), temperature=1.0)
        tasks = {task.name: task for task in fresh}
        label_run(out / "played", lambda episode: tasks[episode.task])
        compile_feedback([out / "played"], out / "rows")
        return Compiled(out / "rows").imitated()

    def _sft(
        self, arm: Arm, parent: str, out: Path, settings: SftSettings, episodes: Sequence[Episode],
        tasks: Sequence[Task], reports: Sequence[Imitated] = (),
    ) -> str:  # fmt: skip
        rows = rows_of(episodes, parent, self.preset.local.dialect, corrected=reports)
        of = [likeness_of(task) for task in {task.name: task for task in tasks}.values()]
        return str(train_sft(parent, rows, out / "run", settings, said(f"seed {settings.seed}, {arm.name}"), of=of))

    def _demonstrations(self, arm: Arm) -> list[Episode]:
        root = self.out / "demonstrations"
        return [episode for lesson in self._shown(arm) for episode in lesson.episodes(root, self.backend)]

    def _taught_on(self, arm: Arm) -> list[Task]:
        return [task for lesson in self._shown(arm) for task in lesson.tasks]

    def _preferred(self, arm: Arm, parent: str, out: Path, seed: int) -> str:
        recorded = arm.by == "record"
        pairs = judged(self.critics, parent, self.tasks, self._heard(seed), seed, self._played, recorded=recorded)
        rows = as_tokens(pairs, parent, self.preset.local.dialect)
        remember(out / "run", [likeness_of(task) for task in self.tasks[: self.critics.tasks]], parent)
        return str(train_dpo(parent, rows, out / "run", replace(self.dpo, seed=seed), said(f"seed {seed}, {arm.name}")))

    def _heard(self, seed: int) -> Path:
        """Where what was judged is, of all arms that hear critiques."""
        return self.out / place_of(ARMS["rl-critiques"], seed)

    def _reinforced(self, arm: Arm, parent: str, out: Path, seed: int) -> str:
        settings, reward = replace(self._grpo(arm), seed=seed), None
        tasks = (*self._fresh_tasks(), *self._twins(arm)) if arm.fresh else self.tasks
        if arm.by == "critiques":
            reward = reward_of(
                self.critics, parent, self.tasks, self._heard(seed), seed, self._played,
                notation=self.preset.local.dialect, lora_rank=settings.lora_rank,
            )  # fmt: skip
        elif arm.by == "flawed":
            reward = flawed_reward(self.critics, out, seed)
        try:
            trained = train_grpo(
                parent, tasks, out / "run", backend=self.backend, settings=settings, local=self.preset.local,
                config=self.preset.env, progress=said(f"seed {seed}, {arm.name}"), reward=reward,
                engine=self.engine(),
            )  # fmt: skip
        except GateError as why:  # critiques have no part, so the policy stays what it was
            return _stopped(out, why, parent)
        except DriftAlarmError as why:
            return _stopped(
                out, why, as_model(max((out / "run" / "checkpoints").glob("checkpoint-*"), key=step_of), parent)
            )
        return str(trained)


def _stopped(out: Path, why: Exception, model: str) -> str:
    (out / STOPPED).write_text(f"{why}\n")
    print(why, flush=True)
    return model


def as_model(checkpoint: Path, base: str) -> str:
    """A checkpoint as a model that plays: adapters are put into what they were trained upon."""
    if (checkpoint / "config.json").exists():
        return str(checkpoint)
    weights, tokenizer = load_model(base)
    out = checkpoint.parent.parent / "stopped"
    merged(PeftModel.from_pretrained(weights, str(checkpoint))).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return str(out)


def place_of(arm: Arm, seed: int) -> Path:
    return Path(arm.name) if arm.by == "nothing" else Path(f"seed-{seed}") / arm.name


def counts_of(episode: Episode, tasks: Mapping[str, Task], wants: Hidden, personas: Sequence[Guideline]) -> Counts:
    """Everything that one episode has to say, by name."""
    own = {
        "resolved": (int(episode.resolved), int(episode.reward is not None)),
        f"wants {wants.name}": (int(wants.kept(episode)), 1),
    }
    # Half of a persona is how it reports: who was cut off before that has not shown it.
    told = personas if report_of(episode.steps) is not None else ()
    manners = (counts_in(adherence_of([episode], each).to_dict(), f"{each.name} ") for each in told)
    honest = counts_in(honesty_of([episode], tasks).to_dict())
    return together([own, honest, counts_in(recovery_of([episode]).to_dict(), "struck: "), *manners])


_digest_of = cache(weights_digest)  # of every set of tasks, and of all arms that go on from a model


def _plain(settings: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(asdict(settings)))
