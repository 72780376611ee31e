"""`journeyman replay --verify`: do the recorded actions again, and say identical, or where it first differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from journeyman.cli_common import FAILED, CannotError, print_json
from journeyman.cli_task import sandboxes_of
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.opening import open_task
from journeyman.envs.replay import Verification, verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.rollout import task_digest
from journeyman.sandbox.template import template_of
from journeyman.tasks.task import Task, TaskError
from journeyman.terminal import err, line, out, plural, said


def verify_all(episodes: Iterable[Episode], task: str | None, backend: str | None, as_json: bool) -> None:
    """Verify episodes one after the other.

    Raises:
        typer.Exit: with 1 when one of them is not as recorded.
        TaskError: a task is not to be found.
        CannotError: an episode was imported from another agent's trajectory.
    """
    verifications = []
    for episode in episodes:
        if origin := episode.versions.get(IMPORTED):
            raise CannotError(
                f"episode {episode.id} was imported ({line(origin)}): its actions are another agent's, in another "
                "environment, so they cannot be done again here"
            )
        solved = task_of(episode, task)
        factory = sandboxes_of(backend or episode.versions.get("backend", "namespace"))
        config = EnvConfig.from_dict(episode.config)
        verifications.append(found := verify(episode, partial(RepoEnv, solved, factory, config)))
        if not as_json:
            out.print(
                verification_view(found, changed=not found.identical and _is_changed(episode, solved)), soft_wrap=True
            )
    if as_json:
        print_json([{"identical": each.identical, **_plain(each)} for each in verifications])
    if not all(each.identical for each in verifications):
        raise typer.Exit(FAILED)


def verification_view(found: Verification, *, changed: bool = False) -> Group:
    """Identical, or both sides of the first difference."""
    about = f"  {line(found.episode_id)}  {plural(found.steps, 'step')}"
    if found.difference is None:
        head = Text.assemble(("identical", "bold green"), about)
        return Group(head.append(f" done again; left out of the comparison: {', '.join(found.normalisers)}", "dim"))
    difference = found.difference
    parts: list[RenderableType] = [
        Text.assemble(
            ("differs", "bold red"), f"  {line(found.episode_id)}  at step {difference.step}: {difference.what}"
        )
    ]
    for name, text in (("recorded", difference.recorded), ("replayed", difference.replayed)):
        parts += [Text(name, "dim"), Padding(said(text), (0, 0, 0, 2), expand=False)]
    if changed:
        parts.append(Text("the task is not the one that was recorded: its files or its checks changed since", "yellow"))
    return Group(*parts)


def task_of(episode: Episode, named: str | None = None) -> Task:
    """The task that is named, else the folder that the episode names, else the bundled task of its name.

    Raises:
        CannotError: it is not there any more.
    """
    folder = episode.versions.get("task_folder", "")
    try:
        return open_task(named or (folder if Path(folder, "task.toml").is_file() else episode.task))
    except TaskError as error:
        raise CannotError(f"episode {episode.id}: {error}; say where its task lies with --task FOLDER") from error


def tasks_of(episodes: Iterable[Episode], named: str | None = None) -> dict[str, Task]:
    """By name. One that is gone is left out, and it is said that it is."""
    found: dict[str, Task | None] = {}
    for episode in episodes:
        if episode.task not in found:
            found[episode.task] = task_if_there(episode, named)
    say_gone([name for name, task in found.items() if task is None])
    return {name: task for name, task in found.items() if task is not None}


def task_if_there(episode: Episode, named: str | None = None) -> Task | None:
    try:
        return task_of(episode, named)
    except CannotError:
        return None


def say_gone(tasks: Sequence[str]) -> None:
    if tasks:
        err.print(Text(f"{plural(len(tasks), 'task')} not there any more, such as {line(tasks[0])}: name it by --task"))


def _is_changed(episode: Episode, task: Task) -> bool:
    digest = task_digest(task, template_of(task.repository).tree_hash)
    return episode.versions.get("task", digest) != digest


def _plain(found: Verification) -> dict[str, object]:
    return {"episode": found.episode_id, "steps": found.steps, "difference": found.difference}
