"""The settings of an episode that are not the task's: how much is shown, how long, and how the reward is weighed.

They are part of the record: the same task, settings, seed and actions give the same episode again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journeyman.envs.faults.settings import Faults
from journeyman.envs.guidelines.prompt import GuidelineText
from journeyman.envs.text import clean


class ConfigError(ValueError):
    """A setting does not exist or is out of its range; the message names it."""


class EnvConfig(BaseModel):
    """Frozen; the defaults suit models with a few thousand tokens of context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int | None = Field(default=None, ge=1)
    """Actions in an episode; `None` takes the task's own limit."""
    malformed_limit: int = Field(default=5, ge=2)
    """So many unreadable actions in a row end the episode."""
    max_observation_chars: int = Field(default=6000, ge=200)
    """Longest observation, in characters; longer ones keep their head and tail."""
    window_lines: int = Field(default=40, ge=4)
    """Lines of a file that `view` shows at once. Small models: 24."""
    fold_docstrings: bool = False
    """Whether `view` of a definition leaves out all but the first line of a long docstring (and says so)."""
    echo_lines: int = Field(default=1, ge=0)
    """Lines around a change that `edit` shows with it; 0 shows nothing of it."""
    max_matches: int = Field(default=20, ge=1)
    """Lines that `search` shows."""
    max_line_chars: int = Field(default=200, ge=40)
    """Longest line in a list of matches, failures or changes. `view` shows code whole."""
    max_failures: int = Field(default=3, ge=1)
    """Failing tests that `test` explains; the others are counted."""
    max_message_chars: int = Field(default=300, ge=40)
    """Longest explanation of one failing test."""
    test_scope: Literal["all", "failing"] = "all"
    """What `test` runs when the policy names nothing: the task's test paths, or those of the task's failing checks
    that stand in the repository (never a hidden one), which is much quicker in a large library."""
    show_tree: bool = True
    """Whether the first observation lists the repository's top level."""
    milestone_weight: float = Field(default=0.5, ge=0, le=1)
    """Share of a project's reward that milestones pay; the outcome pays the rest, and all of it without milestones."""
    guidelines: tuple[GuidelineText, ...] = Field(default=(), max_length=8)
    """What the policy is told to keep to, after the problem statement (`journeyman.envs.guidelines.prompt.shown`)."""
    faults: Faults | None = None
    """What may go wrong around the policy (envs/faults); `None` is nothing."""

    @property
    def asked(self) -> str:
        """The guidelines as the first observation ends with them; empty without."""
        return "".join(f"\n\n{clean(guideline.text)}" for guideline in self.guidelines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them. Without guidelines or faults, or where each seed draws its own, as before
        there was anything else: an older run goes on."""
        unsaid: dict[str, Any] = {name: True for name in ("guidelines", "faults") if not getattr(self, name)}
        if self.faults is not None and self.faults.seeds_alike == 1:
            unsaid["faults"] = {"seeds_alike"}
        return self.model_dump(mode="json", exclude=unsaid)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EnvConfig:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: an unknown setting, or a value out of range.
        """
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ConfigError(f"settings of the environment: {wrong}") from error
