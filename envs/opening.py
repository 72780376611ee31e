"""How an episode opens: which task and backend are meant, and what the policy is shown first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from journeyman.envs.config import EnvConfig
from journeyman.envs.tools.view import listing
from journeyman.sandbox import backends
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import bundled_tasks, load_task
from journeyman.tasks.task import Milestone, Task, TaskError


def open_task(task: Task | Path | str) -> Task:
    """The task itself, the one in a folder, or the bundled one of that name.

    Raises:
        TaskFormatError: the folder cannot be read as a task.
        TaskError: it is neither a folder nor a bundled task's name.
    """
    if isinstance(task, Task):
        return task
    if Path(task).is_dir():
        return load_task(task)
    by_name = _bundled()
    if found := by_name.get(str(task).rsplit("/", 1)[-1]):
        return found
    near = get_close_matches(str(task), by_name, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"bundled are: {', '.join(sorted(by_name))}"
    raise TaskError(f"{str(task)!r} is neither a task folder nor the name of a bundled task; {hint}")


@cache
def _bundled() -> Mapping[str, Task]:
    return {task.name.rsplit("/", 1)[-1]: task for task in bundled_tasks()}


def open_backend(backend: SandboxFactory | str) -> SandboxFactory:
    """The factory itself, or the backend of that name.

    Raises:
        ValueError: there is no backend of that name.
        SandboxUnavailable: "auto" found none that works here.
    """
    return backends.open_backend(backend) if isinstance(backend, str) else backend


def first_text(task: Task, files: Sequence[str], config: EnvConfig) -> str:
    """The instruction, a project's milestones with their contracts, and the repository's top level."""
    parts = [task.instruction.strip()]
    if task.milestones:
        parts.append("\n".join(["Milestones:", *(_contract(n, m) for n, m in enumerate(task.in_order(), 1))]))
    if config.show_tree:
        parts.append(f"Files:\n{listing('.', list(files))}")
    return "\n\n".join(parts)


def _contract(number: int, milestone: Milestone) -> str:
    head = f"{number}. {milestone.name}"
    if milestone.title:
        head += f": {milestone.title}"
    if milestone.depends_on:
        head += f" (after {', '.join(milestone.depends_on)})"
    return f"{head}\n{milestone.instruction.strip()}".strip()
