"""What the commands share: how errors look, where runs lie, what `--json` prints.

Exit codes: 0 it worked; 1 it worked and the answer is no (a check failed, a replay differs); 2 it could not be done
(bad input, a missing backend, a full disk), said in one line on stderr; 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from journeyman.annotators import NAME, WHAT_IT_IS
from journeyman.envs.codec import CodecError
from journeyman.envs.config import ConfigError, EnvConfig
from journeyman.envs.feedback.entry import RULE, SIMULATED
from journeyman.envs.guidelines.guideline import GuidelineError
from journeyman.envs.guidelines.prompt import shown
from journeyman.envs.log import LogError
from journeyman.envs.store import EpisodeStore, StoreError
from journeyman.policies.job import EngineError
from journeyman.policies.policy import PolicyError
from journeyman.sandbox.sandbox import SandboxError
from journeyman.tasks.task import TaskError
from journeyman.terminal import err, visible
from journeyman.training.checkpoint import TrainingError

FAILED = 1
CANNOT = 2
INTERRUPTED = 130
RUNS = Path("runs")
"""Where run folders lie when nothing else is said, below the current folder."""
DEFAULT_RUN = RUNS / "default"

USER_ERRORS = (
    StoreError,
    LogError,
    CodecError,
    TaskError,
    SandboxError,
    PolicyError,
    ConfigError,
    GuidelineError,
    EngineError,
    TrainingError,
)

RunOption = Annotated[
    Path | None, typer.Option("--run", help="Run folder, or its name below ./runs. Default: the one written to last.")
]
BackendOption = Annotated[
    str, typer.Option(help="Where sandboxes run: namespace, docker, or auto for the first that works.")
]
EngineOption = Annotated[
    str, typer.Option(help="Where episodes run: local, processes (here, apart from the model), ray (a cluster).")
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(help="HOST:PORT of a Ray cluster's head. Default: RAY_ADDRESS, else a Ray of its own here."),
]
EpisodeCpusOption = Annotated[
    float,
    typer.Option(min=0.01, help="With ray: processors that an episode counts for; bounds the episodes on a node."),
]
RequirementOption = Annotated[
    list[str] | None,
    typer.Option(
        "--requirement", metavar="NAME==VERSION", help="Installed beside what its files name; may be repeated."
    ),
]
PythonOption = Annotated[str, typer.Option("--python", help="Minor version of Python. Default: the one that suits it.")]
SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--config", exists=True, dir_okay=False, help="Settings. Default: journeyman.toml in the last commit."
    ),
]
GuidelineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guideline",
        metavar="NAME|FILE",
        help="Told to the policy after the problem statement, with :brief in short. Repeatable.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def with_guidelines(config: EnvConfig, names: list[str] | None) -> EnvConfig:
    """Settings in which a policy is told of guidelines; without names, as they were. Raises GuidelineError."""
    return config.model_copy(update={"guidelines": tuple(map(shown, names))}) if names else config


def finite(value: float) -> float:
    """Refuse inf, which an option's least value lets through.

    Raises:
        BadParameter: it is that.
    """
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


class CannotError(Exception):
    """A command cannot do what was asked; the message is the one line that people see: what is wrong, and the mend."""


def person(option: str, name: str) -> str:
    """A name that an option gives, where a person can be called so.

    Raises:
        CannotError: nobody is called so.
    """
    if not NAME.fullmatch(name) or name in (".", ".."):
        raise CannotError(f"{option} {name!r}: {WHAT_IT_IS} is wanted")
    if name.startswith(SIMULATED):
        raise CannotError(f"{option} {name!r}: {SIMULATED}… is for programs that stand in for people")
    if name.startswith(RULE):
        raise CannotError(f"{option} {name!r}: {RULE}… is for rules that tell what a record decides")
    return name


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Ctrl-C ends the command with one line that says what is kept, and the exit code for it."""
    try:
        yield
    except KeyboardInterrupt:
        say_error(f"interrupted; {kept}")
        raise typer.Exit(INTERRUPTED) from None


def say_error(message: str) -> None:
    """One line (more only where the message has them), on stderr."""
    err.print(Text.assemble(("error: ", "bold red"), visible(message)), soft_wrap=True)


def example(*lines: str) -> str:
    """The examples that end a command's help."""
    return "\n\n".join(["**Example**", *(f"`{line}`" for line in lines)])


def print_json(value: Any) -> None:
    """JSON on stdout, dataclasses as objects, non-ASCII escaped so that nothing in it reaches a terminal."""
    typer.echo(json.dumps(_plain(value), indent=2))


def find_run(run: Path | None) -> Path:
    """The run folder that is meant.

    Raises:
        CannotError: there is none.
    """
    if run is not None:
        for folder in (run, RUNS / run):
            if _written(folder) is not None:
                return folder
        raise CannotError(f"no episodes in {run}; give a run folder, or a name below ./{RUNS}")
    if not (found := find_runs()):
        raise CannotError(
            f"no runs in ./{RUNS}; `journeyman run TASK --policy oracle` makes one, --run names another place"
        )
    return found[-1]


def find_runs() -> list[Path]:
    """The run folders below ./runs, the one written to last at the end."""
    folders = {folder: _written(folder) for folder in [*RUNS.glob("*/"), *RUNS.glob("*/*/")]}
    return [folder for when, folder in sorted((when, folder) for folder, when in folders.items() if when is not None)]


def open_run(run: Path | None) -> EpisodeStore:
    return EpisodeStore(find_run(run))


def _written(folder: Path) -> float | None:
    """When a run folder was last written to, in seconds since the epoch; None when it is no run."""
    return max((path.stat().st_mtime for path in (folder / "segments").glob("*.log")), default=None)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
