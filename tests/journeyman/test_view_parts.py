"""The parts of a page: a terminal's colours, tokens as a heat map, a run from its index, what is read once."""

from __future__ import annotations

import html
import math
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from markupsafe import Markup
from starlette.testclient import TestClient
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Ancestry, Change, Episode, StopReason
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeDamaged, EpisodeStore
from journeyman.file_tree import MOST_FILES, rows
from journeyman.tasks.task import Task
from journeyman.viewer.ansi import ansi
from journeyman.viewer.app import viewer
from journeyman.viewer.episode import arguments_of
from journeyman.viewer.example import example_run
from journeyman.viewer.pages import render
from journeyman.viewer.run import PAGE, Filter, run_page
from journeyman.viewer.shelf import Shelf
from journeyman.viewer.single import html_page
from journeyman.viewer.tokens import ledger, level_of
from tests.processes import hears_ctrl_c

from .test_view import STEPS, episode, step


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "first")


def sampled(*logprobs: float) -> TokenTurn:
    return TokenTurn((1, 2, 3), tuple(range(10, 10 + len(logprobs))), logprobs)


@pytest.mark.parametrize(
    "text,shown",
    [
        ("\x1b[31mred\x1b[0m <b>", '<span class="t-red">red</span> &lt;b&gt;'),
        ("\x1b[1;4;92mok", '<span class="t-bold t-under t-green">ok</span>'),
        ("\x1b[1;4mok\x1b[22m!", '<span class="t-bold t-under">ok</span><span class="t-under">!</span>'),
        ("\x1b[38;5;196mR\x1b[38;2;0;0;250mB", '<span class="t-red">R</span><span class="t-blue">B</span>'),
        ("\x1b[38;5mx\x1b[48;5;1my\x1b[39mz", "xyz"),
        ("\x1b[2J\x1b]0;t\x07", r"\x1b[2J\x1b]0;t\x07"),
        ("\x1b[8mseen\x1b[m", "seen"),
        ("\x1b[31", r"\x1b[31"),
    ],
)  # fmt: skip
def test_a_terminals_colours_are_classes_and_all_else_is_spelled_out(text: str, shown: str) -> None:
    assert ansi(text) == Markup(shown)


def test_tokens_are_coloured_by_how_sure_the_model_was() -> None:
    assert [level_of(math.log(p)) for p in (1.0, 0.9, 0.89, 0.5, 0.1, 0.011, 0.001)] == [0, 0, 1, 1, 2, 3, 4]
    assert level_of(math.nan) == level_of(-math.inf) == 4
    told = replace(step("view"), action=Action("view", tokens=sampled(-0.01, -0.02, -5.0)))
    part = render("steps.html", steps=[(1, told)], here="")
    assert "3 tokens sampled, mean log p -1.68" in part
    assert '<span class="fed">3 fed</span> <span class="p0" title="p 0.9 and more">10 11</span>' in part
    assert '<span class="p4" title="p less than 0.01">12</span>' in part
    assert "3\t12\t-5.0000\tyes" in part


def test_plans_and_claims_are_told_a_line_each() -> None:
    assert arguments_of(STEPS[2]) == ([], [("subtasks", "● find it\n○ mend it")])
    assert arguments_of(STEPS[-1]) == ([], [("claims", "tests_pass\nchanged other.py")])
    assert arguments_of(step("plan", subtasks="odd", claims=[1])) == ([("subtasks", "odd"), ("claims", "[1]")], [])


def test_the_advantage_is_the_reward_less_the_mean_of_its_group(store: EpisodeStore) -> None:
    said = tuple(replace(each, action=replace(each.action, tokens=sampled(-1.0, -2.0))) for each in STEPS[:2])
    good, poor = (replace(episode(resolved=r, steps=said), policy="local@3") for r in (True, False))
    for each in (good, poor, replace(episode(), policy="local@4")):
        store.add(each)
    told = ledger(good, store.summaries())
    assert told is not None
    assert (told.turns, told.fed, told.sampled, told.mean, told.group) == (2, 6, 4, -1.5, 2)
    assert told.advantage == pytest.approx(0.25)
    assert ledger(episode(), store.summaries()) is None, "no model acted"
    assert "Advantage" in html_page(store, good.id)
    assert "No advantage" in render_of(store, replace(good, reward=None))


def render_of(store: EpisodeStore, told: Episode) -> str:
    store.add(replace(told, id=told.id + "-again"))
    return html_page(store, told.id + "-again")


def test_a_run_is_told_from_its_index(store: EpisodeStore) -> None:
    for number in range(PAGE + 5):
        store.add(episode(resolved=number % 2 == 0, steps=STEPS[:1]))
    page = run_page("first", store, Filter())
    assert (page.found, page.total, len(page.shown), page.rate.successes) == (PAGE + 5, PAGE + 5, PAGE, 53)
    assert [(term.name, round(term.mean, 2)) for term in page.terms] == [("outcome", 0.25), ("milestones", 0.25)]
    assert [(group.name, group.episodes) for group in page.stops] == [("reported", PAGE + 5)]
    second = run_page("first", store, Filter(page="2"))
    assert (second.first, len(second.shown)) == (PAGE + 1, 5)
    assert not {each.id for each in second.shown} & {each.id for each in page.shown}
    assert run_page("first", store, Filter(least="cheap")).wrong == "a reward is a number, not 'cheap'"


def test_half_a_surrogate_pair_can_be_asked_for(store: EpisodeStore) -> None:
    store.add(replace(episode(), policy="half \ud83d"))
    assert store.find(Query(policy="half \ud83d")).total == 1


def test_what_was_read_is_read_again_only_when_it_went_on(store: EpisodeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def task_of(told: Episode) -> Task | None:
        asked.append(told.task)
        return None

    read: list[str] = []
    get = EpisodeStore.get
    monkeypatch.setattr(EpisodeStore, "get", lambda self, name: (read.append(name), get(self, name))[1])
    shelf = Shelf(task_of)
    store.add(done := episode())
    begun = replace(episode(), steps=(), stop=StopReason.INTERRUPTED, reward=None, verdict=None, terms=())
    store.begin(begun)
    for _ in range(3):
        shelf.episode(store, done.id)
        assert len(shelf.episode(store, begun.id).episode.steps) == 0
    store.step(begun.id, STEPS[0])
    assert len(shelf.episode(store, begun.id).episode.steps) == 1
    shelf.episode(store, done.id)
    assert read == [done.id, begun.id, begun.id]


def test_a_fork_names_its_parent_and_a_cut_output_is_there_whole(store: EpisodeStore) -> None:
    cut = replace(step("run", "begins […] ends"), output="begins\nneedle\nends", thought_s=1.5)
    fork = replace(episode(steps=(cut,)), ancestry=Ancestry("1m8acd5np-x9gtajry", 3, Change.HINT, "<b>look</b>"))
    store.add(fork)
    page = html_page(store, fork.id)
    assert "forked from 1m8acd5np-x9gtajry after 3 steps: a hint" in page
    assert "&lt;b&gt;look" in page
    assert "1.50 s to choose it" in render("steps.html", steps=[(1, cut)], here="")
    site = TestClient(
        viewer(lambda: {"first": store.folder}, lambda: (), task_of=lambda _: None), base_url="http://127.0.0.1:8765"
    )
    shown = site.get(f"/runs/first/episodes/{fork.id}?q=NEEDLE").text
    assert "1 step with it" in shown
    assert "/runs/first/episodes/1m8acd5np-x9gtajry?from=3#step-3" in shown
    assert "forked from" in site.get("/runs/first").text


def test_files_stand_as_a_tree_with_the_first_of_many() -> None:
    many = [f"data/d{number}.json" for number in range(MOST_FILES + 2)]
    told = [(row.text, row.depth, row.path) for row in rows(["a.py", "src/deep/x.py", "src/y.py", *many])]
    assert told[:4] == [("src/", 0, ""), ("deep/", 1, ""), ("x.py", 2, "src/deep/x.py"), ("y.py", 1, "src/y.py")]
    assert told[-2:] == [("… and 2 more", 1, ""), ("a.py", 0, "a.py")]


def test_the_example_comes_along() -> None:
    with example_run() as folder:
        told = list(EpisodeStore(folder).episodes())
        assert [each.policy for each in told] == ["mistaken", "oracle"]
        assert all(each.resolved for each in told)
        assert all("task_folder" not in each.versions for each in told)
        shown = viewer(lambda: {"example": folder}, lambda: (), task_of=lambda _: None)
        pages = TestClient(shown, base_url="http://127.0.0.1:8765")
        assert pages.get("/").text.count('class="row"') == 2
    assert not folder.exists()


def test_damage_is_told_in_a_page(store: EpisodeStore) -> None:
    store.add(told := episode(steps=STEPS * 5))
    store.close()
    (segment,) = (store.folder / "segments").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    with pytest.raises(EpisodeDamaged):
        html_page(store, told.id)
    site = viewer(lambda: {"first": store.folder}, lambda: (), task_of=lambda _: None)
    shown = TestClient(site, base_url="http://127.0.0.1:8765").get(f"/runs/first/episodes/{told.id}")
    assert shown.status_code == 404
    assert re.search("is lost|damaged", shown.text)


def test_the_page_is_exported_as_one_file(store: EpisodeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store.add(told := episode())
    done = CliRunner().invoke(app, ["export", "last", "--run", str(store.folder), "--html"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / f"{told.id}.html").read_text(encoding="utf-8")
    assert page == html_page(store, told.id)
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(page)
    assert not re.search(r'(?:src|href|action)="(?!#|data:,")[^"]+"', page), "it asks nothing of anybody"
    assert CliRunner().invoke(app, ["export", "--run", str(store.folder), "--html", "--all"]).exit_code == 2


def test_what_a_model_wrote_before_its_call_is_shown_and_the_call_is_not_said_twice(store: EpisodeStore) -> None:
    spoken = replace(STEPS[1], action=Action("test", {}, '<b>Hm.</b>\n{"tool": "test"}'))
    silent = replace(STEPS[1], action=Action("test", {}, '{"tool": "test"}'))
    with store:
        store.add(told := episode(steps=(spoken, silent)))
    site = viewer(lambda: {"first": store.folder}, list, task_of=lambda _: None)
    shown = TestClient(site, base_url="http://127.0.0.1:8765").get(f"/runs/first/episodes/{told.id}")
    assert shown.text.count('class="said"') == 1 and "&lt;b&gt;Hm.&lt;/b&gt;" in shown.text


@pytest.mark.slow
def test_a_folder_without_runs_shows_the_example_until_it_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "journeyman", "view", "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=hears_ctrl_c
    ) as viewing:
        assert viewing.stdout is not None
        told = [viewing.stdout.readline() for _ in range(2)]
        assert "here is the recorded example" in told[0]
        address = re.search(r"http://[\d.:]+/", told[1])
        assert address, told
        page = httpx.get(address[0], follow_redirects=True, timeout=60)
        assert page.text.count('class="row"') == 2
        viewing.send_signal(signal.SIGINT)
        assert viewing.stdout.read() == ""
    assert viewing.returncode == 0
