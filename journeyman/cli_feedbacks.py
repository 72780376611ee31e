"""Every command of `journeyman feedback`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import (
    cli_feedback_add,
    cli_feedback_claims,
    cli_feedback_compile,
    cli_feedback_import,
    cli_feedback_list,
    cli_feedback_refine,
    cli_feedback_trace,
    cli_feedback_undo,
)
from journeyman.cli_feedback import feedback_app

__all__ = [
    "cli_feedback_add",
    "cli_feedback_claims",
    "cli_feedback_compile",
    "cli_feedback_import",
    "cli_feedback_list",
    "cli_feedback_refine",
    "cli_feedback_trace",
    "cli_feedback_undo",
    "feedback_app",
]
