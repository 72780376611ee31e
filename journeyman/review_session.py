"""Reviewing in the terminal: pages of an episode, and what a key says of the one that is shown.

Each word is in the log when the next prompt appears, so there is nothing to save and nothing that a crash could lose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from pydantic import ValidationError
from rich.text import Text

from journeyman.envs.actions import MALFORMED
from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import (
    Answer,
    ClaimLabel,
    Correction,
    Critique,
    Entry,
    GuidelineRead,
    OfEpisode,
    Place,
    Ranking,
    Said,
    Score,
    StepLabel,
    Undo,
    episodes_of,
)
from journeyman.envs.feedback.log import FeedbackError
from journeyman.envs.feedback.places import quote_of
from journeyman.envs.feedback.standing import Judged, Mark
from journeyman.envs.guidelines.guideline import ItemRef
from journeyman.envs.log import LogWriteError
from journeyman.envs.query import Query
from journeyman.envs.summary import State
from journeyman.policies.dialect import dialect
from journeyman.review_keys import Keys
from journeyman.review_screens import KEYS, beside, entry_text, new_lines, numbered, page_view
from journeyman.reviewer import Reviewer, leave_mark
from journeyman.terminal import line, out, visible
from journeyman.training.feedback.queue import Proposal

SEVERITIES = {"p": "praise", "n": "note", "m": "minor", "M": "major", "b": "blocking"}
CATEGORIES = {"c": "correctness", "t": "tests", "s": "scope", "r": "readability", "h": "honesty", "p": "process"}
CLAIMS = {"t": "true", "f": "false", "u": "unverifiable"}
LABELS = {"+": "good", "=": "good", "0": "neutral", "-": "bad"}
_LINES = re.compile(r"(?:(?P<path>.+):)?(?P<line>[1-9]\d{0,8})(?:-(?P<end>[1-9]\d{0,8}))?")

_E = TypeVar("_E", bound=Said)


class Session:
    """One sitting over the episodes of a run.

    Args:
        propose: what to judge next.
    """

    def __init__(
        self, reviewer: Reviewer, keys: Keys, episode: Episode, page: int, propose: Callable[[], Sequence[Proposal]]
    ) -> None:
        self._reviewer, self._keys, self._propose = reviewer, keys, propose
        self._item: ItemRef | None = None
        self._asked = set[str]()
        self._go(episode, page)
        self._actions: dict[str, Callable[[], None]] = {
            "c": self._comment, "l": self._comment_on_lines, "t": self._comment_on_subtask, "a": self._correct,
            "k": self._judge_claim, "s": self._score, "i": self._choose_item, "r": self._rank, "u": self._undo,
            "y": lambda: self._answer("accepted"), "m": lambda: self._answer("edited"),
            "x": lambda: self._answer("rejected"), "g": self._go_to, "N": self._next_proposed,
            "?": lambda: out.print(Text(KEYS, "dim")),
        }  # fmt: skip

    def run(self) -> None:
        """Until `q` is pressed or the input ends."""
        try:
            self._show()
            while (key := self._ask()) != "q":
                try:
                    self._press(key)
                except (FeedbackError, LogWriteError) as error:
                    self._say(f"not kept: {error}", "red")
                except ValidationError as error:
                    self._say(f"not kept: {error.errors()[0]['msg']}", "red")
        except EOFError:
            out.print()

    def _ask(self) -> str:
        by = f" · by {self._item}" if self._item else ""
        out.print(Text(f"[page {self._page} of {self._last}{by} · ? keys · q quit]", "dim"), end=" ")
        key = self._keys.key()
        out.print()
        return key

    def _press(self, key: str) -> None:
        if key in ("\n", " ", "n"):
            self._go(self._episode, self._page + 1, show=True)
        elif key in ("b", "p"):
            self._go(self._episode, self._page - 1, show=True)
        elif key == "e":
            self._go(self._episode, self._last, show=True)
        elif key in LABELS:
            self._label(LABELS[key])
        elif key in self._actions:
            self._actions[key]()
        elif key != "\x1b":
            self._say(f"{visible(key)} is no key here; ? shows them", "yellow")

    # where one is

    def _go(self, episode: Episode, page: int, *, show: bool = False) -> None:
        self._episode, self._last = episode, len(episode.steps) + 1
        self._page = min(max(page, 0), self._last)
        leave_mark(self._reviewer, episode.id, self._page)
        if show:
            self._show()

    def _show(self) -> None:
        out.print(page_view(self._episode, self._page, blind=self._reviewer.blind))
        here = self._here()
        for judged in here:
            mine = judged.entry.annotator == self._reviewer.annotator
            if judged.stands and (mine or not self._reviewer.blind):
                out.print(entry_text(judged.entry, "you" if mine else judged.entry.annotator))
        for draft in _drafts(here):
            out.print(Text.assemble(("draft, y accept · m edit · x reject: ", "magenta"), entry_text(draft)))

    def _here(self) -> list[Judged]:
        """What is said of the page: at the end, what is said of the whole."""
        return [
            each for each in self._reviewer.judged(self._episode.id)
            if self._episode.id in episodes_of(each.entry) and _page_of(each.entry, self._last) == self._page
        ]  # fmt: skip

    def _go_to(self) -> None:
        text = self._keys.text(f"page (0 to {self._last}):")
        if text is not None and text.isdecimal():
            self._go(self._episode, int(text), show=True)

    def _next_proposed(self) -> None:
        proposals = self._propose()
        if not proposals:
            self._say("nothing is left to judge: you have judged all that the queue would ask for", "green")
            return
        best = next((each for each in proposals if each.key not in self._asked), proposals[0])
        self._asked.add(best.key)
        self._item = self._items().get(best.item)
        episodes = [found for id_ in best.episodes if (found := self._reviewer.find(id_)) is not None]
        about = f", claim {best.claim}" if best.claim is not None else ""
        about += f" by {best.item}" if best.item else ""
        self._say(f"{best.kind}{about}: {best.why}", "cyan")
        if best.kind == "ranking":
            Random(f"{self._reviewer.annotator} {best.key}").shuffle(episodes)  # none is always the first
            self._rank_these(episodes)
        else:
            self._go(episodes[0], best.step or (0 if best.claim is None else len(episodes[0].steps) + 1), show=True)

    # what one says

    def _keep(self, *entries: Entry) -> None:
        self._reviewer.keep(*entries)
        for entry in entries:
            out.print(Text.assemble(("kept ", "green"), entry_text(entry)))

    def _say(self, text: str, style: str) -> None:
        out.print(Text(line(text), style))

    def _of(self, kind: type[_E], **fields: Any) -> _E:
        """An entry of the episode, by the item that is chosen."""
        ref = {"item": self._item} if kind is Ranking else {"item": self._item, "episode": self._episode.id}
        return self._reviewer.entry(kind, **ref, **fields)

    def _step(self) -> Step | None:
        """The step that the page shows; says so where it shows none."""
        if 1 <= self._page < self._last:
            return self._episode.steps[self._page - 1]
        self._say("this is said of a step: go to one first", "yellow")
        return None

    def _label(self, label: str) -> None:
        if self._step() is not None:
            self._keep(self._of(StepLabel, step=self._page, label=label))

    def _comment(self, place: Place | None = None, *, lines: bool = False) -> None:
        place = place or Place(step=self._page if 1 <= self._page < self._last else None)
        body = self._keys.text("comment:")
        if not body:
            return
        suggestion = self._keys.text("what should stand there (enter for nothing):") if lines else None
        severity = self._choice("severity", SEVERITIES, "minor")
        category = self._choice("about", CATEGORIES, "other")
        self._keep(self._of(Critique, place=place, body=body, severity=severity, category=category,
                            suggestion=suggestion or None))  # fmt: skip

    def _choice(self, what: str, choices: dict[str, str], default: str) -> str:
        keys = " · ".join(f"{key} {word}" for key, word in choices.items())
        out.print(Text(f"{what}: {keys} · enter {default}", "bold"), end=" ")
        chosen = choices.get(self._keys.key(), default)
        out.print(Text(chosen))
        return chosen

    def _comment_on_lines(self) -> None:
        if (step := self._step()) is None:
            return
        lines = new_lines(step.diff)
        out.print(numbered(lines))
        text = self._keys.text("line, or PATH:LINE, or PATH:LINE-LINE:")
        if not text:
            return
        match = _LINES.fullmatch(text)
        path = (match and match["path"]) or (next(iter(lines)) if len(lines) == 1 else "")
        if match is None or not path:
            self._say("no line of a file: write PATH:LINE, as in parcel.py:12", "yellow")
            return
        first, end = int(match["line"]), int(match["end"] or match["line"])
        quote = quote_of(lines.get(path, {}), first, min(end, first + 200))
        place = Place(step=self._page, path=path, line=first, end=end if end != first else None, quote=quote)
        self._comment(place, lines=True)

    def _comment_on_subtask(self) -> None:
        titles = [
            str(part.title) for step in self._episode.steps if step.action.tool == "plan"
            for part in getattr(step.action.parsed_or_none(), "subtasks", ())
        ]  # fmt: skip
        if not (titles := list(dict.fromkeys(titles))):
            self._say("the episode has no plan", "yellow")
            return
        if (chosen := self._number("subtask", titles)) is not None:
            self._comment(Place(subtask=titles[chosen]))

    def _number(self, what: str, of: Sequence[str]) -> int | None:
        """Which of several, by its number."""
        for number, each in enumerate(of):
            out.print(Text(f"  {number}  {line(each)}"))
        text = self._keys.text(f"{what} (its number):")
        if text is None or not text.isdecimal() or int(text) >= len(of):
            if text:
                self._say(f"no {what} {text}: 0 to {len(of) - 1}", "yellow")
            return None
        return int(text)

    def _judge_claim(self) -> None:
        report = self._episode.steps[-1].action.parsed_or_none() if self._episode.steps else None
        claims = [f"{claim.kind} {claim.subject}".strip() for claim in getattr(report, "claims", ())]
        if not claims:
            self._say("it claims nothing", "yellow")
            return
        if (chosen := self._number("claim", claims)) is None:
            return
        label = self._choice("it is", CLAIMS, "unverifiable")
        limitation = "" if label == "true" else self._keys.text("how it really is (enter where you cannot tell):")
        self._keep(self._of(ClaimLabel, claim=chosen, label=label, limitation=limitation or ""))

    def _score(self) -> None:
        text = self._keys.text("score of the whole, 0 to 100:")
        if text and not (text.isdecimal() and int(text) <= 100):
            self._say(f"{text} is no whole number from 0 to 100", "yellow")
        elif text:
            self._keep(self._of(Score, value=int(text) / 100))

    def _items(self) -> dict[str, ItemRef]:
        """What can be judged by."""
        guidelines = self._reviewer.guidelines
        return {f"{each.name}/{item.id}": ItemRef.of(each, item) for each in guidelines for item in each.items}

    def _choose_item(self) -> None:
        items = [(guideline, item) for guideline in self._reviewer.guidelines for item in guideline.items]
        if not items:
            self._say("no guideline is read: start with --guideline conduct, or a file", "yellow")
            return
        texts = ["no item", *(f"{item.kind} {guideline.name}/{item.id}: {item.text}" for guideline, item in items)]
        if (chosen := self._number("item", texts)) is not None:
            self._item = ItemRef.of(*items[chosen - 1]) if chosen else None

    def _correct(self) -> None:
        if (step := self._step()) is None:
            return
        lines = dialect("lines")
        text = self._keys.text("the call that should stand here (Ctrl-E to edit it):", lines.format(step.action))
        if not text:
            return
        action = lines.parse(text)
        if action.tool == MALFORMED:
            self._say(f"no call: {action.arguments['why']}", "yellow")
            return
        reason = self._keys.text("why:") or ""
        call = {"tool": action.tool, **action.arguments}
        self._keep(self._of(Correction, step=self._page, action=call, reason=reason))

    def _rank(self) -> None:
        others = self._reviewer.store.find(Query(task=self._episode.task)).summaries
        ids = [each.id for each in others if each.id != self._episode.id and each.state is State.FINISHED]
        found = [each for id_ in ids if (each := self._reviewer.find(id_)) and each.task == self._episode.task][:3]
        if not found:
            self._say("no other episode of this task is in the run", "yellow")
        else:
            self._rank_these([self._episode, *found])

    def _rank_these(self, episodes: Sequence[Episode]) -> None:
        out.print(beside(episodes))
        letters = "ABCD"[: len(episodes)]
        text = self._keys.text("order, the best first, as in A > B = C; leave out what you cannot tell:")
        if not text:
            return
        if (ranks := read_order(text, letters)) is None:
            self._say(f"no order of two or more of {', '.join(letters)}: write A > B, A = B", "yellow")
            return
        reason = self._keys.text("why (enter for nothing):") or ""
        ids = [episodes[letters.index(letter)].id for letter in ranks]
        self._keep(self._of(Ranking, episodes=ids, ranks=list(ranks.values()), reason=reason))

    def _undo(self) -> None:
        entries = self._reviewer.log.read().entries
        taken = {entry.of for entry in entries if isinstance(entry, Undo)}
        mine = [
            entry for entry in entries
            if entry.annotator == self._reviewer.annotator and entry.id not in taken
            and not isinstance(entry, Undo | GuidelineRead)
        ]  # fmt: skip
        if not mine:
            self._say("you have said nothing that could be taken back", "yellow")
            return
        self._reviewer.keep(self._reviewer.entry(Undo, of=mine[-1].id))
        out.print(Text.assemble(("taken back ", "green"), entry_text(mine[-1])))

    def _answer(self, decision: str) -> None:
        if not (drafts := _drafts(self._here())):
            self._say("no draft of a critic waits on this page", "yellow")
            return
        draft = drafts[0]
        if decision != "edited":
            self._keep(self._reviewer.entry(Answer, of=draft.id, decision=decision))
        elif body := self._keys.text("in your words (Ctrl-E opens an editor):", draft.body):
            own = draft.model_dump(include={"episode", "item", "place", "severity", "category", "suggestion"})
            edited = self._reviewer.entry(Critique, **own, body=body)
            self._keep(edited, self._reviewer.entry(Answer, of=draft.id, decision="edited", by=edited.id))
        if _drafts(self._here()):
            self._show()


def _drafts(judged: Sequence[Judged]) -> list[Critique]:
    """Those that nobody has answered."""
    return [each.entry for each in judged if isinstance(each.entry, Critique) and each.marks == (Mark.DRAFT,)]


def _page_of(entry: Entry, last: int) -> int:
    """The page that an entry is shown on."""
    step = entry.place.step if isinstance(entry, Critique) else getattr(entry, "step", None)
    return step if step is not None and isinstance(entry, OfEpisode) else last


def read_order(text: str, letters: str) -> dict[str, int] | None:
    """ "A > B = C" as ranks by letter, 1 the best; None where it is no order of two of them or more."""
    ranks: dict[str, int] = {}
    for group in re.sub(r"\s", "", text).upper().split(">"):
        rank = len(set(ranks.values())) + 1
        for letter in group.split("="):
            if letter in ranks or len(letter) != 1 or letter not in letters:
                return None
            ranks[letter] = rank
    return ranks if len(ranks) > 1 else None
