"""Doccano's JSON Lines: `label` (or `labels`) of each text, and its `Comments`.

What tells the episode stands in the columns that came with the text (`episode`, `step`, `claim`), or is mapped from
`id`.
"""

from __future__ import annotations

from typing import Any

from journeyman.envs.feedback.formats.reading import ImportFeedbackError, Reading, comment, label


def read_doccano(data: Any, reading: Reading) -> None:
    """Read the lines.

    Raises:
        ImportFeedbackError: they are none.
    """
    if isinstance(data, dict):  # a single line
        data = [data]
    if not isinstance(data, list):
        raise ImportFeedbackError("Doccano's export is JSON Lines")
    for number, row in enumerate(data, 1):
        where = f"row {number}"
        reading.begin()
        if not isinstance(row, dict):
            reading.no(where, "a row is an object")
            continue
        about = {**row, **(row["meta"] if isinstance(row.get("meta"), dict) else {})}
        names = [row.get("id")]
        who = row.get("annotation_approver") or row.get("username") or row.get("user")
        labels = row.get("label", row.get("labels", row.get("cats")))
        comments = row.get("Comments", row.get("comments"))
        if not labels and not comments:
            reading.no(where, "nobody has labelled it")
        for each in labels if isinstance(labels, list) else [labels] if labels else []:
            if isinstance(each, list):
                reading.no(where, "a label of a part of the text has no place here")
            else:
                label(reading, where, each, who, None, about, *names)
        for each in comments if isinstance(comments, list) else []:
            said = each if isinstance(each, dict) else {"text": each}
            comment(
                reading, where, said.get("text"), said.get("username") or who, said.get("created_at"), about, *names
            )
