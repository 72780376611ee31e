"""Argilla's records, as `dataset.records.to_json` and `to_list` write them, of version 1 (`values`) and 2.

What an answer becomes is told by its form: `[{"value": …, "rank": …}]` is a ranking (the values in
alphabetical order are the record's episodes in theirs), a number a rating, a known word a label, another
text a comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from journeyman.envs.feedback.formats.reading import (
    CLAIM_LABELS,
    LABELS,
    ImportFeedbackError,
    Reading,
    comment,
    label,
    ranking,
    rating,
)


def read_argilla(data: Any, reading: Reading) -> None:
    """Read records.

    Raises:
        ImportFeedbackError: they are none.
    """
    if isinstance(data, dict):  # an object of records, or a single line
        data = data["records"] if isinstance(data.get("records"), list) else [data]
    if not isinstance(data, list):
        raise ImportFeedbackError("Argilla's records are a JSON list, or JSON Lines")
    for number, record in enumerate(data, 1):
        where = f"record {number}"
        reading.begin()
        if not isinstance(record, dict):
            reading.no(where, "a record is an object")
            continue
        about = record["metadata"] if isinstance(record.get("metadata"), dict) else {}
        names = [record.get("id"), record.get("external_id")]
        told = False
        for question, answer in _answers(record.get("responses")):
            told = True
            _answer(reading, f"{where}, {question[:40]}", answer, about, names)
        if not told:
            reading.no(where, "nobody has answered it")


def _answers(responses: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(question, answer) of every response."""
    if isinstance(responses, dict):
        for question, answers in responses.items():
            for answer in answers if isinstance(answers, list) else [answers]:
                if isinstance(answer, dict):
                    yield str(question), answer
    for response in responses if isinstance(responses, list) else ():
        if isinstance(response, dict) and isinstance(response.get("values"), dict):
            shared = {key: response.get(key) for key in ("user_id", "status", "updated_at", "inserted_at")}
            for question, answer in response["values"].items():
                yield str(question), {**shared, "value": answer.get("value") if isinstance(answer, dict) else answer}


def _answer(reading: Reading, where: str, said: Mapping[str, Any], about: Mapping[str, Any], names: list[Any]) -> None:
    if said.get("status") in ("discarded", "draft"):
        reading.no(where, f"it is {said['status']}")
        return
    who, at = said.get("user_id"), said.get("updated_at") or said.get("inserted_at")
    match said.get("value"):
        case bool() | None:
            reading.no(where, "an answer without a value")
        case int() | float() as stars:
            rating(reading, where, stars, who, at, about, *names)
        case str() as text if text.strip().lower() in (*LABELS, *CLAIM_LABELS):
            label(reading, where, text, who, at, about, *names)
        case str() as text:
            comment(reading, where, text, who, at, about, *names)
        case [dict(), *_] as ranked if all(isinstance(each, dict) and "rank" in each for each in ranked):
            ordered = sorted(ranked, key=lambda each: str(each.get("value")))
            ranking(reading, where, [each["rank"] for each in ordered], who, at, about, *names)
        case list() as several if several:
            for each in several:
                label(reading, where, each, who, at, about, *names)
        case _:
            reading.no(where, "an answer of a form that has no place here")
