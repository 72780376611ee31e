"""Who acts. A policy sees observations and answers with actions; it holds no sandbox and knows no check."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation


class PolicyError(RuntimeError):
    """The policy itself failed (an endpoint down, a model that cannot load). The episode ends with `policy_error`."""


class TokenLimit(PolicyError):
    """The conversation reached its token cap. The episode ends with `token_limit` and is graded as it stands."""


@runtime_checkable
class Policy(Protocol):
    """One contract suite runs over every policy."""

    name: str
    """How the record names it, such as "oracle" or "local:smollm2-135m"."""

    def start(self, *, seed: int) -> None:
        """Forget the last episode; called once before the first `act` of each. The seed makes sampling repeatable."""
        ...

    def act(self, observation: Observation) -> Action:
        """Answer one observation with one tool call.

        What a model wrote that cannot be read as a call is returned as `Action.malformed(text, why)`, not raised.

        Raises:
            TokenLimit: the conversation is full.
            PolicyError: the policy cannot go on.
        """
        ...

    def close(self) -> None:
        """Give back what the episode held (a model's memory, a connection). Idempotent; `start` may follow."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A policy that can go on from where another one stood. Others begin with what they see then."""

    def remember(self, observation: Observation, action: Action) -> None:
        """Take an exchange as its own past: this was seen, and answered so. After `start`, before the first `act`.

        Raises:
            PolicyError: it cannot go on from there.
        """
        ...


@runtime_checkable
class Versioned(Protocol):
    """A policy of which more than its name decides what it does."""

    def versions(self) -> dict[str, str]:
        """For the record, by name: the model and its settings, the hash of the prompt, of a guideline."""
        ...
