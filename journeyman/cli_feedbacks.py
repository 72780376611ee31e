"""Every command of `journeyman feedback`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import cli_feedback_compile, cli_feedback_trace
from journeyman.cli_feedback import feedback_app

__all__ = ["cli_feedback_compile", "cli_feedback_trace", "feedback_app"]
