"""Rankings as a plain table: columns `ranking`, and if wanted `annotator`, `reason`, `at`.

A ranking is written best first: `0pq7-… > 0pq9-… = 0pqb-…`.
"""

from __future__ import annotations

import csv
import io

from journeyman.envs.feedback.formats.reading import ImportFeedbackError, Reading


def read_rankings_csv(text: str, reading: Reading) -> None:
    """Read the table.

    Raises:
        ImportFeedbackError: it has no column `ranking`.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        if "ranking" not in (rows.fieldnames or ()):
            raise ImportFeedbackError("a CSV of rankings has a column `ranking`: ID > ID = ID, the best first")
        for row in rows:
            _row(row, f"line {rows.line_num}", reading)
    except csv.Error as error:
        raise ImportFeedbackError(f"line {rows.line_num}: {error}") from error


def _row(row: dict[str, str | None], where: str, reading: Reading) -> None:
    names, ranks, behind = list[str](), list[int](), 1
    for group in (row["ranking"] or "").split(">"):
        same = [name.strip() for name in group.split("=")]
        names += same
        ranks += [behind] * len(same)
        behind += len(same)
    ids = [id_ for name in names for id_ in reading.mapped.get(name, (name,))]
    if len(ids) != len(names):
        reading.no(where, "a name of a ranking is mapped to one episode")
        return
    reading.begin()
    who, at, reason = row.get("annotator"), row.get("at"), row.get("reason") or ""
    reading.say(where, "ranking", who, at, episodes=ids, ranks=ranks, reason=reason)
