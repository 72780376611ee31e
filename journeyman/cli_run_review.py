"""The options of `journeyman run` that let somebody comment while an episode runs."""

from __future__ import annotations

import getpass
import pkgutil
import re
from typing import Annotated

import typer

from journeyman.cli_common import CannotError
from journeyman.envs.review_rules import CriticReviewer, conduct
from journeyman.envs.reviews import Reviews
from journeyman.policies.human_reviewer import HumanReviewer

NOBODY, PERSON, RULES = "none", "terminal", "rules"

ReviewOption = Annotated[
    str,
    typer.Option(
        help="Who reviews: none, terminal (you), rules (a simulated reviewer of conduct), or MODULE:FUNCTION, which is "
        "given the episode so far and gives critiques. A report with comments is sent back."
    ),
]
RoundsOption = Annotated[
    int, typer.Option("--review-rounds", min=0, help="So many times at most a report is sent back.")
]
ChangesOption = Annotated[bool, typer.Option("--review-changes", help="Each change is reviewed as well.")]
EveryOption = Annotated[
    int, typer.Option("--review-every", min=0, help="Every so many steps there is a review as well.")
]


def reviews_of(spec: str, rounds: int, after_changes: bool, every: int, *, alone: bool) -> Reviews | None:
    """Who reviews, and when; None for nobody.

    Args:
        alone: whether one episode runs at a time, here.

    Raises:
        CannotError: there is no such reviewer, or a person cannot be asked.
    """
    if spec == NOBODY:
        return None
    if spec == PERSON:
        if not alone:
            raise CannotError("--review terminal: you are asked at this terminal; leave out --concurrency and --engine")
        person = HumanReviewer(re.sub(r"[^\w.@+-]", "", _user())[:64] or "me")
        return Reviews(person, rounds, after_changes, every, timeout_s=None)
    if spec == RULES:
        return Reviews(CriticReviewer(conduct, "conduct"), rounds, after_changes, every)
    if ":" not in spec:
        raise CannotError(f"--review {spec}: there is none, terminal, rules, or MODULE:FUNCTION")
    try:
        criticise = pkgutil.resolve_name(spec)
    except (ImportError, AttributeError, ValueError) as error:
        raise CannotError(f"--review {spec}: {error}") from error
    if not callable(criticise):
        raise CannotError(f"--review {spec}: it cannot be called; give a function of an episode")
    return Reviews(CriticReviewer(criticise, re.sub(r"[^\w.@+-]", ".", spec)[:64]), rounds, after_changes, every)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # nobody has a name here
        return ""
