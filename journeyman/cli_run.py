"""`journeyman run`: let a policy work on tasks, and keep what happened."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from journeyman.cli_common import (
    CANNOT,
    DEFAULT_RUN,
    INTERRUPTED,
    BackendOption,
    CannotError,
    EngineOption,
    EpisodeCpusOption,
    GuidelineOption,
    JsonOption,
    RayAddressOption,
    print_json,
    say_error,
    with_guidelines,
)
from journeyman.cli_faults import FaultRateOption, FaultsOption, with_faults
from journeyman.cli_run_review import (
    NOBODY,
    ChangesOption,
    EveryOption,
    ReviewOption,
    RoundsOption,
    reviews_of,
)
from journeyman.cli_task import find_tasks, sandboxes_of
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.recorder import Hearing, Recorder
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Engine, Job
from journeyman.policies.policy import Policy
from journeyman.policies.registry import POLICIES, make_policy
from journeyman.policies.rollout_many import LocalEngine, open_engine, rollout_many
from journeyman.tasks.task import Task
from journeyman.terminal import err, line, out, plural, typed


def run(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK", help="A bundled task's name, a task folder, a folder of tasks or a pattern."),
    ],
    policy: Annotated[str, typer.Option(help=f"Who acts: {', '.join(POLICIES)}.")] = "oracle",
    backend: BackendOption = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the first episode; each further one takes the next.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes of each task.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Episodes at once.")] = 1,
    out_folder: Annotated[Path, typer.Option("--out", help="Run folder; episodes are added to it.")] = DEFAULT_RUN,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, such as max_steps=20. Repeatable."),
    ] = None,
    guideline: GuidelineOption = None,
    faults: FaultsOption = None,
    fault_rate: FaultRateOption = None,
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
    episode_cpus: EpisodeCpusOption = 1.0,
    review: ReviewOption = NOBODY,
    review_rounds: RoundsOption = 3,
    review_changes: ChangesOption = False,
    review_every: EveryOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Run episodes of one or several tasks and record them, step by step as they happen."""
    config = with_faults(with_guidelines(read_settings(settings or []), guideline), faults, fault_rate)
    tasks, factory = find_tasks(task), sandboxes_of(backend)
    alone = concurrency == 1 and engine == "local"
    reviews = reviews_of(review, review_rounds, review_changes, review_every, alone=alone)
    make = partial(policy_of, policy)
    make(tasks[0]).close()  # a name that is none, or a model that is not there, is said before anything runs
    jobs = (Job(each, factory, make, seed + n, config, None, reviews) for each in tasks for n in range(episodes))
    done: list[Episode] = []

    def on_done(_: int, episode: Episode) -> None:
        done.append(episode)
        if not as_json:
            out.print(result_line(episode), soft_wrap=True)

    quiet = as_json or policy == "human" or concurrency > 1
    try:
        with engine_of(engine, policy, ray_address, episode_cpus) as machines, EpisodeStore(out_folder) as store:
            if reviews is not None:
                reviews.keep_guideline(FeedbackLog(out_folder))
            _run_all(jobs, store if quiet else Narrator(store), concurrency, on_done, machines)
            facts = machines.facts()
    except KeyboardInterrupt:
        kept = f"{plural(len(done), 'finished episode')} and every step of the others are kept in {out_folder}"
        say_error(f"interrupted; {kept}: journeyman episode list --run {typed(out_folder)}")
        raise typer.Exit(INTERRUPTED) from None
    _say_end(done, out_folder, facts, as_json)


def read_settings(pairs: list[str]) -> EnvConfig:
    """`NAME=VALUE` pairs as the environment's settings.

    Raises:
        CannotError: one of them is no pair.
        ConfigError: there is no such setting, or its value is out of range.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise CannotError(f"--set {pair}: give NAME=VALUE; settings are {', '.join(EnvConfig.model_fields)}")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return EnvConfig.from_dict(values)


def result_line(episode: Episode) -> Text:
    """How an episode ended, on one line."""
    word, style = ("resolved", "green") if episode.resolved else ("not resolved", "red")
    if episode.reward is None:
        word, style = f"unscored ({episode.stop.value})", "yellow"
    reward = "" if episode.reward is None else f", reward {episode.reward:.2f}"
    text = Text.assemble((f"{word:<12}", style), f" {line(episode.task)} seed {episode.seed}{reward}")
    facts = f", {plural(len(episode.steps), 'step')}, {episode.stop.value}, {episode.duration_s:.1f} s  {episode.id}"
    return text.append(facts, "dim")


class Narrator:
    """A recorder that also tells each step as it happens, on stderr."""

    def __init__(self, store: Recorder) -> None:
        self._store = store
        self._steps = 0

    def begin(self, episode: Episode) -> None:
        self._store.begin(episode)
        self._steps = 0
        fault = f" · fault: {line(episode.fault)}" if episode.fault else ""
        err.print(Text(f"{line(episode.task)} · {line(episode.policy)} · {episode.id}{fault}", "bold"))

    def step(self, episode_id: str, step: Step) -> None:
        self._store.step(episode_id, step)
        self._tell(step)

    def said(self, *entries: Entry) -> None:
        if isinstance(self._store, Hearing):
            self._store.said(*entries)

    def finish(self, episode: Episode) -> None:
        self._store.finish(episode)
        for step in episode.steps[self._steps :]:
            self._tell(step)

    def _tell(self, step: Step) -> None:
        self._steps += 1
        about = _subject(step.action.arguments)
        answer = line(step.observation.text.strip().partition("\n")[0])
        text = Text.assemble(f"{self._steps:>4} ", (f"{line(step.action.tool):<8}", "bold blue"), f"{about:<28.28} ")
        if step.fault:
            text.append(f"fault {line(step.fault)}: ", "magenta")
        err.print(text.append(answer, "dim" if step.observation.ok else "yellow"), no_wrap=True, overflow="ellipsis")


def _subject(arguments: Mapping[str, Any]) -> str:
    named = (arguments.get(name) for name in ("path", "command", "pattern", "target", "summary", "why"))
    return line(str(next((each for each in named if each), "")))


def policy_of(spec: str, task: Task, **options: Any) -> Policy:
    """`make_policy`, for the front door.

    Raises:
        CannotError: there is no such policy.
    """
    try:
        return make_policy(spec, task, **options)
    except ValueError as error:
        raise CannotError(f"--policy {spec}: {error}") from error


def engine_of(name: str, policy: str, address: str | None, episode_cpus: float) -> Engine:
    """`open_engine`, for the front door.

    Raises:
        CannotError: that policy cannot act on another machine.
        EngineError: there is no such engine, or it cannot be had.
    """
    if name != "local" and policy == "human":
        raise CannotError("--policy human: a person acts at this terminal; leave out --engine")
    return open_engine(name, address=address, episode_cpus=episode_cpus)


def say_engine(facts: Mapping[str, int]) -> None:
    """What the machines did, where they are others than this one."""
    if facts:
        out.print(Text(engine_line(facts), "dim"), soft_wrap=True)


def engine_line(facts: Mapping[str, int]) -> str:
    if "processes" in facts:
        return f"environments in {facts['processes']} process{'' if facts['processes'] == 1 else 'es'}"
    local, begun, lost = facts["where_built"], facts["begun"], facts["lost_workers"]
    again = f"; {plural(lost, 'worker')} lost, the jobs begun again" if lost else ""
    return f"{local} of {plural(begun, 'episode')} began on a node that had their environment{again}"


def _run_all(jobs: Iterable[Job], store: Recorder, concurrency: int, on_done: Any, engine: Engine) -> None:
    if concurrency > 1 or not isinstance(engine, LocalEngine):
        rollout_many(jobs, store=store, concurrency=concurrency, on_done=on_done, engine=engine)
        return
    for number, job in enumerate(jobs):  # in this thread, so that a person at the terminal can be asked and can leave
        on_done(number, engine.run(job, store, threading.Event()))


def replay_command(name: str, run: Path) -> str:
    """What to type to see an episode of that run."""
    return f"journeyman replay {name}" + ("" if run == DEFAULT_RUN else f" --run {typed(run)}")


def _say_end(done: list[Episode], out_folder: Path, facts: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        about = {"engine": facts} if facts else {}
        print_json({"run": out_folder, "episodes": [_brief(episode) for episode in done]} | about)
    else:
        say_engine(facts)
        resolved = sum(episode.resolved for episode in done)
        again = replay_command("last", out_folder)
        out.print(Text(f"{resolved} of {plural(len(done), 'episode')} resolved · {again}", "dim"))
    if failed := [episode for episode in done if episode.stop is StopReason.POLICY_ERROR]:
        say_error(f"the policy failed in {plural(len(failed), 'episode')}: {failed[0].detail}")
        raise typer.Exit(CANNOT)


def _brief(episode: Episode) -> dict[str, Any]:
    return {
        "id": episode.id, "task": episode.task, "policy": episode.policy, "seed": episode.seed,
        "stop": episode.stop.value, "resolved": episode.resolved, "reward": episode.reward,
        "steps": len(episode.steps), "duration_s": round(episode.duration_s, 3),
    }  # fmt: skip
