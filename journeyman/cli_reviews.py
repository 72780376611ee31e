"""Every command of `journeyman review`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import cli_review_settle
from journeyman.cli_review import app

__all__ = ["app", "cli_review_settle"]
