"""The pages of `journeyman view`: what they show, what they refuse, and that nothing in an episode acts in them."""

from __future__ import annotations

import html
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance, Outcome, Verdict
from journeyman.viewer import episode as episodes
from journeyman.viewer.app import HEADERS, viewer
from journeyman.viewer.compare import compare
from journeyman.viewer.drawing import curve, graph
from journeyman.viewer.episode import episode_page
from journeyman.viewer.pages import FEEDBACK_SCRIPTS, SCRIPTS
from journeyman.viewer.single import html_page
from tests.tasks.test_infeasible import impossible

from .hostile_texts import HOSTILE

DIFF = "--- a/text.py\n+++ b/text.py\n@@ -1 +1 @@\n-    return 1\n+    return 2\n"
ONE, TWO = "tests/t.py::test_one", "tests/t.py::test_two"


def step(
    tool: str, text: str = "", *, diff: str = "", tests: TestRun | None = None, ok: bool = True, **said: object
) -> Step:
    return Step(Action(tool, said), Observation(text, tool, ok), diff=diff, tests=tests, duration_s=0.5)


def planned(*statuses: str) -> Step:
    titles = ("find it", "mend it")
    return step("plan", subtasks=[{"title": t, "status": s} for t, s in zip(titles, statuses, strict=True)])


STEPS = (
    planned("open", "open"),
    step("test", "1 failed", tests=TestRun((TWO,), (ONE,))),
    planned("done", "open"),
    step("edit", "edited", diff=DIFF, path="text.py", old="1", new="2"),
    step("edit", "no such place", ok=False, path="text.py", old="9", new="2"),
    step("test", "2 passed", tests=TestRun((TWO, ONE))),
    planned("done", "done"),
    step("report", claims=[{"kind": "tests_pass"}, {"kind": "changed", "subject": "other.py"}]),
)


def episode(resolved: bool = True, steps: tuple[Step, ...] = STEPS, task: str = "journeyman/stonelog-store") -> Episode:
    outcomes = {ONE: Outcome.PASSED if resolved else Outcome.FAILED, TWO: Outcome.PASSED}
    verdict = Verdict(
        outcomes, {"records": True, "log": resolved}, resolved, Assurance.SPLIT, "t", detail="E  assert 0"
    )
    terms = (
        RewardTerm("outcome", 0.5, float(resolved), "2 checks"),
        RewardTerm("milestones", 0.5, 0.5, "1 of 2 closed"),
    )
    return Episode(new_episode_id(), task, "oracle", 3, Observation("Write it."), steps, StopReason.REPORTED,
                   sum(term.amount for term in terms), terms, verdict, "2025-01-01T00:00:00Z", 1.5)  # fmt: skip


def hostile_episode(text: str) -> Episode:
    """One that holds a text wherever a text can be."""
    bad = replace(
        step("run", text, diff=text, tests=TestRun((text,), (text + "x",)), command=text, cwd=text), runner=text,
        tree_hash=text,
    )  # fmt: skip
    part = {"title": text[:200] or "x", "evidence": text[:300]}
    titled = step("plan", subtasks=[{**part, "status": "done"}, {**part, "title": (text + "y")[-200:]}])
    told = step("report", text, summary=text, claims=[{"kind": "changed", "subject": text[:200]}])
    steps = (titled, bad, replace(bad, action=Action.malformed(text, text)), replace(bad, diff="+" + text), told)
    return replace(
        episode(steps=steps, task=text), policy=text, detail=text, first=Observation(text), started_at=text,
        terms=(RewardTerm(text, 1.0, 1.0, text),), versions={text: text}, config={"x": text},
        verdict=Verdict({text: Outcome.FAILED}, {text: False}, False, Assurance.FRESH, "t", detail=text),
    )  # fmt: skip


def the_task(asked: Episode) -> Task | None:
    return next((task for task in bundled_tasks() if task.name == asked.task), None)


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "runs" / "first")


@pytest.fixture
def pages(store: EpisodeStore) -> TestClient:
    return TestClient(
        viewer(lambda: {"group/first": store.folder}, bundled_tasks, task_of=the_task), base_url="http://127.0.0.1:8765"
    )


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def test_the_latest_run_is_the_way_in(pages: TestClient, store: EpisodeStore) -> None:
    store.add(episode())
    store.add(episode(resolved=False))
    shown = pages.get("/")
    assert shown.status_code == 200
    assert "50.0 % resolved 1 of 2 scored; 95%: 9.5 to 90.5 %" in re.sub(r"\s+", " ", text_of(shown.text))
    assert shown.text.count('class="row"') == 2


def test_a_run_is_filtered(pages: TestClient, store: EpisodeStore) -> None:
    store.add(episode())
    store.add(lost := episode(resolved=False, task="journeyman/other"))
    store.tag(lost.id, ["odd"])
    for asked in ("solved=no", "task=journeyman/other", "text=JOURNEYMAN/other", "tag=odd", "least=0.1&most=0.3"):
        found = re.findall(r"/episodes/([\w-]+)\"", pages.get(f"/runs/group/first?{asked}").text)
        assert found == [lost.id]
    assert 'class="row"' not in pages.get("/runs/group/first?stop=time_limit").text


def test_a_run_that_goes_on_says_so(pages: TestClient, store: EpisodeStore) -> None:
    before = pages.get("/runs/group/first/state").json()
    running = replace(episode(), steps=(), stop=StopReason.INTERRUPTED, reward=None, verdict=None, terms=())
    store.begin(running)
    store.step(running.id, STEPS[0])
    assert pages.get("/runs/group/first/state").json() != before
    assert "find it" in pages.get(f"/runs/group/first/episodes/{running.id}").text


def test_an_episode_tells_its_story(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    page = pages.get(f"/runs/group/first/episodes/{told.id}").text
    plain = re.sub(r"\s+", " ", text_of(page))
    assert "2 of 2 checks · assurance split" in plain
    assert "mend it done, from step 1 , done at 7 2 edits and test runs of it 4 edit" in plain
    assert "4 edit text.py 6 2 passed, 0 failed" in plain
    assert "supported tests_pass" in plain
    assert "contradicted changed other.py" in plain
    assert "milestones: records (closed), memtable" in html.unescape(page)
    assert '<td class="failed">✗</td><td class="passed">✓</td>' in page
    assert re.findall(r'<details class="step ([\w-]+)"', page) == [
        "look", "tests-fail", "look", "edit", "refused", "tests-pass", "look", "look",
    ]  # fmt: skip


def test_an_unsolved_one_names_the_checks(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode(resolved=False, task="gone/task"))
    plain = re.sub(r"\s+", " ", text_of(pages.get(f"/runs/group/first/episodes/{told.id}").text))
    assert f"failed {ONE}" in plain
    assert "E assert 0" in plain
    assert "○ log" in plain


def test_a_text_is_found_in_steps(pages: TestClient, store: EpisodeStore) -> None:
    store.add(told := episode())
    page = pages.get(f"/runs/group/first/episodes/{told.id}?q=NO+SUCH").text
    assert re.findall(r'id="step-(\d+)"', page) == ["5"]
    assert "1 step with it" in page


def test_twenty_thousand_steps_are_shown_a_page_at_a_time(pages: TestClient, store: EpisodeStore) -> None:
    many = tuple(step("view", f"line {number}", path="a.py") for number in range(20_000))
    page = episode_page(long := episode(steps=many), None, first=19_970)
    assert [number for number, _ in page.steps] == list(range(19_961, 20_001))
    assert len(page.timeline) == episodes.CELLS
    assert page.timeline[-1].last == 20_000
    store.add(replace(long, steps=many[:2000]))
    here = f"/runs/group/first/episodes/{long.id}"
    shown = pages.get(f"{here}?from=1500").text
    assert len(shown) < 200_000
    assert 'id="step-1481"' in shown
    assert shown.count('rel="next"') == shown.count('rel="prev"') == 2
    part = pages.get(f"{here}/steps?first=1961").text
    assert re.findall(r'id="step-(\d+)"', part) == [str(number) for number in range(1961, 2001)]
    assert re.findall(r'id="step-(\d+)"', pages.get(f"{here}/steps?first=1&q=line+1234").text) == ["1235"]
    assert pages.get(f"{here}/steps?first=2001").text.strip() == ""


def test_test_runs_that_changed_nothing_are_left_out() -> None:
    runs = [step("test", tests=TestRun((TWO,), (ONE,) if number % 500 == 499 else ())) for number in range(5000)]
    grid = episode_page(episode(steps=tuple(runs)), None).grid
    assert grid.steps[:3] == (1, 500, 501)
    assert (len(grid.steps), grid.runs_left_out) == (20, 4980)


@pytest.mark.parametrize("first", [-5, 0, 1, 99, 10**9])
def test_whatever_page_is_asked_for_has_steps(first: int) -> None:
    assert episode_page(episode(), None, first=first).steps
    assert episode_page(episode(steps=()), None, first=first).steps == ()


def test_tests_that_always_passed_come_last_and_are_bounded() -> None:
    names = tuple(f"t.py::test_{number}" for number in range(episodes.ROWS + 10))
    grid = episode_page(episode(steps=(step("test", tests=TestRun(names, (ONE,))),)), None).grid
    assert grid.rows[0].test == ONE
    assert (len(grid.rows), grid.left_out) == (episodes.ROWS, 11)


def test_the_corpus_is_large() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_an_episode_holds_acts_in_a_page(text: str, pages: TestClient, store: EpisodeStore) -> None:
    told = hostile_episode(text)
    store.add(told)
    here = f"/runs/group/first/episodes/{told.id}"
    pair = f"/runs/group/first/compare?a={told.id}&b={told.id}"
    for address in ("/runs/group/first", here, f"{here}/steps", pair):
        shown = pages.get(address)
        assert shown.status_code == 200
        names = (*SCRIPTS, *FEEDBACK_SCRIPTS) if address == here else SCRIPTS
        ours = [f'<script src="/static/{name}" defer>' for name in names]
        assert re.findall(r"<script[^>]*>", shown.text) == ([] if address.endswith("/steps") else ours)
        harmless(without_ours(shown.text), text)
    page = html_page(store, told.id)
    assert re.findall(r"<script[^>]*>", page) == ['<script type="text/plain" id="data">', "<script>"]
    harmless(page.partition("<main")[2].partition("</main>")[0], text)
    asked = text[:500].encode("utf-8", "replace").decode()
    assert pages.get(here, params={"q": asked, "from": asked}).status_code == 200
    for names in (("task", "policy", "stop", "text", "page"), ("solved", "tag", "least", "most")):
        assert pages.get("/runs/group/first", params=dict.fromkeys(names, asked)).status_code == 200


def without_ours(page: str) -> str:
    """A page without the fields in which one says what one thinks of it."""
    return re.sub(r'<textarea name="(body|suggestion|reason)" rows="\d"', "<input", page)


def harmless(page: str, text: str) -> None:
    """No tag of a text's own, no handler, no character that acts."""
    tags = {name.lower() for name in re.findall(r"<([a-zA-Z!?][\w:-]*)", page)}
    assert not tags & {
        "img",
        "iframe",
        "object",
        "base",
        "style",
        "template",
        "textarea",
        "math",
        "plaintext",
        "animate",
    }
    assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', page))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028\u2029\ufffe\U000e0041\ud800-\udfff]", page)
    assert "49" not in re.findall(r"\b49\b", text_of(page)) or "7" not in text


def test_two_episodes_part_where_their_actions_do(pages: TestClient, store: EpisodeStore) -> None:
    first, second = episode(), episode(steps=(*STEPS[:3], step("view", path="a.py"), *STEPS[3:]))
    for each in (first, second):
        store.add(each)
    page = compare(first, second)
    assert page.parting == 3
    assert [pair.same for pair in page.pairs] == [True] * 3 + [False] + [True] * 5
    assert "after 3 steps" in pages.get(f"/runs/group/first/compare?a={first.id}&b={second.id}").text
    assert compare(first, first).parting is None


def test_tasks_are_shown_with_their_graph_and_without_hidden_text(pages: TestClient) -> None:
    assert pages.get("/tasks").text.count('class="row"') == len(bundled_tasks())
    for task in bundled_tasks():
        page = pages.get(f"/tasks/{task.name}").text
        assert page.count("<rect") == len(task.milestones)
        assert task.canary not in page


def test_a_task_that_cannot_be_done_says_what_there_is_not(store: EpisodeStore, tmp_path: Path) -> None:
    task = impossible(tmp_path)
    shown = TestClient(viewer(dict, lambda: (task,), task_of=the_task), base_url="http://127.0.0.1:8765")
    page = text_of(shown.get(f"/tasks/{task.name}").text)
    assert "cannot be done" in page and f"there is no {task.infeasible.missing}" in page  # type: ignore[union-attr]


def test_drawings_of_little_are_little() -> None:
    assert curve(()) == curve((0.5,)) == ""
    assert "from -0.50 to 1.00, over 5000 episodes" in curve([-0.5] + [1.0] * 4999)
    assert len(curve([0.5] * 5000)) < 6000
    assert graph((), {}) == ""


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere",
        "/runs/none",
        "/runs/group/first/episodes/none",
        "/runs/..%2f..%2fetc",
        "/tasks/none",
        "/static/../app.py",
    ],
)
def test_what_is_not_there_is_said_in_a_page(address: str, pages: TestClient) -> None:
    assert pages.get(address).status_code == 404


def test_a_comparison_needs_two(pages: TestClient) -> None:
    assert pages.get("/runs/group/first/compare?a=x").status_code == 400


def test_no_other_site_gets_an_answer(pages: TestClient) -> None:
    assert pages.get("/tasks", headers={"host": "evil.example:8765"}).status_code == 400
    assert pages.get("/tasks", headers={"origin": "http://evil.example"}).status_code == 403
    assert pages.get("/tasks", headers={"origin": "null"}).status_code == 403
    assert pages.get("/tasks", headers={"origin": "http://127.0.0.1:8765"}).status_code == 200
    assert pages.post("/tasks").status_code == 405
    for address in ("/tasks", "/nowhere", "/static/script.js"):
        answer = pages.get(address)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_port_that_is_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["view", "--port", number, "--no-browser"])
    assert done.exit_code == 2
    assert "--port 0 takes a free one" in done.output


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    monkeypatch.delitem(__import__("sys").modules, "journeyman.cli_view", raising=False)
    done = CliRunner().invoke(app, ["view"])
    assert done.exit_code == 2
    assert "pip install 'journeyman[view]'" in done.output.replace("\n", " ")
