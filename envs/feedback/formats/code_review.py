"""Code-review comments, as the REST APIs of the code hosts list them.

GitHub and Gitea: `path`, `line`, `start_line`, `side`, `body`, `diff_hunk`, `user`, `created_at`, `in_reply_to_id`.
GitLab: `position` with `new_path`, `new_line`, `old_line`; discussions hold `notes`. Bitbucket: `inline` with `path`,
`from`, `to`; `content.raw`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from journeyman.envs.feedback.formats.reading import ImportFeedbackError, Reading

_SUGGESTION = re.compile(r"^(`{3,}|~{3,})[ \t]*suggestion[^\n]*\n(.*?)^\1[`~]*[ \t]*$", re.M | re.S)


def read_code_review(data: Any, reading: Reading) -> None:
    """Read comments: a list of objects; also of discussions, of pages of comments, or an object with `values`.

    Raises:
        ImportFeedbackError: it is no list.
    """
    if isinstance(data, dict) and isinstance(data.get("values"), list):
        data = data["values"]
    if not isinstance(data, list):
        raise ImportFeedbackError("code-review comments are a JSON list of objects")
    for number, each in enumerate(data, 1):
        if isinstance(each, dict) and isinstance(each.get("notes"), list):
            for note_number, note in enumerate(each["notes"], 1):
                _comment(note, f"discussion {number}, note {note_number}", reading)
        elif isinstance(each, list):  # pages, as a client that follows them writes them
            for place, of_page in enumerate(each, 1):
                _comment(of_page, f"page {number}, comment {place}", reading)
        else:
            _comment(each, f"comment {number}", reading)


def _comment(said: Any, where: str, reading: Reading) -> None:
    if not isinstance(said, dict):
        reading.no(where, "a comment is an object")
        return
    if isinstance(said.get("id"), str | int):
        where += f" (id {str(said['id'])[:40]})"
    if said.get("system") is True:
        reading.no(where, "written by the host, not by a person")
        return
    content = said.get("content")
    body = content.get("raw") if isinstance(content, dict) else said.get("body", said.get("note"))
    if not isinstance(body, str) or not body.strip():
        reading.no(where, "a comment without words")
        return
    body = body.replace("\r\n", "\n")  # as a browser's form sends lines
    place = _place(said)
    names = [said.get(key) for key in ("pull_request_url", "commit_id", "pull_request_review_id", "noteable_iid")]
    ids = reading.episodes(where, said, *names, place.get("path"))
    suggestions = _SUGGESTION.findall(body)
    if len(suggestions) > 1:
        reading.no(where, f"of {len(suggestions)} suggestions the first became one; all stand in its words")
    fields: dict[str, Any] = {"place": place, "body": body}
    if suggestions:
        fields["suggestion"] = suggestions[0][1].removesuffix("\n")
    parent = said.get("in_reply_to_id") or said.get("in_reply_to") or said.get("parent")
    if parent:
        reading.no(where, "it answers another comment: kept as a comment of its own")
    who = said.get("user") or said.get("author")
    for id_ in ids:
        reading.say(where, "critique", who, said.get("created_at") or said.get("created_on"), episode=id_, **fields)


def _place(said: Mapping[str, Any]) -> dict[str, Any]:
    """Path, lines and side; without a line it is of the file, without a path of the whole."""
    place, inline = said.get("position"), said.get("inline")
    start = None
    if isinstance(place, dict):
        line, old = place.get("new_line"), place.get("new_line") is None
        path = place.get("old_path") if old else place.get("new_path")
        line = place.get("old_line") if old else line
        if isinstance(span := place.get("line_range"), dict) and isinstance(first := span.get("start"), dict):
            start = first.get("old_line" if old else "new_line")
    elif isinstance(inline, dict):
        old = inline.get("to") is None
        path, line = inline.get("path"), inline.get("from") if old else inline.get("to")
        start = None if old else inline.get("start_to")
    else:
        path, old = said.get("path"), said.get("side") == "LEFT"
        line = said.get("line") or said.get("original_line")
        start = said.get("start_line") if said.get("line") else said.get("original_start_line")
        if line is None and "original_line" not in said and isinstance(said.get("position"), int):  # Gitea's lines
            old = not said.get("position")
            line = said.get("original_position") if old else said.get("position")
        if said.get("start_side") not in (None, said.get("side")):
            start = None  # from one side to the other: the last line alone has a number here
    found: dict[str, Any] = {"path": path if isinstance(path, str) else "", "side": "old" if old else "new"}
    if found["path"] and isinstance(line, int) and line > 0:
        first_line = start if isinstance(start, int) and 0 < start < line else line
        found |= {"line": first_line, "end": line if first_line != line else None}
        found["quote"] = _quote(said.get("diff_hunk"), *_as_written(said, first_line, line), old)
    return found


def _as_written(said: Mapping[str, Any], first: int, last: int) -> tuple[int, int]:
    """The lines by the numbers that they had when the comment was written: a later push moves it, but not its hunk."""
    end, start = said.get("original_line"), said.get("original_start_line")
    if not isinstance(end, int):
        return first, last
    return (start if first != last and isinstance(start, int) and 0 < start < end else end), end


def _quote(hunk: Any, first: int, last: int, old: bool) -> str:
    """What stood on the lines: a comment's hunk ends with its last line."""
    if not isinstance(hunk, str):
        return ""
    head = re.match(r"@@ -(\d{1,9})(?:,\d+)? \+(\d{1,9})(?:,\d+)? @@", hunk)
    if head is None:
        return ""
    number, lines = int(head[1] if old else head[2]), []
    for row in hunk.split("\n")[1:]:
        if row[:1] in (" ", "-" if old else "+", ""):
            if first <= number <= last:
                lines.append(row[1:])
            number += 1
    return "\n".join(lines) if len(lines) == last - first + 1 else ""
