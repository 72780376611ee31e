"""Every command of `journeyman guideline`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import cli_guideline_adherence
from journeyman.cli_guideline import app

__all__ = ["app", "cli_guideline_adherence"]
