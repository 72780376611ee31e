"""Every command of `journeyman episode`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import cli_episode_plan
from journeyman.cli_episode_list import app

__all__ = ["app", "cli_episode_plan"]
