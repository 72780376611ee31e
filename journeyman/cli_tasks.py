"""Every command of `journeyman task`: its files register what they hold with the one app."""

from __future__ import annotations

from journeyman import (
    cli_task_add,
    cli_task_audit,
    cli_task_commits,
    cli_task_compare,
    cli_task_formats,
    cli_task_history,
    cli_task_infeasible,
    cli_task_list,
    cli_task_make,
    cli_task_new,
    cli_task_project,
)
from journeyman.cli_task import app

__all__ = [
    "app",
    "cli_task_add",
    "cli_task_audit",
    "cli_task_commits",
    "cli_task_compare",
    "cli_task_formats",
    "cli_task_history",
    "cli_task_infeasible",
    "cli_task_list",
    "cli_task_make",
    "cli_task_new",
    "cli_task_project",
]
