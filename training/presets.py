"""Settings that belong together, by the size of the model: what it is shown, and how it talks."""

from __future__ import annotations

from dataclasses import dataclass

from journeyman.envs.config import EnvConfig
from journeyman.policies.local_settings import LocalSettings
from journeyman.training.checkpoint import TrainingError


@dataclass(frozen=True, slots=True)
class Preset:
    """How a model of some size meets the environment."""

    env: EnvConfig
    local: LocalSettings


PRESETS = {
    # A hundred million parameters: everything counts, so an episode should fit into some 500 tokens.
    "small": Preset(
        EnvConfig(
            max_steps=8, malformed_limit=3, max_observation_chars=1600, window_lines=32, fold_docstrings=True,
            echo_lines=0, max_matches=6,
            max_line_chars=120, max_failures=1, max_message_chars=120, test_scope="failing", show_tree=False,
        ),
        LocalSettings(dialect="lines", max_turn_tokens=64, max_episode_tokens=1024),
    ),
    # Half a billion and up: room to look around, and JSON calls as such models were taught.
    "medium": Preset(
        EnvConfig(
            max_steps=10, malformed_limit=3, max_observation_chars=3000, window_lines=40, fold_docstrings=True,
            max_failures=2,
            test_scope="failing", show_tree=False,
        ),
        LocalSettings(dialect="json", max_turn_tokens=160, max_episode_tokens=3072),
    ),
}  # fmt: skip


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        TrainingError: there is none; the message lists those that are.
    """
    if name not in PRESETS:
        raise TrainingError(f"no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
