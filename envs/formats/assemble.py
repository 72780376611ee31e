"""From what another agent's trajectory tells, in its order, to an episode.

What was said before the agent's first turn is what the reset showed. Each call is a step, with its answer; a turn
without a call is a step of the tool `message`. What is said later, by a user or a system, stands in the answer that
came before it, for that is where the agent read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from journeyman.envs.actions import MALFORMED, TOOLS, Action, TokenTurn
from journeyman.envs.codec import CodecError, plain
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason
from journeyman.envs.formats.reading import TrajectoryError
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.text import clean

IMPORTED = "imported"
"""Key of `Episode.versions` that names the format of an episode that was not recorded by us."""
NOT_MAPPED = "not_mapped"
"""Key of `Episode.versions`: what of the file the episode does not hold."""
MESSAGE = "message"
"""The tool of a turn in which nothing was called."""


@dataclass(frozen=True, slots=True)
class Call:
    tool: str
    arguments: dict[str, Any]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What the agent wrote, and called."""

    text: str
    calls: Sequence[Call] = ()
    at: float | None = None
    """Seconds since the epoch."""
    tokens: TokenTurn | None = None
    malformed: str | None = None
    """Why the agent's own harness could not read it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    text: str
    call_id: str | None = None
    """The call that it answers; None: the first one that has no answer yet."""
    ok: bool = True
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a system or a user said."""

    text: str


@dataclass(frozen=True, slots=True)
class About:
    """What is known of the whole."""

    format: str
    """Name and version."""
    task: str
    policy: str
    stop: StopReason
    started: float | None = None
    ended: float | None = None
    detail: str = ""
    terms: tuple[RewardTerm, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


def assemble(about: About, events: Iterable[Turn | Answer | Said], lost: Iterable[str]) -> Episode:
    """
    Args:
        lost: what of the file has no place in an episode, in words.

    Raises:
        TrajectoryError: no record can hold it.
    """
    builder = _Builder()
    for event in events:
        builder.add(event)
    started, ended = about.started, about.ended
    if not builder.steps and not builder.first:
        raise TrajectoryError("nobody says or does anything in it")
    versions = {IMPORTED: about.format, NOT_MAPPED: "; ".join(sorted(lost)), **about.versions}
    reward = sum(term.amount for term in about.terms) if about.terms else None
    first = Observation("\n\n".join(builder.first))
    episode = Episode(
        id=new_episode_id(), task=about.task, policy=about.policy, seed=0, first=first,
        steps=tuple(builder.steps), stop=about.stop, reward=reward,
        terms=about.terms, verdict=None, detail=about.detail, versions=versions,
        started_at="" if started is None else datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        duration_s=0.0 if started is None or ended is None else max(0.0, ended - started),
    )  # fmt: skip
    try:
        plain(episode)
    except (CodecError, RecursionError) as error:
        raise TrajectoryError(f"no record can hold it: {error}") from error
    return episode


class _Builder:
    """Steps as they come to be."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.steps: list[Step] = []
        self._open: list[tuple[int, str | None, float | None]] = []
        """Steps without an answer: their place, their call's id, when they were begun."""

    def add(self, event: Turn | Answer | Said) -> None:
        if isinstance(event, Turn):
            self._turn(event)
        elif isinstance(event, Answer):
            self._answer(event)
        elif self.steps:
            self._append(len(self.steps) - 1, event.text)
        elif event.text:
            self.first.append(clean(event.text))

    def _turn(self, turn: Turn) -> None:
        self._open = []
        actions = [foreign(call.tool, call.arguments) for call in turn.calls]
        if turn.malformed is not None:
            actions = [Action.malformed(turn.text, turn.malformed)]
        elif not actions:
            actions = [Action(MESSAGE, {"text": turn.text})]
        else:
            actions[0] = replace(actions[0], text=turn.text)
        actions[0] = replace(actions[0], tokens=turn.tokens)
        ids = [call.id for call in turn.calls] or [None]
        for action, call_id in zip(actions, ids, strict=False):
            self._open.append((len(self.steps), call_id, turn.at))
            self.steps.append(Step(action, Observation("", action.tool, step=len(self.steps) + 1)))

    def _answer(self, answer: Answer) -> None:
        for number, (place, call_id, at) in enumerate(self._open):
            if answer.call_id is None or answer.call_id == call_id:
                del self._open[number]
                took = 0.0 if at is None or answer.at is None else max(0.0, answer.at - at)
                self._append(place, answer.text, ok=answer.ok, took=took)
                return
        self.add(Said(answer.text))

    def _append(self, place: int, text: str, *, ok: bool = True, took: float = 0.0) -> None:
        step = self.steps[place]
        seen = step.observation
        whole = "\n\n".join(filter(None, (seen.text, clean(text))))
        seen = replace(seen, text=whole, ok=seen.ok and ok)
        self.steps[place] = replace(step, observation=seen, duration_s=step.duration_s + took)


def foreign(tool: str, arguments: dict[str, Any]) -> Action:
    """A call of another harness. One that only looks like one of our tools gets a name of its own."""
    ours = tool in TOOLS and Action.checked(tool, arguments).tool == tool
    return Action(tool if ours or tool not in (*TOOLS, MALFORMED) else f"{tool} (theirs)", arguments)
