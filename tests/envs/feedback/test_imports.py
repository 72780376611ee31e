"""Feedback that was given elsewhere becomes entries; what has no place here is told with where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.feedback.entry import ENTRY, Critique, Ranking, Score
from journeyman.envs.feedback.formats.exports import Source, read_feedback
from journeyman.envs.feedback.formats.reading import Found, ImportFeedbackError, Reading
from journeyman.envs.feedback.log import FeedbackLog

HUNK = "@@ -1,3 +1,4 @@ def is_free():\n one\n-two\n+deux\n+trois"
COMMENT = {
    "id": 7, "path": "parcel.py", "line": 3, "start_line": 2, "side": "RIGHT", "start_side": "RIGHT",
    "body": "Say it in English.\n```suggestion\ntwo\nthree\n```\n", "diff_hunk": HUNK,
    "user": {"login": "ada"}, "created_at": "2026-01-01T10:00:00+01:00",
}  # fmt: skip


def read(tmp_path: Path, source: str, data: Any, **settings: Any) -> Found:
    path = tmp_path / "export"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_feedback(path, Reading(source, **settings))


def test_a_review_comment_keeps_its_place_its_words_and_its_suggestion(tmp_path: Path) -> None:
    found = read(tmp_path, "code-review", [COMMENT], episode="e1")
    (entry,) = found.entries
    assert isinstance(entry, Critique) and not found.unmapped
    assert entry.place.model_dump(exclude_defaults=True) == {
        "path": "parcel.py", "line": 2, "end": 3, "quote": "deux\ntrois",
    }  # fmt: skip
    assert entry.suggestion == "two\nthree" and "Say it" in entry.body
    assert (entry.annotator, entry.at, entry.origin) == ("ada", "2026-01-01T09:00:00+00:00", "import:code-review")


@pytest.mark.parametrize("rest", ["", "\r\n", "\r\nThanks"])
def test_a_suggestion_is_read_as_a_browser_sends_it(tmp_path: Path, rest: str) -> None:
    body = f"Say it in English.\r\n```suggestion\r\ntwo\r\nthree\r\n```{rest}"
    (entry,) = read(tmp_path, "code-review", [{**COMMENT, "body": body}], episode="e1").entries
    assert isinstance(entry, Critique) and entry.suggestion == "two\nthree" and "\r" not in entry.body


@pytest.mark.parametrize(
    "place,expected",
    [
        (
            {"path": "a", "line": 2, "side": "LEFT", "diff_hunk": HUNK.partition("\n+")[0]},
            {"line": 2, "side": "old", "quote": "two"},
        ),
        ({"path": "a", "line": None, "original_line": 9}, {"line": 9}),
        ({"path": "a", "subject_type": "file"}, {}),
        ({"path": "a", "position": 0, "original_position": 4}, {"line": 4, "side": "old"}),
        ({"path": "a", "line": 9, "start_line": 2, "side": "RIGHT", "start_side": "LEFT"}, {"line": 9}),
        ({"position": {"new_path": "a", "old_path": "b", "new_line": 5, "old_line": None}}, {"line": 5}),
        ({"position": {"new_path": "b", "old_path": "a", "new_line": None, "old_line": 5}}, {"line": 5, "side": "old"}),
        ({"inline": {"path": "a", "to": 6, "from": None}}, {"line": 6}),
    ],
)
def test_each_hosts_way_to_say_where(tmp_path: Path, place: dict[str, Any], expected: dict[str, Any]) -> None:
    (entry,) = read(tmp_path, "code-review", [{"body": "x", "user": "ada", **place}], episode="e1").entries
    assert isinstance(entry, Critique)
    assert entry.place.model_dump(exclude_defaults=True) == {"path": "a", **expected}


@pytest.mark.parametrize(
    "now,written,quote",
    [
        ({"line": 2}, {"original_line": 3}, "trois"),
        ({"line": 9}, {"original_line": 3}, "trois"),
        ({"line": 9, "start_line": 8}, {"original_line": 3, "original_start_line": 2}, "deux\ntrois"),
        ({"line": 9, "start_line": None}, {"original_line": 3, "original_start_line": None}, "trois"),
        ({"line": None}, {"original_line": 3}, "trois"),
        ({"line": 9}, {"original_line": 7}, ""),
    ],
)
def test_a_comment_that_later_pushes_moved_quotes_what_it_was_written_on(
    tmp_path: Path, now: dict[str, Any], written: dict[str, Any], quote: str
) -> None:
    said = {"body": "x", "user": "ada", "path": "a", "side": "RIGHT", "diff_hunk": HUNK, **now, **written}
    (entry,) = read(tmp_path, "code-review", [said], episode="e1").entries
    assert isinstance(entry, Critique) and entry.place.quote == quote
    assert (entry.place.end or entry.place.line) == (now["line"] or written["original_line"])


def test_what_a_review_holds_besides_is_told(tmp_path: Path) -> None:
    data = [
        {"notes": [{"body": "approved", "system": True}, {"body": "why?", "author": {"username": "bob"}}]},
        {**COMMENT, "in_reply_to_id": 3}, {**COMMENT, "body": " "}, {**COMMENT, "user": None}, 5, [COMMENT],
    ]  # fmt: skip
    found = read(tmp_path, "code-review", data, episode="e1")
    assert [entry.annotator for entry in found.entries] == ["bob", "ada", "ada"]
    assert found.unmapped == [
        ("discussion 1, note 1", "written by the host, not by a person"),
        ("comment 2 (id 7)", "it answers another comment: kept as a comment of its own"),
        ("comment 3 (id 7)", "a comment without words"),
        ("comment 4 (id 7)", "nobody is named who said it: give --annotator"),
        ("comment 5", "a comment is an object"),
    ]
    nowhere = read(tmp_path, "code-review", [COMMENT])
    assert not nowhere.entries and "map 'parcel.py'" in nowhere.unmapped[0][1]
    mapped = read(tmp_path, "code-review", [COMMENT], mapped={"parcel.py": ["e2"]})
    assert isinstance(mapped.entries[0], Critique) and mapped.entries[0].episode == "e2"


def test_label_studio(tmp_path: Path) -> None:
    def task(id_: int, about: dict[str, Any], *results: dict[str, Any], **more: Any) -> dict[str, Any]:
        done = {"completed_by": {"email": "ada@x.org"}, "result": results, "updated_at": "2026-01-01T00:00:00Z", **more}
        return {"id": id_, "data": about, "annotations": [done]}

    data = [
        task(1, {}, {"type": "pairwise", "value": {"selected": "right"}}),
        task(2, {"episode": "e3"}, {"type": "rating", "value": {"rating": 4}}),
        task(3, {"episode": "e3", "step": 2}, {"type": "choices", "value": {"choices": ["Bad"]}}),
        task(4, {"episode": "e3", "claim": 0}, {"type": "choices", "value": {"choices": ["false"]}}),
        task(5, {"episode": "e3"}, {"type": "textarea", "value": {"text": ["too wide"]}}),
        task(6, {"episode": "e3"}, {"type": "brush", "value": {}}),
        task(7, {"episode": "e3"}, was_cancelled=True),
        {"id": 8},
    ]
    found = read(tmp_path, "label-studio", data, mapped={"1": ["e1", "e2"], "e3": ["e9"]})
    said = [
        ENTRY.dump_python(entry, exclude={"id", "at", "origin", "simulated", "draft", "item"})
        for entry in found.entries
    ]
    assert [(each["kind"], each["annotator"]) for each in said] == [
        (kind, "ada@x.org") for kind in ("ranking", "score", "step", "claim", "critique")
    ]
    assert said[0]["episodes"] == ("e1", "e2") and said[0]["ranks"] == (2, 1)
    assert said[1]["value"] == 0.75 and said[1]["episode"] == "e9"
    assert (said[2]["step"], said[2]["label"], said[3]["label"]) == (2, "bad", "false")
    assert [where for where, _ in found.unmapped] == [
        "task 6 (id 6), annotation 1, result 1",
        "task 7 (id 7), annotation 1",
        "task 8",
    ]


def test_argilla(tmp_path: Path) -> None:
    ranked = [{"value": "response-2", "rank": 1}, {"value": "response-1", "rank": 2}]
    data = [
        {"id": "r1", "metadata": {"episodes": ["e1", "e2"]},
         "responses": {"which": [{"value": ranked, "user_id": "u1"}]}},
        {"id": "r2", "metadata": {"episode": "e1"}, "responses": [
            {"user_id": "u2", "status": "submitted", "values": {"stars": {"value": 5}, "why": {"value": "neat"}}},
            {"user_id": "u3", "status": "discarded", "values": {"stars": {"value": 1}}}]},
        {"id": "r3", "metadata": {"episode": "e1"}, "responses": {"ok": [{"value": "good", "user_id": "u1"}]}},
        {"id": "r4", "responses": {}},
    ]  # fmt: skip
    found = read(tmp_path, "argilla", data)
    assert [entry.kind for entry in found.entries] == ["ranking", "score", "critique", "score"]
    first = found.entries[0]
    assert isinstance(first, Ranking) and (first.episodes, first.ranks) == (("e1", "e2"), (2, 1))
    assert found.unmapped == [("record 2, stars", "it is discarded"), ("record 4", "nobody has answered it")]


def test_doccano_and_a_plain_table(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": "…", "label": ["good"], "episode": "e1", "Comments": ["neat"]},
        {"id": 2, "text": "…", "label": [[0, 3, "bad"]], "episode": "e1"},
        {"id": 3, "text": "…", "label": []},
    ]
    found = read(tmp_path, "doccano", "\n".join(map(json.dumps, rows)), annotator="ada")
    assert [entry.kind for entry in found.entries] == ["score", "critique"]
    assert isinstance(found.entries[0], Score) and found.entries[0].value == 1
    assert [where for where, _ in found.unmapped] == ["row 2", "row 3"]
    table = "annotator,ranking,reason\nada,e2 > e1 = e3,small\n,e1>e2,\nbob,e1 > e1,\n"
    found = read(tmp_path, "csv", table)
    (entry,) = found.entries
    assert isinstance(entry, Ranking) and (entry.episodes, entry.ranks) == (("e2", "e1", "e3"), (1, 2, 2))
    assert found.unmapped == [
        ("line 3", "nobody is named who said it: give --annotator"),
        ("line 4", "ranking: an episode is ranked once"),
    ]


def test_of_two_questions_about_one_thing_the_second_is_told(tmp_path: Path) -> None:
    stars = [{"from_name": name, "type": "rating", "value": {"rating": n}} for name, n in (("overall", 5), ("easy", 1))]
    done = {"completed_by": 7, "updated_at": "2026-01-01T00:00:00Z"}
    task = {"id": 1, "data": {"episode": "e1"}, "annotations": [done | {"result": stars}, done | {"result": stars[:1]}]}
    found = read(tmp_path, "label-studio", [task])
    assert [entry.value for entry in found.entries if isinstance(entry, Score)] == [1, 1], "one of each annotation"
    first = "task 1 (id 1), annotation 1, result"
    assert found.unmapped == [
        (f"{first} 2", f"{first} 1 judges the same otherwise, and only one judgement of it can be kept")
    ]
    answers = {name: [{"value": n, "user_id": who} for who in "uv"] for name, n in (("overall", 5), ("easy", 1))}
    record = {"id": "r", "metadata": {"episode": "e1"}, "responses": answers}
    found = read(tmp_path, "argilla", [record])
    assert [entry.value for entry in found.entries if isinstance(entry, Score)] == [1, 1]
    assert [where for where, _ in found.unmapped] == ["record 1, easy"] * 2
    found = read(tmp_path, "doccano", [{"id": 1, "label": ["good", "bad"], "episode": "e1", "username": "ada"}])
    assert len(found.entries) == len(found.unmapped) == 1
    found = read(tmp_path, "csv", "annotator,ranking\nada,e1 > e2\nada,e2 > e1\n")
    assert len(found.entries) == 2, "each row is a record: standing tells that they contradict each other"


def test_what_is_said_of_a_step_is_never_of_the_whole(tmp_path: Path) -> None:
    results = [{"type": "rating", "value": {"rating": 1}}, {"type": "textarea", "value": {"text": ["wrong here"]}}]
    done = [{"completed_by": "ada", "result": results}]
    tasks = [{"id": n, "data": {"episode": "e1", "step": n}, "annotations": done} for n in (1, 2)]
    found = read(tmp_path, "label-studio", tasks)
    assert [entry.place.step for entry in found.entries if isinstance(entry, Critique)] == [1, 2]
    assert len(found.entries) == 2 and "this is of step 1" in found.unmapped[0][1] and len(found.unmapped) == 2
    why = {"why": [{"value": "no", "user_id": 7}]}
    record = {"id": "r", "metadata": {"episode": "e1", "step": 3}, "responses": why}
    (entry,) = read(tmp_path, "argilla", [record]).entries
    assert isinstance(entry, Critique) and entry.place.step == 3
    row = {"id": 1, "label": ["good"], "episode": "e1", "Comments": ["neat"], "username": "ada"}
    empty = read(tmp_path, "doccano", [{**row, "step": None, "claim": None}])
    assert empty == read(tmp_path, "doccano", [row]) and not empty.unmapped, "a column without a value names no step"
    assert [entry.kind for entry in empty.entries] == ["score", "critique"]


def test_a_time_is_found_where_the_first_name_of_it_holds_nothing(tmp_path: Path) -> None:
    answer = {"user_id": "ada", "inserted_at": "2026-05-01T00:00:00", "values": {"stars": {"value": 4}}}
    found = read(tmp_path, "argilla", [{"id": "r", "metadata": {"episode": "e1"}, "responses": [answer]}])
    assert [entry.at for entry in found.entries] == ["2026-05-01T00:00:00+00:00"]


@pytest.mark.parametrize(
    "source,text,why",
    [
        ("code-review", "{}", "a JSON list"), ("label-studio", "3", "a list of tasks"), ("argilla", "3", "JSON list"),
        ("doccano", "3", "JSON Lines"), ("csv", "a,b\n1,2\n", "column `ranking`"), ("doccano", "{}\n{", "at line 2"),
        ("argilla", "[" * 100_000, "nested too deep"),
    ],
)  # fmt: skip
def test_another_file_is_one_clear_error(tmp_path: Path, source: str, text: str, why: str) -> None:
    with pytest.raises(ImportFeedbackError, match=why):
        read(tmp_path, source, text)
    with pytest.raises(ImportFeedbackError, match="No such file"):
        read_feedback(tmp_path / "gone", Reading(source))


def test_importing_twice_adds_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        FeedbackLog(tmp_path).write(*read(tmp_path, "code-review", [COMMENT, COMMENT], episode="e1").entries)
    assert len(FeedbackLog(tmp_path).read().entries) == 1


KEYS = st.sampled_from(
    ["id", "path", "line", "start_line", "side", "body", "diff_hunk", "user", "position", "inline", "notes", "values",
     "annotations", "result", "type", "value", "choices", "rating", "selected", "text", "data", "metadata", "responses",
     "rank", "label", "Comments", "episode", "episodes", "step", "claim", "completed_by"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["pairwise", "rating", "choices", "textarea", "left", "good", "true", "e1", HUNK, "```suggestion\n```"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=6),
    max_leaves=25,
)


@pytest.mark.slow
@given(st.sampled_from([source for source in Source if source != Source.CSV]), st.lists(JSON, min_size=1, max_size=3))
def test_nothing_that_is_read_is_dropped_in_silence(
    tmp_path_factory: pytest.TempPathFactory, source: Source, data: list[Any]
) -> None:
    found = read(tmp_path_factory.getbasetemp(), source, data, episode="e1", annotator="ada")
    assert found.entries or found.unmapped or data == [[]] or all(_is_empty(each) for each in data)
    assert all(where and why for where, why in found.unmapped)
    assert [ENTRY.validate_json(ENTRY.dump_json(entry)) for entry in found.entries] == found.entries


def _is_empty(each: Any) -> bool:
    """A record that holds a list of nothing: there is nothing to tell of."""
    if isinstance(each, dict):
        return any(value == [] or (isinstance(value, list) and all(map(_is_empty, value))) for value in each.values())
    return each == []


@given(st.text(alphabet="ranking,annotator>=e12\n\"' \x00\r", max_size=80))
def test_a_hostile_table_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    for whole in (text, f"ranking\n{text}"):
        try:
            read(folder, "csv", whole, annotator="ada")
        except ImportFeedbackError:
            continue
