"""`journeyman train plan` and `--dry-run`: what a training run would take, before anything is downloaded or started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, print_json
from journeyman.terminal import duration, line, out, plural
from journeyman.training.accelerate_config import write_accelerate_config
from journeyman.training.estimate import GIB, Part, total
from journeyman.training.model_shape import shape_of
from journeyman.training.plan import Plan, config_file, plan_of
from journeyman.training.run_options import OPTIONS, changes_of, options_of
from journeyman.training.run_preset import RunPreset, load, names


def _take(ctx: typer.Context, name: str | None) -> str | None:
    """A run preset's settings become the defaults of the other options."""
    if name is not None:
        ctx.default_map = {**(ctx.default_map or {}), **options_of(load(name))}
    return name


RunPresetOption = Annotated[
    str | None,
    typer.Option(
        callback=_take,
        is_eager=True,
        help=f"Settings of a whole run, which other options override: {', '.join(names())}, or a .yaml file.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print what a --run-preset comes to, with these options; start nothing.")
]


def plan(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help=f"{', '.join(names())}, or a .yaml file.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another value, as grpo.steps=4; again for more."),
    ] = None,
    accelerate_config: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the config file for `accelerate launch` there.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a run preset comes to: its commands, episodes, tokens, memory, time and price, and what doesn't fit.

    Nothing is downloaded or started, and the hardware need not be there.
    """  # fmt: skip
    run = load(preset, changes or ())
    made = _planned(preset, run)
    if accelerate_config is not None:
        try:
            write_accelerate_config(run, accelerate_config)
        except OSError as error:
            raise CannotError(f"{accelerate_config}: cannot be written ({error.strerror})") from error
    if as_json:
        print_json(made.to_dict())
        return
    _say(made)
    if accelerate_config is not None:
        out.print(f"accelerate's config: {accelerate_config}", soft_wrap=True, highlight=False, markup=False)


_OTHERS = ("out", "engine", "backend", "track", "feedback", "reward_model", "review", "review_rounds",
           "faults", "fault_rate")  # fmt: skip
"""Options that a plan does not reckon with, and repeats."""


def say_changed_plan(ctx: typer.Context, name: str | None, as_json: bool) -> None:
    """The plan of a run preset with the options that were typed beside it.

    Raises:
        CannotError: no run preset was named.
    """
    if name is None:
        raise CannotError("--dry-run needs a --run-preset: only one says for which machine a run is meant; "
                          f"there are {', '.join(names())}")  # fmt: skip
    typed = {key: value for key, value in ctx.params.items() if key in OPTIONS and _is_typed(ctx, key)}
    run = load(name, changes_of(typed))
    others = [(key.replace("_", "-"), ctx.params[key]) for key in _OTHERS if _is_typed(ctx, key)]
    others += [("set", change) for change in ctx.params["settings"] or ()]
    made = _planned(name, run, grpo=[word for key, value in others for word in (f"--{key}", str(value))])
    if as_json:
        print_json(made.to_dict())
    else:
        _say(made)


def require_launched(ctx: typer.Context, name: str | None) -> None:
    """See to it that a run is started as its preset says.

    Raises:
        CannotError: it is not, or `train grpo` has no option for what it says.
    """
    if name is None:
        return
    run = load(name)
    lacking = []
    if run.sampler.mode == "server" and not ctx.params["sampler"].startswith("vllm:"):
        lacking.append("sampler.mode=server: start one and name it by --sampler vllm:URL")
    if run.rollouts.kind == "ray" and not _is_typed(ctx, "engine"):
        lacking.append("rollouts.kind=ray: --engine processes runs episodes on this machine")
    if lacking:
        raise CannotError(f"{name}: `train grpo` cannot do all of it ({'; '.join(lacking)}); --dry-run shows the plan")
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if run.launch.processes != processes:
        raise CannotError(
            f"{name} trains in {run.launch.processes} processes, this is one of {processes}: "
            f"`journeyman train plan {name} --accelerate-config {config_file(name)}` writes what accelerate needs and "
            "shows the command that starts it"
        )


def _is_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _planned(name: str, run: RunPreset, grpo: Sequence[str] | None = None) -> Plan:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        return plan_of(name, run, shape_of(run.model), grpo=grpo)
    except ModuleNotFoundError as error:
        raise CannotError(f"planning needs {error.name}: pip install 'journeyman[train]'") from error


def _say(made: Plan) -> None:
    run, shape = made.run, made.shape
    out.print(Text(line(run.about), "bold"))
    out.print(Text(f"tried: {line(run.tried)}", "dim"), soft_wrap=True)
    trained = f", {shape.adapters(run.grpo.lora_rank):,} of adapters trained" if run.grpo.lora_rank else ""
    out.print(
        f"model    {line(run.model.name)}: {shape.parameters:,} parameters{trained}; "
        f"a token of context takes {shape.kv_bytes():,} bytes of keys and values in bf16",
        soft_wrap=True, highlight=False, markup=False,
    )  # fmt: skip
    gpus = f"{plural(run.hardware.gpus, 'GPU')} of {run.hardware.gpu_memory_gib:g} GiB, " if run.hardware.gpus else ""
    out.print(f"machine  {gpus}{run.hardware.cpus} processors, {run.hardware.memory_gib:g} GiB", highlight=False)
    for number, stage in enumerate(made.stages, 1):
        spent = ", ".join(f"{what} {duration(seconds)}" for what, seconds in stage.seconds.items() if seconds >= 0.5)
        out.print(Text(f"\n{number}. {stage.name}: {stage.episodes:,} episodes, {stage.tokens:,.0f} tokens, "
                       f"{duration(stage.total_s)} ({spent})", "bold"), soft_wrap=True)  # fmt: skip
        out.print(Text(line(stage.command)), soft_wrap=True)
    out.print()
    out.print(_memory_table(made))
    price = f", {made.cost:,.2f} {line(run.prices.currency)}" if made.cost else ""
    out.print(f"\nin all   {duration(made.hours * 3600)}{price}", highlight=False, markup=False)
    out.print(Text(f"assumed  {_assumed(run)}\n         {line(run.assume.source)}", "dim"), soft_wrap=True)
    for warning in made.warnings:
        out.print(Text(f"warning  {line(warning)}", "yellow"), soft_wrap=True)


def _assumed(run: RunPreset) -> str:
    values = run.assume.model_dump(exclude={"source"})
    return ", ".join(f"{name} {value:g}" for name, value in values.items()) + " (--set assume.NAME=VALUE)"


def _memory_table(made: Plan) -> Table:
    table = Table("memory", "GiB", "reckoned as", box=None, pad_edge=False, header_style="dim")
    table.columns[1].justify = "right"
    on_gpu = "each of the trainer's GPUs" if made.run.hardware.gpus else "the machine"
    for title, parts in (
        (f"{on_gpu}, while training", made.memory.training), (f"{on_gpu}, while sampling", made.memory.sampling),
        ("each of the sampler's GPUs", made.memory.server), ("the machine", made.memory.host),
    ):  # fmt: skip
        for row in _memory_rows(title, parts):
            table.add_row(*row)
    return table


def _memory_rows(title: str, parts: tuple[Part, ...]) -> Iterator[tuple[Text, Text, Text]]:
    if parts:
        yield Text(title, "bold"), Text(f"{total(parts) / GIB:.1f}", "bold"), Text("")
    for part in parts:
        yield Text(f"  {part.what}"), Text(f"{part.bytes / GIB:.2f}"), Text(part.how, "dim")
