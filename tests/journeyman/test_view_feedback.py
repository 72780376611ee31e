"""What people say in the pages: kept once, held against its episode, asked by nobody else's page, and harmless."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from journeyman.annotators import NAME, login_name
from journeyman.cli import app
from journeyman.envs.actions import Action
from journeyman.envs.feedback.entry import ENTRY, Critique, GuidelineRead, Place
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import bundled_tasks
from journeyman.viewer.app import HEADERS, viewer
from journeyman.viewer.desk import MAX_BODY
from journeyman.viewer.feedback import Reviewing
from journeyman.viewer.places import Row, found, rows_of

from .hostile_texts import HOSTILE
from .test_view import STEPS, episode, harmless, hostile_episode, step, the_task, without_ours

HERE = "http://127.0.0.1:8765"
SMALL = Guideline(
    name="conduct", version=2, title="Conduct", items=(Item(id="small", kind="should", text="Keep changes small."),)
)
WINDOW = "text.py:7-8 of 90\n7|def f():\n8|    return 2\n… 82 lines …"
SHOWN = replace(step("view", path="text.py"), observation=Observation(WINDOW, "view", True))


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


@pytest.fixture
def pages(store: EpisodeStore) -> TestClient:
    return client(store, Reviewing(guidelines={SMALL.name: SMALL}))


def client(store: EpisodeStore, reviewing: Reviewing) -> TestClient:
    pages = viewer(lambda: {"first": store.folder}, bundled_tasks, task_of=the_task, reviewing=reviewing)
    return TestClient(pages, base_url=HERE, headers={"origin": HERE})


def entry(kind: str = "critique", **more: Any) -> dict[str, Any]:
    said = {"id": "one", "annotator": "ana", "at": "2025-01-31T12:00:00.000Z", "origin": "page", "kind": kind}
    return {**said, **({"body": "Why?"} if kind == "critique" else {}), **more}


def said(pages: TestClient, told: dict[str, Any]) -> Any:
    return pages.post("/runs/first/feedback", json=told)


def why(pages: TestClient, told: dict[str, Any]) -> str:
    answer = said(pages, told)
    assert 400 <= answer.status_code < 500
    message = str(answer.json()["why"])
    assert "\n" not in message
    return message


def notes(pages: TestClient, of: str, **asked: str) -> list[dict[str, Any]]:
    return list(pages.get(f"/runs/first/episodes/{of}/feedback", params=asked).json())


def test_rows_name_the_lines_of_files_that_they_show() -> None:
    diff = (
        "--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@\n--- a/x\n+++ b/y\n kept\n"
        "--- a/old.py\n+++ /dev/null\n@@ -4 +3,0 @@\n-gone\n\\ No newline at end of file\n"
    )
    rows = rows_of(step("run", diff=diff), "diff")
    assert [row for row in rows if row] == [
        Row("a.sql", 1, None, "-- a/x"), Row("a.sql", None, 1, "++ b/y"), Row("a.sql", 2, 2, "kept"),
        Row("old.py", 4, None, "gone"),
    ]  # fmt: skip
    assert len(rows) == diff.count("\n")
    assert rows_of(SHOWN, "seen") == (
        None, Row("text.py", 7, 7, "def f():"), Row("text.py", 8, 8, "    return 2"), None,
    )  # fmt: skip
    assert rows_of(step("run", "1|not a file"), "seen") == rows_of(step("view", "\n1|x", path="a"), "seen") == ()
    assert found(SHOWN, Place(step=1, path="text.py", line=7, end=8)) == ("seen", 2, "def f():\n    return 2")
    assert found(SHOWN, Place(step=1, path="text.py", line=7, end=9)) is None


TWO_HUNKS = (
    "--- a/m.py\n+++ b/m.py\n@@ -4,2 +4,2 @@\n line 4\n-line 5\n+line FIVE\n"
    "@@ -20,2 +20,2 @@\n-line 20\n+line TWENTY\n line 21\n"
)


def test_a_comment_over_two_hunks_stands(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := replace(episode(), steps=(step("run", diff=TWO_HUNKS),)))
    place = {"step": 1, "path": "m.py", "line": 4, "end": 20}
    assert said(pages, entry(episode=told.id, place=place)).status_code == 200
    (kept,) = FeedbackLog(store.folder).read().entries
    assert isinstance(kept, Critique) and kept.place.quote == "line 4\nline FIVE" and kept.place.end == 20
    assert [(note["stands"], note["step"]) for note in notes(pages, told.id)] == [(True, 1)]


def test_what_is_said_is_kept_and_shown_at_its_place(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode(steps=(*STEPS[:-1], SHOWN, STEPS[-1])))
    of = {"episode": told.id}
    item = ItemRef.of(SMALL, SMALL.items[0]).model_dump()
    spoken = [
        entry(id="line", **of, item=item, suggestion="    return 3", severity="major",
              place={"step": 4, "path": "text.py", "line": 1}),
        entry(id="window", **of, place={"step": 8, "path": "text.py", "line": 7, "end": 8}),
        entry(id="part", **of, place={"subtask": "mend it"}),
        entry(id="whole", **of),
        entry("step", id="good", **of, step=6, label="good"),
        entry("claim", id="claim", **of, claim=1, label="false", limitation="It changed text.py alone."),
        entry("correction", id="instead", **of, step=5, action={"tool": "view", "path": "text.py"}),
    ]  # fmt: skip
    for each in spoken:
        assert said(pages, each).json() == {"id": each["id"]}
        assert said(pages, each).status_code == 200  # the client that did not hear asks again
    kept = FeedbackLog(store.folder).read().entries
    assert [each.id for each in kept if not isinstance(each, GuidelineRead)] == [each["id"] for each in spoken]
    assert [each.guideline for each in kept if isinstance(each, GuidelineRead)] == [SMALL]
    quotes = {each.id: each.place.quote for each in kept if isinstance(each, Critique)}
    assert quotes["line"] == "    return 2" and quotes["window"] == "def f():\n    return 2"
    shown = {each["id"]: each for each in notes(pages, told.id)}
    assert [(each["step"], each["part"], each["row"]) for each in shown.values()][:2] == [
        (4, "diff", 4),
        (8, "seen", 2),
    ]
    assert (shown["part"]["subtask"], shown["claim"]["claim"]) == (1, 1)
    assert "conduct / small" in shown["line"]["text"] and "    return 3" in shown["line"]["text"]
    assert all(each["stands"] for each in shown.values())
    assert said(pages, entry("undo", id="back", of="whole")).status_code == 200
    assert {each["id"] for each in notes(pages, told.id) if each["undone"]} == {"whole"}


def test_what_does_not_fit_is_told_in_a_line_and_not_kept(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    store.add(other := episode(task="journeyman/other"))
    of = {"episode": told.id}
    assert "no episode none" in why(pages, entry(episode="none"))
    assert "no episode" in why(pages, entry(episode=told.id[:-1]))
    assert "8 steps" in why(pages, entry(**of, place={"step": 9}))
    assert "8 steps" in why(pages, entry("step", **of, step=9, label="good"))
    assert "shows no such lines" in why(pages, entry(**of, place={"step": 4, "path": "text.py", "line": 2}))
    assert "give `step`" in why(pages, entry(**of, place={"path": "text.py", "line": 1}))
    assert "no such subtask" in why(pages, entry(**of, place={"subtask": "rest"}))
    assert "2 claims" in why(pages, entry("claim", **of, claim=2, label="true"))
    unanchored = {"tool": "edit", "path": "a", "new": ""}
    assert "give `old`" in why(pages, entry("correction", **of, step=1, action=unanchored))
    assert "no tool" in why(pages, entry("correction", **of, step=1, action={"tool": "fly"}))
    assert '{"tool": NAME' in why(pages, entry("correction", **of, step=1, action={}))
    assert "one task" in why(pages, entry("ranking", episodes=[told.id, other.id], ranks=[1, 2]))
    assert "nothing that is called" in why(pages, entry("undo", of="nothing"))
    assert "severity" in why(pages, entry(**of, severity="awful"))
    assert "body" in why(pages, entry(**of, body="x" * 20_001))
    assert "annotator" in why(pages, entry(**of, annotator="<b>"))
    assert "at:" in why(pages, entry(**of, at="yesterday"))
    assert "at:" in why(pages, entry(**of, at="2025-01-31T12:00:00"))
    assert "by a person" in why(pages, entry(**of, simulated=True))
    assert "by a person" in why(pages, entry(**of, origin="terminal"))
    assert "don't say" in why(pages, entry("resolution", of="one", resolved=True))
    older = {"guideline": "conduct", "version": 1, "item": "small", "digest": "0"}
    assert "choose the item anew" in why(pages, entry(**of, item=older))
    for body in ("", "[]", "null", "{", '{"kind": "critique"}', "[" * 5000):
        assert pages.post("/runs/first/feedback", content=body, headers=JSON).status_code == 422
    assert not FeedbackLog(store.folder).path.exists()


JSON = {"content-type": "application/json"}


def test_only_our_own_pages_can_say_something(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    body = json.dumps(entry(episode=told.id))

    def asked(**headers: str) -> int:
        given = {
            name.replace("_", "-"): value for name, value in {"content_type": "application/json", **headers}.items()
        }
        answer = pages.post("/runs/first/feedback", content=body, headers=given)
        if answer.status_code != 400:  # the wrong host, which is refused before all else
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        return answer.status_code

    for content in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""):
        assert asked(content_type=content) == 415
    for origin in ("http://evil.example", "null", "", "https://127.0.0.1:8765", "http://127.0.0.1:8766"):
        assert asked(origin=origin) == 403
    assert asked(sec_fetch_site="cross-site") == asked(sec_fetch_site="same-site") == 403
    assert asked(host="evil.example:8765") == 400
    assert pages.put("/runs/first/feedback", content=body).status_code == 405
    assert pages.options("/runs/first/feedback", headers={"access-control-request-method": "POST"}).status_code == 405
    assert not FeedbackLog(store.folder).path.exists()
    assert pages.post("/runs/none/feedback", content=body, headers=JSON).status_code == 404
    long = pages.post("/runs/first/feedback", content=b" " * (MAX_BODY + 1), headers=JSON)
    assert (long.status_code, "512 KiB" in long.json()["why"]) == (413, True)
    assert asked(content_type="application/json; charset=utf-8", sec_fetch_site="same-origin") == 200


def test_the_same_id_in_other_words_is_refused(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    assert said(pages, entry(episode=told.id)).status_code == 200
    assert said(pages, entry(episode=told.id, body="Else.")).status_code == 409
    assert len(FeedbackLog(store.folder).read().entries) == 1


def test_a_disk_that_refuses_is_told_and_asked_again_later(
    pages: TestClient, store: EpisodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(told := episode())

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("journeyman.envs.lines.os.write", full)
        answer = said(pages, entry(episode=told.id))
    assert (answer.status_code, "No space left" in answer.json()["why"]) == (503, True)
    assert said(pages, entry(episode=told.id)).status_code == 200
    log = FeedbackLog(store.folder).path
    log.unlink()
    log.mkdir()  # which no one can read as a file, whoever they are
    unread = pages.get(f"/runs/first/episodes/{told.id}/feedback")
    assert unread.status_code == 503 and "cannot read" in unread.text


def test_what_does_not_stand_is_marked(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    older = ItemRef(guideline="conduct", version=1, item="small", digest="0" * 12)
    log = FeedbackLog(store.folder)
    log.write(Critique(id="a", annotator="ana", at=now(), episode=told.id, body="Too long.", item=older))
    log.write(
        Critique(id="b", annotator="critic", at=now(), episode=told.id, body="Hm.", origin="critic:m", draft=True)
    )
    log.write(Critique(id="c", annotator="ana", at=now(), episode=told.id, body="Odd.", place=Place(step=99)))
    stale, draft, odd = notes(pages, told.id)
    assert "does not count: conduct@1/small meant something else" in stale["text"] and not stale["stands"]
    assert ">draft</i>" in draft["text"] and "critic:m" in draft["text"]
    assert odd["step"] is None


def test_what_a_newer_version_in_the_feedback_makes_stale_is_marked(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    older = SMALL.model_copy(update={"name": "mine", "version": 1})
    newer = older.model_copy(update={"version": 2, "items": (Item(id="small", kind="should", text="Keep it all."),)})
    log = FeedbackLog(store.folder)
    log.keep_guideline(older, "ana", "page")
    by_it = ItemRef.of(older, older.items[0])
    log.write(Critique(id="a", annotator="ana", at=now(), episode=told.id, body="Too long.", item=by_it))
    assert notes(pages, told.id)[0]["stands"]
    log.keep_guideline(newer, "ana", "page")
    assert not notes(pages, told.id)[0]["stands"], "though the pages were not given it"


def test_a_blind_page_leaves_out_what_others_said(store: EpisodeStore) -> None:
    store.add(told := episode())
    here = f"/runs/first/episodes/{told.id}"
    seen = client(store, Reviewing())
    for name in ("ana", "ben"):
        said(seen, entry(id=name, episode=told.id, annotator=name))
    assert [each["annotator"] for each in notes(seen, told.id, me="ana", others="no")] == ["ana"]
    assert [each["annotator"] for each in notes(seen, told.id, me="ana")] == ["ana", "ben"]
    assert '<body class="blind">' not in seen.get(here).text
    assert f'value="{login_name()}"' in seen.get(here).text
    blind = client(store, Reviewing("ana"))
    for place in (here, "/runs/first", f"/runs/first/compare?a={told.id}&b={told.id}"):
        shown = blind.get(place).text
        assert '<body class="blind">' in shown
        assert 'class="good"' not in re.sub(r'<(\w+) class="told">.*?</\1>', "", shown) or place != "/runs/first"
    blind.cookies.set("journeyman_blind", "no")
    assert '<body class="blind">' not in blind.get(here).text
    seen.cookies.set("journeyman_blind", "yes")
    assert '<body class="blind">' in seen.get(here).text


def test_episodes_of_a_task_are_ranked_blind(pages: TestClient, store: EpisodeStore) -> None:
    told = [episode(resolved=n > 1) for n in range(5)]
    for each in told:
        store.add(replace(each, policy="secret-policy", steps=(*STEPS[:5], replace(STEPS[5], reward=0.25), *STEPS[6:])))
    store.add(other := episode(task="journeyman/other"))
    ids = [each.id for each in told]
    page = pages.get("/runs/first/rank", params={"id": ids[:3]}).text
    assert re.findall(r'class="column" data-id="([^"]+)"', page) == ids[:3]
    assert "secret-policy" not in page and "reward" not in page.partition("<main")[2].partition("</main>")[0]
    shown = pages.get("/runs/first/rank", params={"id": ids[:3], "told": "yes"}).text
    assert shown.count("secret-policy") == 3 and "reward <b>" in shown and "reward +0.25" in shown
    like = pages.get("/runs/first/rank", params={"like": ids[0]}).text
    assert re.findall(r'class="column" data-id="([^"]+)"', like) == [ids[0], *ids[:1:-1]]
    for few in (
        {"id": ids[:1]},
        {"id": ids},
        {"id": [ids[0], ids[0]]},
        {"id": [ids[0], other.id]},
        {"task": "none"},
        {},
    ):
        assert pages.get("/runs/first/rank", params=few).status_code == 400
    assert said(pages, entry("ranking", episodes=ids[:3], ranks=[1, 2, 1], reason="as good")).status_code == 200
    assert "ranked 1, 2, 1" in notes(pages, ids[0])[0]["text"]


def test_a_blind_page_does_not_judge_the_report_beforehand(pages: TestClient, store: EpisodeStore) -> None:
    answered = replace(STEPS[-1], observation=Observation("reported\nfixed: contradicted", "report", True))
    told = [episode(steps=(*STEPS[:-1], answered)) for _ in range(2)]
    for each in told:
        store.add(each)
    asked = {"id": [each.id for each in told]}
    assert "fixed: contradicted" not in pages.get("/runs/first/rank", params=asked).text
    assert "fixed: contradicted" in pages.get("/runs/first/rank", params={**asked, "told": "yes"}).text
    shown = pages.get(f"/runs/first/episodes/{told[0].id}").text
    assert re.findall(r'<pre class="([^"]+)">reported', shown) == ["seen told"]


GROUPS = [HOSTILE[start : start + 9] for start in range(0, len(HOSTILE), 9)]


@pytest.mark.parametrize("texts", GROUPS, ids=range(len(GROUPS)))
def test_nothing_that_anybody_says_acts_in_a_page(texts: tuple[str, ...], store: EpisodeStore) -> None:
    text = "\n".join(texts)
    clean = (text[:15_000].encode("utf-8", "replace").decode()) or "x"
    told = hostile_episode(text)
    store.add(told)
    store.add(replace(hostile_episode(text), policy="b"))
    item = Item(id="x", kind="must", text=clean[:500])
    hostile = Guideline(name="hostile", version=1, title=clean[:200], about=clean, items=(item,))
    pages = client(store, Reviewing(guidelines={"hostile": hostile}))
    ref, of = ItemRef.of(hostile, item).model_dump(), {"episode": told.id}
    for each in (
        entry(id="a", **of, body=clean, suggestion=clean, item=ref, place={"subtask": text[:200] or "x"}),
        entry(
            "correction", id="b", episode=told.id, step=1, action={"tool": "run", "command": clean[:4000]}, reason=clean
        ),
        entry("claim", id="c", **of, claim=0, label="false", limitation=clean),
    ):
        answer = pages.post("/runs/first/feedback", content=json.dumps(each), headers=JSON)
        if answer.status_code != 200:  # half of a surrogate pair is no text
            harmless(answer.json()["why"], text)
    shown = notes(pages, told.id)
    assert {each["id"] for each in shown} >= {"b", "c"}
    for each in shown:
        harmless(each["text"], text)
        assert "<script" not in each["text"]
    page = pages.get(f"/runs/first/episodes/{told.id}").text
    ours = ["script.js", "steps.js", "kept.js", "cursor.js", "feedback.js", "drafted.js", "scored.js"]
    assert re.findall(r"<script[^>]*>", page) == [f'<script src="/static/{name}" defer>' for name in ours]
    harmless(without_ours(page), text)
    asked = {"id": [each.id for each in store.episodes()]}
    harmless(without_ours(pages.get("/runs/first/rank", params=asked).text), text)


def test_names_and_guidelines_are_checked_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "Ana <b> of\u202e /x")
    assert NAME.fullmatch(login_name())
    (tmp_path / "bad.toml").write_text("name = 1", encoding="utf-8")
    for words, told in (
        (["--annotator", "<b>"], "--annotator '<b>'"),
        (["--annotator", "sim.ana"], "programs that stand in for people"),
        (["--guideline", "bad.toml"], "--guideline bad.toml"),
        (["--guideline", "nowhere"], "no guideline 'nowhere'"),
    ):
        done = CliRunner().invoke(app, ["view", "--no-browser", *words])
        assert done.exit_code == 2 and told in done.output


def test_a_correction_begins_with_what_was_done(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    here = f"/runs/first/episodes/{told.id}/action"
    action = pages.get(here, params={"step": "4"}).json()
    assert action == {"tool": "edit", "path": "text.py", "old": "1", "new": "2"}
    assert Action.from_json(json.dumps(action)).tool == "edit"
    for number in ("0", "9", "x", "", "9" * 30, "²"):
        assert pages.get(here, params={"step": number}).status_code == 404
    assert ENTRY.validate_python(entry("correction", episode=told.id, step=4, action=action))
