"""`journeyman round` from the outside, and its reports, in which nothing that an agent wrote is more than text."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Step
from journeyman.envs.observation import Observation
from journeyman.export.round_markdown import round_to_markdown, run_to_markdown
from journeyman.training.round_report import read_run
from journeyman.training.rounds import run_rounds
from journeyman.viewer.rounds import round_page, run_page, trend, whiskers
from tests.journeyman.conftest import Call
from tests.journeyman.hostile_texts import MARKUP
from tests.training.round_kit import Dealer, Trainers, workshop

HOSTILE = "\n".join((*MARKUP, "``````", "| a | b |", "\x1b[2J", "\u202e", "![x](//evil.example/y)"))


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two rounds; what was edited in them is hostile."""
    folder = tmp_path_factory.mktemp("rounds")
    diff = f"--- a/{MARKUP[0]}\n+++ b/it.py\n@@ -1 +1 @@\n+" + HOSTILE.replace("\n", "\n+")
    step = Step(Action("edit", {"path": "it.py", "line": 1, "new": HOSTILE}), Observation(HOSTILE), diff=diff)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        run_rounds(workshop(folder, engine=Dealer(step=step)), 2)
    yield folder / "rounds"


class Tags(HTMLParser):
    """The tags of a page, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.words = set[str](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs), attrs
        for name, value in attrs:
            assert name not in ("href", "src") or re.fullmatch(r"#main|data:,|round-\d+/report\.html", value or ""), (
                value
            )

    def handle_data(self, data: str) -> None:
        self.words += data


def test_pages_hold_hostile_texts_as_text(rounds: Path) -> None:
    report = read_run(rounds)
    allowed = {
        "html", "head", "meta", "link", "style", "title", "body", "a", "header", "span", "main", "h1", "h2", "h3", "p",
        "section", "div", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "svg", "g", "line", "circle",
        "text", "polyline", "details", "summary", "footer", "b", "br", "ul", "li", "i",
    }  # fmt: skip
    for page in (round_page(report.rounds[0]), round_page(report.rounds[1]), run_page(report)):
        found = Tags(page)
        assert found.tags <= allowed, found.tags - allowed
        assert "\x1b" not in page and "\u202e" not in page
        assert page.count("<title>Round") + page.count("<title>Rounds") >= 1
    assert MARKUP[0] in Tags(round_page(report.rounds[0])).words, "and it is shown"
    assert html.escape(MARKUP[0]) in round_page(report.rounds[0])


def test_markdown_holds_hostile_texts_in_its_fences(rounds: Path) -> None:
    report = read_run(rounds)
    text = round_to_markdown(report.rounds[0])
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.S | re.M)
    assert MARKUP[0] in text
    assert "<" not in outside and "evil" not in outside and "\x1b" not in text
    assert "## Got better: 8" in outside
    assert "[1](round-001/report.md)" in run_to_markdown(report)


def test_a_report_says_what_was_decided_what_it_cost_and_what_looks_like_hacking(rounds: Path) -> None:
    first, second = read_run(rounds).rounds
    assert first.decision.accepted and len(first.gained) == 8 and not first.lost
    assert [bool(each.candidate.diff) for each in first.gained] == [True] * 3 + [False] * 5
    champion = next(cost for cost in first.costs if cost.what == "champion")
    assert (champion.episodes, champion.solved, champion.seconds) == (12, 1, 24.0)
    assert champion.per_solved == "0 tokens, 24.0 s"
    assert {each.sign for each in first.audit["champion"]} == {"tests changed"}
    assert second.decision.accepted is False
    assert "tests changed" in round_to_markdown(first)
    assert "held-out tasks to be seen" in round_to_markdown(second)


def test_show_and_report_read_what_is_there(rounds: Path, call: Call) -> None:
    shown = call("round", "show", rounds)
    assert shown.exit_code == 0, shown.output
    assert "accepted" in shown.stdout and "no improvement" in shown.stdout
    assert "On held-out tasks that decided no round" in shown.stdout
    written = call("round", "report", rounds)
    assert written.exit_code == 0, written.output
    assert (rounds / "report.html").is_file() and (rounds / "round-002/report.md").is_file()
    state = json.loads(call("round", "show", rounds, "--json").stdout)
    assert [each["decision"]["accepted"] for each in state["rounds"]] == [True, False]
    assert state["rounds"][0]["model"] == "round-001/train/model"


def test_show_says_where_an_unfinished_round_is(tmp_path: Path, call: Call) -> None:
    run_rounds(workshop(tmp_path, crew=Trainers()), 1, review=True)
    shown = call("round", "show", tmp_path / "rounds")
    assert shown.exit_code == 0, shown.output
    assert "review (1 of 6 done)" in shown.stdout
    assert call("round", "report", tmp_path / "rounds").exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nowhere"), "no rounds in nowhere"),
        (("report", "nowhere"), "no finished round in nowhere"),
        (("run", "--plan", "nowhere.toml"), "not a plan in TOML"),
        (("run", "--method", "magic"), "method 'magic'"),
        (("run", "--set", "sft.speed=3"), "[sft] of the plan"),
        (("run", "--set", "grpo.group_size=1"), "group_size must be at least 2"),
        (("run", "--tasks", "tilt-line-rounding"), "did you mean till-line"),
        (("run", "--tasks", "till-line-rounding", "--heldout", "till-line-rounding"), "kin of what was trained on"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, backend: str, words: tuple[str, ...], said: str) -> None:
    done = call("round", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_drawings_of_little_are_little() -> None:
    assert whiskers([]) == "" and trend([1.0], "loss") == ""
    assert "loss from 2.000 to 1.000" in trend([2.0, 1.0], "loss")
