"""`journeyman fork` and `journeyman value`: go on from a step of a recorded episode, in another way or many times."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, RunOption, interruptible, open_run, print_json
from journeyman.cli_run import Narrator, policy_of, replay_command, result_line
from journeyman.cli_task import sandboxes_of
from journeyman.cli_verify import task_of
from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Change, Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.policy import Policy
from journeyman.policies.registry import POLICIES
from journeyman.tasks.task import Task
from journeyman.terminal import err, line, out, plural
from journeyman.training.value_samples import sample_values
from journeyman.training.values import StepValue, values_folder

IdArgument = Annotated[str, typer.Argument(metavar="ID", help='An id, its unique beginning, "last" or "best".')]
PolicyOption = Annotated[
    str | None, typer.Option(help=f"Who goes on: {', '.join(POLICIES)}. Default: the policy of the episode.")
]
TaskOption = Annotated[str | None, typer.Option(help="Task folder, where the record names none.")]
BackendOption = Annotated[str | None, typer.Option(help="Where sandboxes run. Default: as recorded.")]
BAR = 24
"""Columns of a value of 1."""


def fork(
    episode_id: IdArgument,
    at: Annotated[int, typer.Option("--at", min=0, help="Keep so many of its steps; 0 begins anew.")],
    policy: PolicyOption = None,
    hint: Annotated[str, typer.Option(help="Told to the policy with what it sees at that step.")] = "",
    edit_action: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Done first: an action as JSON, {"tool": ..., argument: ...}.')
    ] = None,
    human: Annotated[bool, typer.Option("--human", help="You go on, at this terminal.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the policy.")] = 0,
    run: RunOption = None,
    task: TaskOption = None,
    backend: BackendOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on from a step of an episode with another policy, a hint, another action or yourself: a new episode.

    Its actions up to that step are done again in a fresh sandbox, and the files must be what they were. The new
    episode is recorded in the same run and names its parent.
    """
    if human and (policy or hint or edit_action):
        raise CannotError("--human: you go on yourself; leave out --policy, --hint and --edit-action")
    if hint and edit_action:
        raise CannotError("give --hint or --edit-action, not both: a fork differs from its parent in one thing")
    store = open_run(run)
    parent = store.get(episode_id)
    solved = task_of(parent, task)
    action = _read_action(edit_action) if edit_action is not None else None
    change = Change.HUMAN if human else Change.HINT if hint else Change.ACTION if action else Change.POLICY
    different = Different(_policy("human" if human else policy, parent, solved), change, hint, action, seed)
    kept = f"every step is kept in {store.folder}"
    try:
        with interruptible(kept), store, Branch(_env(parent, solved, backend), parent, at) as branch:
            episode = branch.run(different, store=store if as_json or human else Narrator(store), last=True)
    except ForkError as error:
        raise CannotError(str(error)) from error
    if as_json:
        print_json({"run": store.folder, "episode": episode})
        return
    out.print(result_line(episode), soft_wrap=True)
    again = replay_command(episode.id, store.folder)
    out.print(Text(f"forked from {parent.id} after step {at} · {again}", "dim"), soft_wrap=True)


def value(
    episode_id: IdArgument,
    samples: Annotated[int, typer.Option(min=1, help="Episodes from each step.")] = 4,
    policy: PolicyOption = None,
    run: RunOption = None,
    task: TaskOption = None,
    backend: BackendOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what each step of an episode was worth: the mean reward of episodes that go on from there.

    Each with its 95% interval. The samples are kept beside the run, in values/ID: an interrupted estimate goes on
    where it was, and more samples add to those that are there.
    """
    store = open_run(run)
    parent = store.get(episode_id)
    solved = task_of(parent, task)
    where = values_folder(store.folder, parent.id)

    def tell(found: StepValue, count: int) -> None:
        if not as_json:
            err.print(Text(f"step {found.step} of {count - 1}: {_said(found)}", "dim"))

    try:
        with interruptible(f"what was sampled is kept in {where}; the same command goes on"):
            values = sample_values(
                parent, store.folder, partial(_env, parent, solved, backend), partial(_policy, policy, parent, solved),
                samples, on_step=tell,
            )  # fmt: skip
    except ForkError as error:
        raise CannotError(str(error)) from error
    if as_json:
        print_json({"episode": parent.id, "samples": where, "values": values})
    else:
        out.print(_table(parent, values))
        out.print(Text(f"the samples are in {line(str(where))}", "dim"), soft_wrap=True)


def _env(parent: Episode, task: Task, backend: str | None) -> RepoEnv:
    factory = sandboxes_of(backend or parent.versions.get("backend", "namespace"))
    return RepoEnv(task, factory, EnvConfig.from_dict(parent.config))


def _policy(spec: str | None, parent: Episode, task: Task) -> Policy:
    try:
        return policy_of(spec or parent.policy, task)
    except CannotError as error:
        if spec is None:
            raise CannotError(f"its policy {parent.policy!r} cannot go on by its name alone: give --policy") from error
        raise


def _read_action(path: Path) -> Action:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotError(f"--edit-action {path}: cannot be read: {error}") from error
    action = Action.from_json(text)
    if action.tool == MALFORMED:
        raise CannotError(f"--edit-action {path}: {action.arguments['why']}")
    return action


def _table(parent: Episode, values: tuple[StepValue, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("after step", justify="right")
    for name in ("action", "value", "95%", ""):
        table.add_column(name)
    for each in values:
        action = line(parent.steps[each.step - 1].action.tool) if each.step else "the beginning"
        low_to_high = f"{each.low:.2f} to {each.high:.2f} ({_counted(each)})"
        mean = "–" if each.mean is None else f"{each.mean:.2f}"
        table.add_row(str(each.step), action, mean, low_to_high, "█" * round(BAR * (each.mean or 0.0)))
    return table


def _said(found: StepValue) -> str:
    if found.mean is None:
        return f"nothing scored ({_counted(found)})"
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f}, {_counted(found)})"


def _counted(found: StepValue) -> str:
    return plural(found.samples, "sample") + (f", {found.unscored} more unscored" if found.unscored else "")
