"""How an episode opens: which task and backend are meant, and what the policy is shown first."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from journeyman.envs.config import EnvConfig
from journeyman.envs.tools.view import listing
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
    by_name = {bundled.name.rsplit("/", 1)[-1]: bundled for bundled in bundled_tasks()}
    if found := by_name.get(str(task).rsplit("/", 1)[-1]):
        return found
    near = get_close_matches(str(task), by_name, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"bundled are: {', '.join(sorted(by_name))}"
    raise TaskError(f"{str(task)!r} is neither a task folder nor the name of a bundled task; {hint}")


BACKENDS: Mapping[str, str] = {
    "namespace": "journeyman.sandbox.namespace:NamespaceSandboxes",
    "docker": "journeyman.sandbox.docker:DockerSandboxes",
}
"""Name → where its factory stands. Loaded when asked for: nobody waits for the SDK of a backend that is not used."""


def open_backend(backend: SandboxFactory | str) -> SandboxFactory:
    """The factory itself, or a new one of the backend of that name.

    Raises:
        ValueError: there is no such backend.
    """
    if not isinstance(backend, str):
        return backend
    if backend not in BACKENDS:
        raise ValueError(f"there is no backend {backend!r}; there are: {', '.join(BACKENDS)}")
    factory: SandboxFactory = pkgutil.resolve_name(BACKENDS[backend])()
    return factory


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
