"""A guideline: versioned items that say what a policy must, should or must not do, and how that is checked.

A guideline is a TOML file. Feedback names an item together with a digest of what it meant, so that what was said under
an older meaning can be told from what was said under this one.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
"""What the name of a guideline, or of an item, looks like."""
LIBRARY = Path(__file__).resolve().parent / "library"


class GuidelineError(ValueError):
    """A guideline is not there or is none; the message says where and what would do."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class Check(_Data):
    """How it is found out whether an episode keeps to an item."""

    by: Literal["rule", "person", "judge"]
    rule: str = ""
    """With `by = "rule"`: the rule's name (envs/guidelines/rules.py)."""
    settings: Mapping[str, Any] = {}
    """What the rule is told."""
    question: str = ""
    """With `by = "judge"`: what the judge model is asked; empty for the item's text."""

    @model_validator(mode="after")
    def _a_rule_has_a_name(self) -> Self:
        if (self.by == "rule") != bool(self.rule):
            raise ValueError('`rule` names the rule where `by` is "rule", and stands nowhere else')
        return self


class Item(_Data):
    """One thing that is wanted."""

    id: Name
    kind: Literal["must", "should", "must_not"]
    text: Annotated[str, Field(min_length=1, max_length=500)]
    """As the policy reads it."""
    weight: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    """How much it counts beside the other items of its guideline."""
    check: Check = Check(by="person")
    good: tuple[str, ...] = ()
    """Examples that keep to it."""
    bad: tuple[str, ...] = ()
    """Examples that do not."""

    @property
    def digest(self) -> str:
        """Names its meaning: kind, text and check. Weight and examples may change and it still means the same."""
        meant = [self.kind, self.text, self.check.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()[:12]


class Guideline(_Data):
    """All that is wanted in one respect."""

    name: Name
    version: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    about: str = ""
    """For people; the policy does not read it."""
    brief: Annotated[str, Field(max_length=1000)] = ""
    """The whole in a few words, for a policy that has few tokens: told in the items' place where that is asked for."""
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _each_item_once(self) -> Self:
        ids = [item.id for item in self.items]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"two items are called {twice[0]!r}")
        return self

    def item(self, id_: str) -> Item | None:
        return next((item for item in self.items if item.id == id_), None)


class ItemRef(_Data):
    """An item as somebody read it who judged by it."""

    guideline: Name
    version: Annotated[int, Field(ge=1)]
    item: Name
    digest: str
    """What it meant then (`Item.digest`)."""

    @classmethod
    def of(cls, guideline: Guideline, item: Item) -> ItemRef:
        return cls(guideline=guideline.name, version=guideline.version, item=item.id, digest=item.digest)

    def __str__(self) -> str:
        return f"{self.guideline}@{self.version}/{self.item}"


def load_guideline(place: Path | str) -> Guideline:
    """Read a guideline: a TOML file, or the name of a bundled one.

    Raises:
        GuidelineError: there is none, or it is not sound.
    """
    path = Path(place)
    if isinstance(place, str) and NAME.fullmatch(place) and not path.is_file():
        path = LIBRARY / f"{place}.toml"
        if not path.is_file():
            raise GuidelineError(f"no guideline {place!r}; bundled are: {', '.join(bundled())}; or name a TOML file")
    try:
        return Guideline.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except RecursionError as error:
        raise GuidelineError(f"{path}: it is nested too deep for a guideline") from error
    except FileNotFoundError as error:
        known = f"bundled are: {', '.join(bundled())}; NAME:brief tells its short form; or name a TOML file"
        raise GuidelineError(f"no guideline {str(place)!r}; {known}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GuidelineError(f"{path}: cannot be read as a guideline: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise GuidelineError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from error


def bundled() -> list[str]:
    """The names of those that come with the package."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))
