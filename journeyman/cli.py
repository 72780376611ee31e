"""The front door: `journeyman`. Each group of commands stands in a file of its own, `cli_*.py`.

A command's file is loaded when the command is called, so that `journeyman --version` waits for no library; what
`journeyman --help` shows stands here, and a test holds it against what the commands say of themselves.
"""

from __future__ import annotations

import errno
import pkgutil
from typing import Annotated, Any, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from journeyman import __version__
from journeyman.cli_common import CANNOT, INTERRUPTED, USER_ERRORS, CannotError, example, say_error

TASKS, EPISODES, TRAINING, HOUSE = "Tasks", "Episodes", "Training", "This machine"

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""What a machine's disk refuses: no fault of ours, wherever it is met."""


class Entry(NamedTuple):
    """A line of the table of contents."""

    panel: str
    about: str
    where: str
    """`module:object`, a Typer app or a plain function."""
    examples: tuple[str, ...] = ()
    """Of a function; an app brings its own."""


CONTENTS = {
    "task": Entry(TASKS, "List, show, check, audit and make tasks.", "journeyman.cli_tasks:app"),
    "suite": Entry(TASKS, "Make suites: tasks of many libraries.", "journeyman.cli_suite:app"),
    "run": Entry(
        EPISODES, "Run episodes of one or several tasks and record them, step by step as they happen.",
        "journeyman.cli_run:run",
        ("journeyman run till-line-rounding --policy oracle",
         "journeyman run ./my-tasks --policy local:smollm2-135m --episodes 8",
         "journeyman run till-line-rounding --policy endpoint:http://localhost:8000/v1#qwen --set max_steps=20"),
    ),
    "replay": Entry(
        EPISODES, "Step through an episode: each action, its diff, output and tests, then the verdict and the reward.",
        "journeyman.cli_episode:replay",
        ("journeyman replay best", "journeyman replay last --verify", "journeyman replay --all --no-pager"),
    ),
    "fork": Entry(
        EPISODES,
        "Go on from a step of an episode with another policy, a hint, another action or yourself: a new episode.",
        "journeyman.cli_fork:fork",
        ("journeyman fork last --at 3 --policy oracle",
         "journeyman fork best --at 5 --hint 'the sign is wrong, not the rounding'",
         "journeyman fork last --at 2 --human"),
    ),
    "value": Entry(
        EPISODES,
        "Say what each step of an episode was worth: the mean reward of episodes that go on from there.",
        "journeyman.cli_fork:value",
        ("journeyman value last --samples 8", "journeyman value best --policy noop --samples 1 --json"),
    ),
    "episode": Entry(EPISODES, "Look at recorded episodes.", "journeyman.cli_episodes:app"),
    "faults": Entry(
        EPISODES,
        "Say what may go wrong around a policy, or how the episodes of a run recovered from it.",
        "journeyman.cli_faults:faults",
        ("journeyman faults", "journeyman faults --run default"),
    ),
    "feedback": Entry(
        EPISODES, "Keep what people say of episodes, and say what of it counts.",
        "journeyman.cli_feedbacks:feedback_app",
    ),
    "export": Entry(
        EPISODES,
        "Write an episode, or a whole run, in a format of others: for training, for viewers, for a pull request.",
        "journeyman.cli_export:export",
        ("journeyman export best --html", "journeyman export best --format markdown",
         "journeyman export --all --format chat -o rows.jsonl"),
    ),
    "import": Entry(
        EPISODES, "Read trajectories of other agents into a run, and say what of them has no place there.",
        "journeyman.cli_import:import_files",
        ("journeyman import run.traj.json", "journeyman import logs.eval --from inspect --out runs/theirs"),
    ),
    "view": Entry(
        EPISODES,
        "Look at runs, episodes and tasks in the browser; Ctrl-C ends it. Only this machine can ask for the pages.",
        "journeyman.cli_view:view",
        ("journeyman view", "journeyman view --example", "journeyman view --run demo --port 0 --no-browser"),
    ),
    "skills": Entry(
        EPISODES,
        "Say what episodes show besides what they solved: honesty, recovery, plans, keeping to guidelines.",
        "journeyman.cli_skills:skills",
        ("journeyman skills", "journeyman skills runs/eval/local-model --guideline terse-senior",
         "journeyman skills before after --json"),
    ),
    "guideline": Entry(
        EPISODES, "Write down what is wanted of a policy, and check episodes.", "journeyman.cli_guidelines:app"
    ),
    "claims": Entry(
        EPISODES, "Hold what reports claim against the record, and measure judges of it.", "journeyman.cli_claims:app"
    ),
    "review": Entry(
        EPISODES,
        "Judge episodes in the terminal, by the keyboard alone: comments, labels, rankings, corrections.",
        "journeyman.cli_reviews:app",
    ),
    "train": Entry(TRAINING, "Turn episodes into weights: SFT, then GRPO.", "journeyman.cli_trains:app"),
    "eval": Entry(
        TRAINING,
        "Measure a policy: resolve rate with its 95% interval, milestones, stop reasons, a row for each task.",
        "journeyman.cli_eval:evaluate_command",
        ("journeyman eval --policy oracle --limit 20",
         "journeyman eval --policy local:runs/sft/model --against runs/eval/local-smollm2-135m"),
    ),
    "leaderboard": Entry(
        TRAINING,
        "Rank the evaluations of a leaderboard file by resolve rate, each set of tasks for itself.",
        "journeyman.cli_eval:leaderboard_command",
        ("journeyman leaderboard board.jsonl", "journeyman leaderboard board.jsonl --markdown"),
    ),
    "round": Entry(TRAINING, "Train in rounds, each accepted only if it is better.", "journeyman.cli_round:app"),
    "demo": Entry(
        TRAINING,
        "Train an agent and show what it learned: held-out resolve rate before and after, an episode to replay.",
        "journeyman.cli_train:demo", ("journeyman demo", "journeyman demo --quick"),
    ),
    "bench": Entry(HOUSE, "Measure what rollouts wait for, here.", "journeyman.cli_bench:app"),
    "image": Entry(HOUSE, "List and prune what was built for sandboxes.", "journeyman.cli_image:app"),
    "doctor": Entry(
        HOUSE, "Say which sandboxes work here and what they hold in, what is missing and how to mend it.",
        "journeyman.cli_doctor:doctor", ("journeyman doctor", "journeyman doctor --json"),
    ),
}  # fmt: skip


OF_VIEW = frozenset({"starlette", "uvicorn", "jinja2"})
"""Packages of the extra `view`."""


class Root(TyperGroup):
    """The commands by name. Errors that people can mend become one line; others keep their traceback."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, entry in CONTENTS.items():
            self.commands[name] = TyperCommand(name, help=entry.about, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in CONTENTS else None, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (CannotError, *USER_ERRORS) as error:
            say_error(str(error))
            raise typer.Exit(CANNOT) from error
        except OSError as error:
            if error.errno not in DISK:
                raise  # a fault of ours
            where = f"{error.filename}: " if error.filename else ""
            say_error(f"{where}{error.strerror}; what was done before is kept: mend that and call it again")
            raise typer.Exit(CANNOT) from error
        except KeyboardInterrupt:
            say_error("interrupted; every finished step is kept")
            raise typer.Exit(INTERRUPTED) from None


def load(name: str) -> Any:
    """The real command behind a line of the contents.

    Raises:
        CannotError: it needs an extra that is not installed.
    """
    entry = CONTENTS[name]
    try:
        found = pkgutil.resolve_name(entry.where)
    except ModuleNotFoundError as error:
        if error.name not in OF_VIEW:
            raise
        raise CannotError(f"`journeyman {name}` needs {error.name}: pip install 'journeyman[view]'") from error
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        single.command(name, epilog=example(*entry.examples))(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"journeyman {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="journeyman",
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog=example("journeyman task list", "journeyman run TASK --policy oracle", "journeyman replay last"))
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The gym in which coding models learn to handle whole projects: tasks, episodes, training."""


def main() -> None:
    """What the `journeyman` script and `python -m journeyman` call."""
    app(prog_name="journeyman")
