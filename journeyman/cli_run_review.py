"""The options of `journeyman run` that let somebody comment while an episode runs."""

from __future__ import annotations

import pkgutil
import re
from typing import Annotated

import typer

from journeyman.annotators import login_name
from journeyman.cli_common import CannotError
from journeyman.envs.feedback.entry import SIMULATED
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.envs.guidelines.lint import lint
from journeyman.envs.review_rules import CriticReviewer, GuidelineReviewer
from journeyman.envs.reviews import Reviews
from journeyman.policies.human_reviewer import HumanReviewer

NOBODY, PERSON, RULES, GUIDELINE = "none", "terminal", "rules", "guideline:"

ReviewOption = Annotated[
    str,
    typer.Option(
        help="Who reviews: none, terminal (you), guideline:NAME or guideline:FILE (a simulated reviewer, by the items "
        "that rules check), rules (the same as guideline:conduct), or MODULE:FUNCTION, which is given the episode so "
        "far and gives critiques. A report with comments is sent back."
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
        GuidelineError: there is no such guideline, or it is not sound.
    """
    if spec == NOBODY:
        return None
    if spec == PERSON:
        if not alone:
            raise CannotError("--review terminal: you are asked at this terminal; leave out --concurrency and --engine")
        person = HumanReviewer(login_name().removeprefix(SIMULATED) or "me")
        return Reviews(person, rounds, after_changes, every, timeout_s=None)
    if spec == RULES or spec.startswith(GUIDELINE):
        reviewer = _by_rule("conduct" if spec == RULES else spec.removeprefix(GUIDELINE))
        return Reviews(reviewer, rounds, after_changes, every)
    if ":" not in spec:
        raise CannotError(f"--review {spec}: there is none, terminal, guideline:NAME, rules, or MODULE:FUNCTION")
    try:
        criticise = pkgutil.resolve_name(spec)
    except (ImportError, AttributeError, ValueError) as error:
        raise CannotError(f"--review {spec}: {error}") from error
    if not callable(criticise):
        raise CannotError(f"--review {spec}: it cannot be called; give a function of an episode")
    return Reviews(CriticReviewer(criticise, re.sub(r"[^\w.@+-]", ".", spec)[:64]), rounds, after_changes, every)


def _by_rule(place: str) -> GuidelineReviewer:
    guideline = load_guideline(place)
    if wrong := next((doubt for doubt in lint(guideline) if doubt.level == "error"), None):
        raise CannotError(f"--review {GUIDELINE}{place}: {wrong}")
    if not any(item.check.by == "rule" for item in guideline.items):
        raise CannotError(f'--review {GUIDELINE}{place}: rules check none of its items (`by = "rule"`)')
    return GuidelineReviewer(guideline)
