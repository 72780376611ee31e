"""Settling what annotators say differently: each conflict is shown once, and somebody says which word holds and why."""

from __future__ import annotations

from collections.abc import Sequence

from rich.rule import Rule
from rich.text import Text

from journeyman.envs.feedback.entry import Adjudication, Entry
from journeyman.envs.feedback.log import FeedbackError, by_id
from journeyman.envs.log import LogWriteError
from journeyman.review_keys import Keys
from journeyman.review_screens import beside, entry_text, page_view
from journeyman.reviewer import Reviewer
from journeyman.terminal import line, out
from journeyman.training.feedback.agreement import Contested
from journeyman.training.feedback.disputes import disputes


def conflicts(reviewer: Reviewer) -> tuple[Contested, ...]:
    """What stands and is judged differently, the widest apart first; two rankings of the same episodes once."""
    return disputes(reviewer.judged())


def adjudicate(reviewer: Reviewer, keys: Keys) -> tuple[int, int]:
    """Go through the conflicts until `q` is pressed or the input ends; how many were settled, and how many are left.

    Who said what is hidden where the reviewer is blind.
    """
    found = conflicts(reviewer)
    settled = 0
    try:
        for number, conflict in enumerate(found, 1):
            out.print(Rule(f"conflict {number} of {len(found)}: {conflict.kind}", align="left", style="yellow"))
            entries = _show(reviewer, conflict)
            if not entries:
                out.print(Text("it has been taken out meanwhile", "dim"))
                continue
            key = _choice(keys, entries)
            if key == "q":
                break
            if key == "s":
                continue
            reason = keys.text("why:") or ""
            holds = None if key == "0" else entries[int(key) - 1].id
            ids = [entry.id for entry in entries]
            try:
                reviewer.keep(reviewer.entry(Adjudication, of=ids, holds=holds, reason=reason))
            except (FeedbackError, LogWriteError) as error:
                out.print(Text(f"not kept: {line(str(error))}", "red"))
            else:
                settled += 1
                out.print(Text("kept", "green"))
    except EOFError:
        out.print()
    return settled, len(found) - settled


def _show(reviewer: Reviewer, conflict: Contested) -> list[Entry]:
    """What it is about, and what was said of it, numbered by when it was said; nothing where a part of it was forgotten
    since."""
    known = by_id(reviewer.log.read().entries)
    if not all(id_ in known for id_ in conflict.entries):
        return []
    entries = sorted((known[id_] for id_ in conflict.entries), key=lambda entry: entry.at)
    first = reviewer.find(str(conflict.unit[0]))
    if conflict.kind == "ranking":
        both = [found for id_ in conflict.unit[:2] if (found := reviewer.find(str(id_))) is not None]
        out.print(beside(both))
        names = ", ".join(f"{letter} is {line(each.id)}" for letter, each in zip("AB", both, strict=False))
        out.print(Text(names, "dim"))
    elif first is not None:
        step = conflict.unit[1] if conflict.kind == "step" else None
        page = step if isinstance(step, int) else len(first.steps) + 1
        out.print(page_view(first, page, blind=reviewer.blind))
    for number, entry in enumerate(entries, 1):
        who = "" if reviewer.blind else entry.annotator
        out.print(Text.assemble((f"  {number}  ", "bold"), entry_text(entry, who)))
    return entries


def _choice(keys: Keys, entries: Sequence[Entry]) -> str:
    """Which of them holds, by its number; "0" where none does, "s" to leave it, "q" to stop."""
    if len(entries) > 9:  # more than one key can name
        return _typed(keys, len(entries))
    allowed = {*map(str, range(len(entries) + 1)), "s", "q"}
    while True:
        out.print(Text(f"which holds? 1 to {len(entries)} · 0 none of them · s leave it · q quit", "bold"), end=" ")
        key = keys.key()
        out.print(Text(line(key)))
        if key in allowed:
            return key


def _typed(keys: Keys, count: int) -> str:
    while True:
        text = keys.text(f"which holds? 1 to {count} · 0 none of them · s leave it · q quit:")
        if text is None or text in ("s", "q") or (text.isdecimal() and int(text) <= count):
            return text or "s"
