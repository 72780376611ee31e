"""How a guideline stands in a policy's prompt: with the problem statement, in the first thing that it is shown.

There the record keeps it (`Episode.first`, and `Episode.config` names its version), so that a replay shows it again and
training reads the same prompt, whoever acted; and a conversation's tokens only ever grow, as without one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, Item, Name, load_guideline

MAX_CHARS = 60_000
"""Of the text of one guideline: a hundred items fit."""


class GuidelineText(BaseModel):
    """A guideline as a policy reads it: the text itself, for its file may change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    version: Annotated[int, Field(ge=1)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]


BRIEF = ":brief"
"""What follows a guideline's name where its short form is meant."""


def prompt_text(guideline: Guideline, *, brief: bool = False) -> str:
    """The items one below the other, under the title. Examples, weights and checks are for those who judge.

    Args:
        brief: the guideline's short form instead.

    Raises:
        GuidelineError: it has no short form.
    """
    if brief and not guideline.brief.strip():
        raise GuidelineError(
            f"guideline {guideline.name!r} has no short form; write one as `brief`, or leave {BRIEF} out"
        )
    if brief:
        return guideline.brief.strip()
    return "\n".join([f"{guideline.title}:", *(f"- {_asked(item)}" for item in guideline.items)])


def shown(place: Path | str) -> GuidelineText:
    """A guideline for a prompt: a TOML file, or the name of a bundled one; with `:brief` behind it, its short form.

    Raises:
        GuidelineError: there is none, it is not sound, or it has no short form.
    """
    text = str(place)
    brief = text.endswith(BRIEF) and not Path(place).is_file()
    guideline = load_guideline(text.removesuffix(BRIEF)) if brief else load_guideline(place)
    return GuidelineText(name=guideline.name, version=guideline.version, text=prompt_text(guideline, brief=brief))


def _asked(item: Item) -> str:
    text = " ".join(item.text.split())
    return f"If you can: {text}" if item.kind == "should" else text
