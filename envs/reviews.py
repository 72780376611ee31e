"""Reviews inside the episode: somebody comments while it runs, and the policy goes on with the comments before it.

    env = RepoEnv(task, reviews=Reviews(reviewer))

A report is then a request for review: where a comment asks for something, the report does not end the episode, and the
policy reads the review as the answer to it. A reviewer may be asked after changes, or every so many steps, as well.

What was said is part of the record: `Step.review` holds it as the policy read it, and whoever does the episode again
gives it back (`RepoEnv.recall`) and asks nobody. The entries themselves, and what became of each comment, are handed
out in `info["review"]` for the run's feedback log.

A bad review is data, not a crash: a reviewer that raises or does not answer is not asked again in that episode, and the
record says so. A reviewer sees the episode as it was done so far and the files as they are: no verdict, no reward, no
hidden check, no name of a policy. What it says that holds something hidden all the same is not shown to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from pydantic import ValidationError

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import SIMULATED, Critique, Place, Resolution
from journeyman.envs.feedback.log import FeedbackLog, why_not
from journeyman.envs.guidelines.guideline import Guideline

ORIGIN = "episode"
"""`Said.origin` of what was said while an episode ran."""
RUNNING = "running"
"""Stands for the episode's id until its record has one (`of_episode`)."""

Said = Critique | Resolution


class Moment(StrEnum):
    """Why a reviewer is asked."""

    REPORT = "report"
    """The policy reports."""
    CHANGE = "change"
    """An action changed files."""
    STEPS = "steps"
    """So many steps were done."""
    END = "end"
    """It is over, with comments that are still open: what became of them?"""


@dataclass(frozen=True, slots=True)
class Request:
    """What a reviewer is shown."""

    episode: Episode
    """So far: its task, what the reset showed and the steps. It has no policy, no reward and no verdict."""
    moment: Moment
    round: int
    """Number of this review of a report, from 1."""
    open: tuple[Critique, ...]
    """Comments that were not resolved when the reviewer was asked last: say what became of them (`answer`). Of those
    about which nothing is said, a rule decides where it can."""
    read: Callable[[str], str | None]
    """A file of the workspace as it is now; None for what is no text file there."""


class Reviewer(Protocol):
    """A person, a program in a person's place, or a script."""

    name: str
    """As an annotator's (`Reviews.annotator`)."""
    simulated: bool
    """Whether it is a program in a person's place."""

    def review(self, request: Request) -> Sequence[Said]:
        """Comments (`remark`), and what became of the open ones (`answer`); nothing to let it pass.

        It may be asked by several threads at once, for several episodes.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reviews:
    """Who reviews, and when."""

    reviewer: Reviewer
    rounds: int = 3
    """So many times at most a report is sent back."""
    after_changes: bool = False
    """Whether each action that changed files is reviewed as well."""
    every: int = 0
    """Every so many steps there is a review as well; 0 for none."""
    timeout_s: float | None = 60.0
    """How long a review may take, in seconds; None waits, as for a person. It takes nothing of the episode's time."""

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.every < 0 or (self.timeout_s is not None and self.timeout_s <= 0):
            raise ValueError("rounds and every must be 0 or more, and timeout_s above 0")
        who = {"annotator": self.annotator, "simulated": self.reviewer.simulated}
        try:  # what it will say is kept under its name
            Resolution.model_validate({"id": "new", "at": "", "of": "new", "resolved": False, **who})
        except ValidationError as error:
            raise ValueError(f"a reviewer cannot be called {self.reviewer.name!r}: {why_not(error)}") from error

    @property
    def annotator(self) -> str:
        """Who is written down as saying it: a program under a name that says that it is one."""
        name = self.reviewer.name
        return f"{SIMULATED}{name.removeprefix(SIMULATED)}"[:64] if self.reviewer.simulated else name

    @property
    def guideline(self) -> Guideline | None:
        """By which the reviewer judges, if by one."""
        found = getattr(self.reviewer, "guideline", None)
        return found if isinstance(found, Guideline) else None

    def keep_guideline(self, log: FeedbackLog) -> None:
        """Keep that guideline beside what is said by it, so that its words can be traced to it.

        Raises:
            FeedbackError, LogWriteError: the log cannot be read or written.
        """
        if self.guideline is not None:
            log.keep_guideline(self.guideline, self.annotator, ORIGIN)

    def versions(self) -> dict[str, str]:
        """For the record."""
        when = ["a report"] + ["a change"] * self.after_changes + [f"{self.every} steps"] * bool(self.every)
        return {"reviewer": self.annotator, "reviews": f"{self.rounds} rounds; after {', '.join(when)}"}


@dataclass(frozen=True, slots=True)
class Review:
    """What came of asking."""

    text: str = ""
    """As the policy reads it; empty where it reads nothing."""
    entries: tuple[Said, ...] = ()
    """For the feedback log, once they are of an episode (`of_episode`)."""
    failure: str = ""
    """What went wrong with the reviewer, in words."""


def joined(first: Review | None, second: Review | None) -> Review | None:
    """What came of both; what the policy reads is the first's."""
    if first is None or second is None:
        return first or second
    return replace(first, entries=(*first.entries, *second.entries))


def remark(body: str, place: Place | None = None, **more: Any) -> Critique:
    """A comment, as a reviewer gives it: who says it, when and of which episode is filled in when it is taken."""
    return Critique(
        id="new", annotator="reviewer", at="", episode=RUNNING, origin=ORIGIN, place=place or Place(), body=body, **more
    )


def answer(to: Critique, how: str = "", *, resolved: bool) -> Resolution:
    """What became of an open comment, as a reviewer gives it."""
    return Resolution(id="new", annotator="reviewer", at="", origin=ORIGIN, of=to.id, resolved=resolved, how=how)


def of_episode(entries: Iterable[Said], id_: str) -> tuple[Said, ...]:
    """The entries of a review, once the episode's id is known."""
    return tuple(
        entry.model_copy(update={"episode": id_}) if isinstance(entry, Critique) else entry for entry in entries
    )
