"""Reviewers that are programs: a script, a function of the episode so far, and the rules of a guideline."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from journeyman.envs.changes import files_of
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.feedback.entry import Critique, Place
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.guidelines.rules import ItemFinding, adherence
from journeyman.envs.reviews import Moment, Request, Said, answer, remark

Criticise = Callable[[Episode], Iterable[Critique]]
"""The comments that an episode, so far, deserves. Whatever says the same of it again and again may be one, such as a
simulated annotator."""
AT_THE_END = frozenset({"reports", "tests-after-last-edit"})
"""Rules that nobody has broken while there is time to keep to them: before a report they say what is kept, no more."""


class ScriptedReviewer:
    """Says one list of comments after the other, then lets everything pass. For one episode."""

    simulated = True

    def __init__(self, *reviews: Sequence[Said], name: str = "script") -> None:
        self.name, self._reviews, self.asked = name, list(reviews), list[Request]()

    def review(self, request: Request) -> Sequence[Said]:
        self.asked.append(request)
        return self._reviews.pop(0) if self._reviews else ()


class CriticReviewer:
    """Comments as a function does. A comment is made once; it is resolved when the function does not make it again."""

    simulated = True

    def __init__(self, criticise: Criticise, name: str) -> None:
        self.name, self._criticise = name, criticise

    def review(self, request: Request) -> Sequence[Said]:
        said = {_about(comment): comment for comment in self._criticise(request.episode)}
        before = {_about(comment): comment for comment in request.open}
        fresh = [comment for about, comment in said.items() if about not in before]
        answers = [
            answer(comment, "said again" if about in said else "not said any more", resolved=about not in said)
            for about, comment in before.items()
        ]
        return [*fresh, *answers]


def _about(comment: Critique) -> Hashable:
    """What makes two comments the same: lines move, and steps are counted on."""
    return comment.place.path, comment.body, comment.category, str(comment.item)


class GuidelineReviewer:
    """Comments where a rule finds an item of a guideline not kept, once for each item; that is resolved when the rule
    does not find it any more. What a person or a judge decides is passed over."""

    simulated = True

    def __init__(self, guideline: Guideline) -> None:
        self.guideline, self.name = guideline, guideline.name

    def review(self, request: Request) -> Sequence[Said]:
        found = {each.ref: each for each in self._found(request)}
        before = {comment.item: comment for comment in request.open}
        fresh = [each for ref, each in found.items() if each.finding.kept is False and ref not in before]
        answers = [
            answer(before[ref], each.finding.evidence, resolved=each.finding.kept is not False)
            for ref, each in found.items()
            if ref in before
        ]
        return [*(_comment(each, request.episode) for each in fresh), *answers]

    def _found(self, request: Request) -> Iterator[ItemFinding]:
        """The items of which something can be said now. Where the record of a whole episode does not tell, nothing is
        broken any more; before a report it may only not tell yet."""
        episode, is_whole = request.episode, request.moment in (Moment.REPORT, Moment.END)
        if is_whole:
            episode = replace(episode, stop=StopReason.REPORTED)
        for each in adherence(self.guideline, episode).items:
            rule, kept = each.item.check.rule, each.finding.kept
            if rule and (is_whole or kept or (kept is False and rule not in AT_THE_END)):
                yield each


def _comment(of: ItemFinding, episode: Episode) -> Critique:
    """At the last step that shows it, and at the file if the evidence names one that the step changed."""
    severity: Literal["minor", "major"] = "minor" if of.item.kind == "should" else "major"
    place, evidence = Place(), of.finding.evidence
    if of.finding.steps:
        step = of.finding.steps[-1]
        named = [file.path for file in files_of(episode.steps[step - 1].diff) if file.path in evidence]
        place = Place(step=step, path=named[0] if len(named) == 1 else "")
    return remark(f"{of.item.text} Seen: {evidence}", place, severity=severity, item=of.ref)
