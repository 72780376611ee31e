"""How a review reads: as one of code does, a comment after the other, each with its place and how much it weighs."""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.envs.feedback.entry import Critique, Place
from journeyman.envs.text import clean, cut
from journeyman.envs.tools.test import stands_in
from journeyman.tasks.task import Task


def rendered(comments: Sequence[Critique], head: str, limit: int) -> str:
    """A review as a policy reads it: plain text of at most `limit` characters.

    Args:
        head: the first line, without the count.
    """
    count = f"{len(comments)} comment{'' if len(comments) == 1 else 's'}"
    return cut(clean("\n\n".join([f"{head}: {count}", *map(comment_text, comments)])), limit)


def comment_text(comment: Critique) -> str:
    """`path:line [severity, category, by an item] body`, and what is suggested."""
    tags: list[str] = [comment.severity]
    if comment.category != "other":
        tags.append(comment.category)
    if comment.item is not None:
        tags.append(str(comment.item))
    text = f"{where(comment.place)} [{', '.join(tags)}] {comment.body.strip()}".strip()
    if comment.suggestion is not None:
        suggested = comment.suggestion.removesuffix("\n")
        text += f"\nsuggested instead:\n{suggested}" if suggested else "\nsuggested: leave it out"
    return text


def where(place: Place) -> str:
    """A place in words; empty for the whole."""
    if place.path:
        lines = "" if place.line is None else f":{place.line}" + (f"-{place.end}" if place.end else "")
        return place.path + lines + (" (before)" if place.side == "old" else "")
    if place.subtask:
        return f"subtask {place.subtask!r}"
    return f"step {place.step}" if place.step is not None else ""


def tells_hidden(comment: Critique, task: Task) -> bool:
    """Whether a comment holds what a policy must not see: the hidden files' canary, or the id of a hidden check."""
    text = comment.model_dump_json() + comment.body + (comment.suggestion or "")
    if task.canary and task.canary in text:
        return True
    return any(check.id in text and not stands_in(task, check.id) for check in task.checks)
