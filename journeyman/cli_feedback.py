"""`journeyman feedback`: what people said of episodes, and what is made of it."""

from __future__ import annotations

import typer

feedback_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="What people said of episodes.")


@feedback_app.callback()
def feedback() -> None:
    """Work with what people said of episodes."""
