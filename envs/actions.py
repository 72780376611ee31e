"""What a policy can do: one `Action` is one tool call.

Each tool's arguments are a pydantic model, so that one definition serves the parser, the error message that a
policy reads, the JSON schema in an endpoint's request and the docs. A call that does not fit is not an exception:
it is data (`MALFORMED`), and comes back to the policy as an observation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

MALFORMED = "malformed"
"""Pseudo-tool of an action that could not be read as a call."""


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subtask(_Arguments):
    """One part of the plan."""

    title: str = Field(min_length=1, max_length=200)
    status: Literal["open", "done", "dropped"] = "open"
    evidence: str | None = Field(default=None, max_length=300)
    """What shows that it is done: a test's node id, a path, or a step of the episode ("step 7")."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    """How sure the policy is that it is done, or will be."""

    @field_validator("evidence", mode="after")
    @classmethod
    def _blank_is_none(cls, evidence: str | None) -> str | None:
        return evidence if evidence and evidence.strip() else None


class Plan(_Arguments):
    """Say how you break the problem down, or revise that; the list replaces the last one."""

    subtasks: tuple[Subtask, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="before")
    @classmethod
    def _titles_alone_will_do(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("subtasks"), list):
            return {**data, "subtasks": [{"title": s} if isinstance(s, str) else s for s in data["subtasks"]]}
        return data


class View(_Arguments):
    """Show numbered lines: a function or class by name, a window around a line, a file's start; or list a folder."""

    path: str = "."
    symbol: str | None = None
    """Name of a function or class, dotted for a method."""
    line: int | None = Field(default=None, ge=1)


class Search(_Arguments):
    """Find a regular expression in the repository's files."""

    pattern: str = Field(min_length=1, max_length=500)
    path: str = "."


class Outline(_Arguments):
    """List the classes and functions of a file, with their lines."""

    path: str


class Edit(_Arguments):
    """Change a file: replace line `line` (through `end`) by `new`, or the one place where `old` stands by `new`.

    With `old`, `line` says which place is meant where there are several: the nearest.
    """

    path: str
    new: str
    old: str | None = None
    line: int | None = Field(default=None, ge=1)
    end: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_an_anchor(self) -> Edit:
        if self.old is None and self.line is None:
            raise ValueError("give `old` (the exact text to replace) or `line` (the line number to replace)")
        if self.end is not None and (self.line is None or self.old is not None or self.end < self.line):
            raise ValueError("`end` goes with `line`, without `old`, and must not be smaller")
        return self


class Write(_Arguments):
    """Create a file, or replace all of it."""

    path: str
    content: str


class Run(_Arguments):
    """Run a shell command in the repository."""

    command: str = Field(min_length=1, max_length=4000)


class Test(_Arguments):
    """Run the repository's tests: all that you can see, or the node id, file or `-k` expression that you name."""

    target: str | None = None


OF_REFUSAL = ("blocked", "not_done")
"""Kinds of claims that say that something could not be done, or was not."""


class Claim(_Arguments):
    """One typed statement that the record can support or contradict."""

    kind: Literal["tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked"]
    subject: str = ""
    """What it is about: a node id, a path, a milestone, or a reason."""

    @property
    def gives_up(self) -> bool:
        """Whether it says that something could not be done, or was not."""
        return self.kind in OF_REFUSAL


class Report(_Arguments):
    """End the episode: say what you did, and claim what is so."""

    summary: str = ""
    claims: tuple[Claim, ...] = ()


TOOLS: Mapping[str, type[_Arguments]] = {
    "plan": Plan, "view": View, "search": Search, "outline": Outline, "edit": Edit,
    "write": Write, "run": Run, "test": Test, "report": Report,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TokenTurn:
    """What a model read and sampled for one action: the token ledger's row. Never re-tokenised."""

    prompt_ids: tuple[int, ...]
    """Tokens fed since the last turn (the whole prompt on the first turn). Environment tokens: never in the loss."""
    sampled_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    """log p of each sampled token under the sampling distribution, same length as `sampled_ids`."""
    truncated: bool = False
    """Cut off by the turn's token cap before the model ended it."""


@dataclass(frozen=True, slots=True)
class Action:
    """One tool call of the policy."""

    tool: str
    """A key of `TOOLS`, or `MALFORMED`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    """What the policy literally wrote, where it writes text."""
    tokens: TokenTurn | None = None

    def to_json(self) -> str:
        """The form that `RepoEnv.step` takes."""
        return json.dumps({"tool": self.tool, **self.arguments}, ensure_ascii=False)

    @classmethod
    def malformed(cls, text: str, why: str, tokens: TokenTurn | None = None) -> Action:
        """`text` and `why` are made encodable: what a record keeps must be writable as UTF-8."""
        return cls(MALFORMED, {"why": _encodable(why)}, _encodable(text), tokens)

    @classmethod
    def from_json(cls, text: str) -> Action:
        """Read `{"tool": …, argument: …}`. Never raises: what cannot be read is `MALFORMED` and says why."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:  # also integers of more than 4300 digits
            return cls.malformed(text, f"not JSON: {error}")
        if not isinstance(data, dict) or not isinstance(data.get("tool"), str):
            return cls.malformed(text, 'a call is {"tool": NAME, …arguments}')
        tool = data.pop("tool")
        if tool == MALFORMED:
            return cls.malformed(text, str(data.get("why", "malformed")))
        return cls.checked(tool, data, text)

    @classmethod
    def checked(
        cls, tool: str, arguments: Mapping[str, Any], text: str = "", tokens: TokenTurn | None = None
    ) -> Action:
        """A call whose arguments were validated; `MALFORMED` when they do not fit."""
        if tool not in TOOLS:
            return cls.malformed(text, f"no tool {tool[:40]!r}; there are: {', '.join(TOOLS)}", tokens)
        if _has_surrogate(tool, arguments):
            return cls.malformed(text, f"{tool}: a lone surrogate is no character", tokens)
        try:
            TOOLS[tool].model_validate(dict(arguments))
        except ValidationError as error:
            why = "; ".join(f"{'.'.join(map(str, e['loc'])) or tool}: {e['msg']}" for e in error.errors()[:3])
            return cls.malformed(text, f"{tool}: {why}", tokens)
        return cls(tool, dict(arguments), text, tokens)

    def parsed(self) -> Any:
        """The validated arguments as the tool's model."""
        return TOOLS[self.tool].model_validate(dict(self.arguments))

    def parsed_or_none(self) -> Any:
        """As `parsed`; None where they don't fit, as may be in a record from elsewhere."""
        try:
            return self.parsed()
        except (KeyError, ValidationError):
            return None


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _has_surrogate(tool: str, arguments: Mapping[str, Any]) -> bool:
    """Half of a surrogate pair, which JSON can spell and UTF-8 cannot write."""
    try:
        json.dumps([tool, arguments], ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):  # a cycle; the model's validation tells
        return False
    return False
