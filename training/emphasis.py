"""What decides in an edit: the line it names, and the words that differ from what stood there.

Of the tokens of an edit nine in ten are copied from what was just shown. A model that copies them all has a low loss
and repairs nothing, so supervised training may let the others count more.
"""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher

from journeyman.envs.actions import Action

Span = tuple[int, int]
"""Characters of a text: start, end."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


def decisive_spans(action: Action, text: str, diff: str) -> list[Span]:
    """The deciding parts of `text`, which is how an `edit` was written; none for other actions.

    Args:
        diff: what the action changed, as a unified diff.
    """
    if action.tool != "edit" or not diff:
        return []
    line = re.search(rf":\s?({action.arguments.get('line')})\b", text)
    spans = [line.span(1)] if line else []
    old = "\n".join(row[1:] for row in diff.split("\n") if row.startswith("-") and not row.startswith("---"))
    new = str(action.arguments.get("new", ""))
    # As a JSON string, or as the end of the text.
    for written, before in ((_in_json, '"new": "'), (str, "")):
        at = text.rfind(before + written(new)) + len(before)
        if at >= len(before):
            spans += [(at + start, at + end) for start, end in _differing(written(old), written(new))]
            break
    return sorted(spans)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _differing(old: str, new: str) -> list[Span]:
    """The words of `new` that differ; where some were only taken out, the word that follows shows the decision."""
    words = list(_WORD.finditer(new))
    blocks = SequenceMatcher(None, _WORD.findall(old), [word.group() for word in words], autojunk=False).get_opcodes()
    spans: list[Span] = []
    for what, _, _, first, end in blocks:
        if what == "delete":
            first += first < len(words) and words[first].group().isspace()
            end = first + 1
        if what != "equal" and first < len(words):
            start, stop = words[first].start(), words[end - 1].end()
            if spans and start < spans[-1][1]:  # the word that shows what was taken out is itself put in
                start, before = spans.pop()
                stop = max(stop, before)
            spans.append((start, stop))
    return spans
