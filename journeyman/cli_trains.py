"""Every command of `journeyman train`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import cli_train_grpo, cli_train_lessons, cli_train_preferences, cli_train_sft
from journeyman.cli_train import app

__all__ = ["app", "cli_train_grpo", "cli_train_lessons", "cli_train_preferences", "cli_train_sft"]
