"""The reviews of one episode as it runs: who is asked when, what the policy reads, what became of each comment."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from journeyman.envs.diff import MAX_FILE_BYTES
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.feedback.entry import Critique, Place, Resolution
from journeyman.envs.feedback.log import now
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.review_settling import Comment, Read
from journeyman.envs.review_text import rendered, tells_hidden
from journeyman.envs.reviews import ORIGIN, RUNNING, Moment, Request, Review, Reviewer, Reviews, Said
from journeyman.envs.text import cut
from journeyman.envs.tools.tool import Refused, Workspace, workspace_path
from journeyman.sandbox.sandbox import Snapshot
from journeyman.tasks.task import Task

BY_RULE = "rule"
"""Annotator of a resolution that nobody had to judge."""
MAX_COMMENTS = 20
"""Comments of one review; what is beyond them is not taken, and the record says so."""


class Reviewing:
    """The reviews of one episode as it runs."""

    def __init__(self, reviews: Reviews | None, task: Task, first: Observation) -> None:
        self._reviews, self._task, self._first = reviews, task, first
        self._comments: dict[str, Comment] = {}
        self._rounds = 0
        self._is_gone = False
        self._recalled: deque[str] = deque()

    def recall(self, said: Sequence[str]) -> None:
        """See `RepoEnv.recall`."""
        self._recalled.extend(said)

    def fork(self) -> Reviewing:
        other = copy(self)
        other._comments = {id_: copy(comment) for id_, comment in self._comments.items()}
        other._recalled = deque(self._recalled)
        return other

    def after(self, step: Step, workspace: Workspace) -> Review | None:
        """The review of a step that was just done, the last one of `workspace`; None where nobody said anything."""
        is_report = step.action.tool == "report"
        if self._recalled:
            text = self._recalled.popleft()
            self._rounds += is_report and bool(text)
            return Review(text) if text else None
        if self._reviews is None or self._is_gone:
            return None
        moment = self._moment(self._reviews, step, len(workspace.steps))
        return None if moment is None else self._asked(self._reviews, moment, workspace)

    def end(self, workspace: Workspace) -> Review | None:
        """What became of every comment, as far as a rule can tell; those that are still open are said to be."""
        entries = self._settle((), workspace, is_over=True)
        return Review(entries=entries) if entries else None

    def _moment(self, reviews: Reviews, step: Step, done: int) -> Moment | None:
        if step.action.tool == "report":
            return Moment.REPORT if self._rounds < reviews.rounds else Moment.END if self._open() else None
        if reviews.after_changes and step.diff:
            return Moment.CHANGE
        return Moment.STEPS if reviews.every and done % reviews.every == 0 else None

    def _asked(self, reviews: Reviews, moment: Moment, workspace: Workspace) -> Review:
        read = partial(text_of, workspace.snapshot, self._task.repository)
        request = Request(self._so_far(workspace.steps), moment, self._rounds + 1, self._open(), read)
        started, failure = workspace.clock(), ""
        try:
            said = _heard(reviews.reviewer, request, reviews.timeout_s)
        except Exception as error:  # whatever it is, the episode goes on without it
            said, failure, self._is_gone = (), f"{type(error).__name__}: {error}", True
        workspace.deadline += workspace.clock() - started
        found, withheld = self._comments_in(said, reviews, workspace, read)
        settled = self._settle([each for each in said if isinstance(each, Resolution)], workspace)
        text = self._shown(found, moment, reviews, workspace)
        failure = "; ".join(filter(None, (failure, withheld)))
        about = f"the review by {reviews.annotator} at step {len(workspace.steps)}: {failure}" if failure else ""
        return Review(text, (*found, *settled), about)

    def _comments_in(
        self, said: Sequence[Said], reviews: Reviews, workspace: Workspace, read: Read
    ) -> tuple[tuple[Critique, ...], str]:
        """The comments with who made them and when, and why others are not among them."""
        given = [each for each in said if isinstance(each, Critique)]
        shown = [each for each in given if not tells_hidden(each, self._task)]
        why = [f"{len(given) - len(shown)} comments told what is hidden"] if len(shown) < len(given) else []
        if len(shown) > MAX_COMMENTS:
            why.append(f"{len(shown)} comments, of which the first {MAX_COMMENTS} were taken")
        step = len(workspace.steps)
        who = {"annotator": reviews.annotator, "simulated": reviews.reviewer.simulated}
        stamp = {**who, "origin": ORIGIN, "episode": RUNNING}
        return tuple(
            each.model_copy(
                update={**stamp, "id": new_episode_id(), "at": now(), "place": _quoted(each.place, step, read)}
            )
            for each in shown[:MAX_COMMENTS]
        ), "; ".join(why)

    def _shown(self, found: Sequence[Critique], moment: Moment, reviews: Reviews, workspace: Workspace) -> str:
        """What the policy reads. A report that nothing is asked of stands: then it reads nothing."""
        asks = any(each.severity != "praise" for each in found)
        if not found or moment is Moment.END or (moment is Moment.REPORT and not asks):
            return ""
        read = partial(text_of, workspace.snapshot, self._task.repository)
        self._comments |= {each.id: Comment.of(each, read) for each in found if each.severity != "praise"}
        head = "review"
        if moment is Moment.REPORT:
            self._rounds += 1
            head += f" {self._rounds} of at most {reviews.rounds}; mend what it asks for, then report again"
        return rendered(found, head, workspace.config.max_observation_chars // 2)

    def _settle(self, said: Sequence[Resolution], workspace: Workspace, *, is_over: bool = False) -> tuple[Said, ...]:
        """What has changed in what became of the comments: by the reviewer's word, else by rule."""
        read = partial(text_of, workspace.snapshot, self._task.repository)
        words = {each.of: each for each in said}
        entries = []
        for id_, comment in self._comments.items():
            comment.settle(words.get(id_), read)
            if comment.is_news or (is_over and comment.told is None):
                comment.told = comment.resolved
                by = self._reviews if comment.is_judged else None
                entries.append(
                    Resolution(
                        id=new_episode_id(), annotator=by.annotator if by else BY_RULE, at=now(), origin=ORIGIN, of=id_,
                        simulated=by is not None and by.reviewer.simulated, resolved=comment.resolved,
                        step=len(workspace.steps) or None, how=comment.how,
                    )
                )  # fmt: skip
        return tuple(entries)

    def _open(self) -> tuple[Critique, ...]:
        return tuple(comment.critique for comment in self._comments.values() if not comment.resolved)

    def _so_far(self, steps: Sequence[Step]) -> Episode:
        return Episode(
            RUNNING, self._task.name, "", 0, self._first, tuple(steps), StopReason.INTERRUPTED, None, (), None
        )  # fmt: skip


def text_of(state: Snapshot, repository: Path, path: str) -> str | None:
    """A file of the workspace, as it stood in a state; None for what is no text file of moderate size there.

    It is read from the state and the pristine repository, never from outside of it.
    """
    try:
        plain = workspace_path(path)
        if plain in state.removed:
            return None
        if (changed := state.changed.get(plain)) is not None:
            data = changed.data
        else:
            original = (repository / plain).resolve()
            if not original.is_relative_to(repository.resolve()) or original.stat().st_size > MAX_FILE_BYTES:
                return None
            data = original.read_bytes()
    except (Refused, OSError, ValueError):
        return None
    return None if len(data) > MAX_FILE_BYTES else data.decode("utf-8", "replace").replace("\r\n", "\n")


def _quoted(place: Place, step: int, read: Read) -> Place:
    """The place with its step and, of lines as they are now, with what stands on them."""
    if place.step in (None, step) and place.line is not None and place.side == "new" and not place.quote:
        lines = (read(place.path) or "").split("\n")[place.line - 1 : place.end or place.line]
        place = place.model_copy(update={"quote": "\n".join(lines)})
    return place if place.step is not None else place.model_copy(update={"step": step})


def _heard(reviewer: Reviewer, request: Request, timeout_s: float | None) -> tuple[Said, ...]:
    """What a reviewer says.

    Raises:
        TimeoutError: it did not answer in time. Its thread cannot be ended; it ends with the process.
        TypeError: it gave something else.
        Exception: whatever it raised.
    """
    if timeout_s is None:
        said = reviewer.review(request)
    else:
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def work() -> None:
            try:
                box.put(reviewer.review(request))
            except BaseException as error:  # an exit as well: it is the reviewer's, not ours
                box.put(error)

        threading.Thread(target=work, name="reviewer", daemon=True).start()
        try:
            said = box.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"no answer within {timeout_s:g} s") from None
        if isinstance(said, BaseException):
            raise RuntimeError(f"{type(said).__name__}: {said}") from said
    found = tuple(said)
    if wrong := next((each for each in found if not isinstance(each, Critique | Resolution)), None):
        raise TypeError(f"a review holds comments and resolutions, not {type(wrong).__name__}")
    return found


def with_review(step: Step, review: str, most: int) -> Step:
    """A step whose observation ends with a review; the tool's own answer makes room for it.

    Args:
        most: characters of an observation.
    """
    from_tool = cut(step.observation.text, max(most - len(review) - 2, 0))
    if from_tool != step.observation.text:
        step = replace(step, output=step.output or step.observation.text)
    seen = replace(step.observation, text=f"{from_tool}\n\n{review}")
    return replace(step, observation=seen, review=review)
