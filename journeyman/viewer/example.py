"""The run that comes along: a project solved at once, and with mistakes first. It can be looked at without a sandbox.

python -m journeyman.viewer.example    plays it again, in sandboxes, and writes it anew
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from journeyman.cli_task import sandboxes_of
from journeyman.envs.config import EnvConfig
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.registry import make_policy
from journeyman.policies.rollout import rollout
from journeyman.tasks.harbor import bundled_tasks

EXAMPLE = Path(__file__).resolve().parent / "example"
TASK = "journeyman/gridmark-tables"
POLICIES = ("mistaken", "oracle")


@contextmanager
def example_run() -> Iterator[Path]:
    """A copy of it, for as long as it is looked at: an index is made beside it."""
    with TemporaryDirectory() as folder:
        yield Path(shutil.copytree(EXAMPLE, Path(folder, EXAMPLE.name)))


def make() -> None:
    """Play the episodes, and put them in the place of those that are there."""
    task = next(task for task in bundled_tasks() if task.name == TASK)
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    with EpisodeStore(EXAMPLE) as store:
        for policy in POLICIES:
            env = RepoEnv(task, sandboxes_of("auto"), EnvConfig())
            episode = rollout(env, make_policy(policy, task, with_test_first=True), seed=0)
            places = {name: value for name, value in episode.versions.items() if name != "task_folder"}  # of no use
            store.add(replace(episode, versions=places))


if __name__ == "__main__":
    make()
