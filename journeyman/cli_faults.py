"""`journeyman faults`: what may go wrong around a policy, and how policies got over it; and the options of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, open_run, print_json
from journeyman.envs.config import EnvConfig
from journeyman.envs.faults.kinds import KINDS
from journeyman.envs.faults.settings import HELD_OUT_KINDS, faults_named
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.task import Task
from journeyman.terminal import line, out
from journeyman.training.skills.recovery import recovery_of

FaultsOption = Annotated[
    str | None,
    typer.Option(
        "--faults", metavar="NAMES",
        help="What may go wrong around the policy: training, held-out, all, or kinds that `journeyman faults` lists.",
    ),
]  # fmt: skip
FaultRateOption = Annotated[
    float | None, typer.Option("--fault-rate", help="With --faults: share of the episodes that have one. Default: 1.")
]


def with_faults(config: EnvConfig, names: str | None, rate: float | None) -> EnvConfig:
    """Settings under which faults strike; without names, as they were.

    Raises:
        CannotError: there is no such fault, or the rate is no share.
    """
    if names is None:
        if rate is not None:
            raise CannotError("--fault-rate: say which faults by --faults, such as --faults training")
        return config
    if rate is not None and not 0 < rate <= 1:
        raise CannotError(f"--fault-rate {rate:g}: it is a share of the episodes, more than 0 and at most 1")
    try:
        return config.model_copy(update={"faults": faults_named(names, 1.0 if rate is None else rate)})
    except ValueError as error:
        raise CannotError(f"--faults {names}: {error}") from error


def facts_under_faults(store: EpisodeStore, config: EnvConfig, tasks: Sequence[Task]) -> dict[str, Any]:
    """For an evaluation: the faults that were asked for, and the recovery of the store's episodes under the same
    settings; nothing without faults."""
    if config.faults is None:
        return {}
    settings, names = config.to_dict(), {task.name for task in tasks}
    recovery = recovery_of(each for each in store.episodes() if each.config == settings and each.task in names)
    return {"faults": config.faults.model_dump(mode="json"), "recovery": recovery.to_dict()}


def faults(
    run: Annotated[
        Path | None, typer.Option(help="A run folder, or a name below ./runs: say how its episodes recovered.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what may go wrong around a policy, or how the episodes of a run recovered from it."""
    if run is not None:
        with open_run(run) as store:
            recovery = recovery_of(store.episodes())
        if as_json:
            print_json(recovery.to_dict())
            return
        for text in recovery.lines():
            out.print(Text(line(text)), soft_wrap=True)
        return
    if as_json:
        print_json([
            {"name": each.name, "about": each.about, "remedy": each.remedy, "held_out": each.name in HELD_OUT_KINDS}
            for each in KINDS.values()
        ])  # fmt: skip
        return
    for title, held_out in (("For training:", False), ("Held out, for measuring:", True)):
        out.print(title, highlight=False)
        for each in KINDS.values():
            if (each.name in HELD_OUT_KINDS) is held_out:
                text = f"  {each.name:<16} {each.about} What helps: {each.remedy}."
                out.print(text, soft_wrap=True, highlight=False, markup=False)
