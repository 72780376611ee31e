"""What all sides of `experience.py` share: the environment, the script that is played, how long turns are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch

from journeyman.envs.actions import Action
from journeyman.envs.opening import open_backend, open_task
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.chat import ChatTemplate
from journeyman.training.presets import preset

NO_END = -1
"""A token that is never sampled."""
SYSTEM = "You mend a fault in a repository. Answer with one tool call."
TASK = "till-line-rounding"
SCRIPT = (
    Action("view", {"path": "."}),
    Action("test"),
    Action("run", {"command": "grep -rn 'def ' --include=*.py . | head -5"}),
    Action("search", {"pattern": "return"}),
)
REPORT = Action("report", {"summary": "Nothing was found."})
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + ('user' if message['role'] == 'tool' else message['role']) + '\n' + message['content'] }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ call['function']['name'] + ' ' + (call['function']['arguments'] | tojson) }}{% endfor %}"
    "{{ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""Renders tool calls and results, as TRL wants it; everything else as the model's own does."""


@dataclass(frozen=True, slots=True)
class World:
    """What all sides share."""

    model: Any
    tokenizer: Any
    turns: int
    """Of each episode; the last one is the report."""
    cap: int
    """Tokens of a turn at most."""
    latency_s: float
    env_s: list[float] = field(default_factory=list)
    """What each call of an environment took."""

    def action(self, turn: int) -> Action:
        return REPORT if turn == self.turns - 1 else SCRIPT[turn % len(SCRIPT)]

    def length(self, episode: int, turn: int) -> int:
        """Tokens of a turn, between a third of the cap and the cap: models' turns are unequal."""
        return Random(episode * 1000 + turn).randint(-(-self.cap // 3), self.cap)

    def environment(self) -> SlowEnv:
        return SlowEnv(self)


@dataclass(frozen=True, slots=True)
class Made:
    """What a side made in one round."""

    wall_s: float
    exposed_s: float
    """In which the model waited for environments."""
    environment_s: float
    """What they took, all together."""
    generated_s: float
    turns: int
    tokens: int
    """Sampled."""

    @property
    def exposed(self) -> float:
        return self.exposed_s / self.wall_s

    @property
    def turns_per_s(self) -> float:
        return self.turns / self.wall_s

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.wall_s


class SlowEnv(RepoEnv):
    """The repository's environment, and the latency of a slower one."""

    def __init__(self, world: World) -> None:
        config = preset("small").env.model_copy(update={"max_steps": world.turns})
        super().__init__(open_task(TASK), open_backend("auto"), config)
        self._world = world

    def reset(self, **options: Any) -> Any:
        with self._timed():
            return super().reset(**options)

    def step(self, action: str) -> Any:
        with self._timed():
            return super().step(action)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        time.sleep(self._world.latency_s)
        yield
        self._world.env_s.append(time.perf_counter() - started)


def prompt_ids(chat: ChatTemplate, turn: int, text: str) -> list[int]:
    """What comes before a turn, after what was sampled before it."""
    return [chat.eos_id, *chat.reply(text)] if turn else chat.opening(SYSTEM, text)


def generated(model: Any, ids: list[int], count: int) -> list[int]:
    """The conversation with so many tokens more."""
    given = torch.tensor([ids])
    out: list[int] = model.generate(
        given, attention_mask=torch.ones_like(given), do_sample=True, top_k=0, max_new_tokens=count,
        min_new_tokens=count, pad_token_id=0,
    )[0].tolist()  # fmt: skip
    return out
