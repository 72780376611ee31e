"""What the policies of the study are shown: solutions, and in the second lesson what else a policy should be able to.

solutions    the reference played through the tools, a fifth with a mistake and its recovery
blocked      twins of tasks of which one cannot be done: what is needed is looked for, and its lack reported
recoveries   solutions while something goes wrong that is not the policy's doing
personas     solutions by somebody who was told how to work and to write
misreadings  solutions by somebody who misreads a name first, and looks again (for one arm alone)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from progress import said

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.faults.kinds import TRAINING_KINDS as FAULTS
from journeyman.envs.faults.settings import Faults
from journeyman.envs.guidelines.prompt import BRIEF, shown
from journeyman.envs.store import EpisodeStore
from journeyman.policies.misreading import MisreadingOraclePolicy
from journeyman.policies.persona import PersonaPolicy
from journeyman.policies.policy import Policy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.demonstrations import collect_demonstrations

PERSONAS = ("terse-senior", "patient-mentor")


@dataclass(frozen=True, slots=True)
class Lesson:
    """Demonstrations of one kind."""

    name: str
    tasks: tuple[Task, ...]
    config: EnvConfig
    mistaken_share: float = 0.2
    manner: Callable[[Policy, Task], Policy] | None = None

    def episodes(self, root: Path, backend: SandboxFactory) -> list[Episode]:
        with EpisodeStore(root / self.name) as store:
            return collect_demonstrations(
                self.tasks, backend=backend, store=store, config=self.config, mistaken_share=self.mistaken_share,
                manner=self.manner, progress=said(f"demonstrations: {self.name}"),
            )  # fmt: skip


def solutions(tasks: Sequence[Task], config: EnvConfig) -> list[Lesson]:
    return [Lesson("solutions", tuple(tasks), config)]


def skills(tasks: Sequence[Task], twins: Sequence[Task], config: EnvConfig, each: int) -> list[Lesson]:
    """What is taught besides the solutions of all tasks.

    Args:
        twins: both sides.
        each: so many tasks for the recoveries and for each persona; none twice, as far as there are enough.
    """
    wrong = config.model_copy(update={"faults": Faults(kinds=tuple(FAULTS))})
    found = [Lesson("blocked", tuple(twins), config, 0.0), Lesson("recoveries", tuple(tasks[:each]), wrong, 0.0)]
    for number, persona in enumerate(PERSONAS, 1):
        told = config.model_copy(update={"guidelines": (shown(persona + BRIEF),)})
        some = tuple(tasks[number * each : (number + 1) * each])
        found.append(Lesson(persona, some, told, 0.0, partial(_in_persona, persona)))
    return found


def misreadings(tasks: Sequence[Task], config: EnvConfig) -> Lesson:
    return Lesson("misreadings", tuple(tasks), config, 0.0, _misreading)


def _misreading(_: Policy, task: Task) -> Policy:
    return MisreadingOraclePolicy(task)


def _in_persona(persona: str, policy: Policy, task: Task) -> Policy:
    return PersonaPolicy(policy, persona, task)
