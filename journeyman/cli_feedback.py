"""`journeyman feedback …`: the app that its commands register with, and what they share."""

from __future__ import annotations

from typing import Annotated

import typer

feedback_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@feedback_app.callback()
def _feedback() -> None:
    """Keep what people say of episodes, and say what of it counts."""


GuidelineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guideline",
        metavar="FILE|NAME",
        help="A guideline as it is now; may be repeated. Default: of each the newest that the feedback itself holds.",
    ),
]
