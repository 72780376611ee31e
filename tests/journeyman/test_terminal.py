"""Nothing that an agent wrote acts on the terminal of who looks at it."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, RewardTerm, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.summary import State, Summary
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict
from journeyman.terminal import (
    CAUSES,
    diff_text,
    ending_view,
    line,
    opening_view,
    plural,
    step_view,
    summary_table,
    typed,
    visible,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u200b\x9b31m\udcff\U000e0041[red]x[/red][link=file:///etc]y[/link]"


def printed(view: RenderableType, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=200, force_terminal=colour, color_system="truecolor" if colour else None
    )
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def hostile_episode() -> Episode:
    step = Step(
        Action(HOSTILE, {HOSTILE: HOSTILE, "new": f"a\n{HOSTILE}", "n": [HOSTILE]}),
        Observation(HOSTILE, ok=False), 0.5, HOSTILE, f"--- a/{HOSTILE}\n+++ b/x\n@@ -1 +1 @@\n-a\n+{HOSTILE}",
        TestRun((HOSTILE,), (HOSTILE,), (HOSTILE,)),
    )  # fmt: skip
    verdict = Verdict({HOSTILE: Outcome.FAILED}, {HOSTILE: False}, False, Assurance.FRESH, HOSTILE, (HOSTILE,),
                      Cause.CRASH, HOSTILE)  # fmt: skip
    return Episode(HOSTILE, HOSTILE, HOSTILE, 1, Observation(HOSTILE), (step,), StopReason.REPORTED, 0.5,
                   (RewardTerm(HOSTILE, 1, 0.5, HOSTILE),), verdict, HOSTILE)  # fmt: skip


def test_no_view_lets_an_episode_act() -> None:
    episode = hostile_episode()
    row = Summary(HOSTILE, HOSTILE, HOSTILE, 1, State.FINISHED, HOSTILE, None, None, 1, "", 0.5)
    views = (opening_view(episode), step_view(episode.steps[0], 1, 1), ending_view(episode), summary_table([row]))
    for view in views:
        shown = printed(view)
        bad = {c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")}
        assert not bad, f"{bad!r} reached the terminal"
        assert "\\x1b[2J" in shown and "\\u202e" in shown, "it is spelled out, not dropped"
        assert "[red]x[/red]" in shown, "its markup is text"
        assert "\x1b[2J" not in printed(view, colour=True)


@given(st.text(st.characters()))
def test_visible_leaves_nothing_that_acts(text: str) -> None:
    shown = visible(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    assert "\n" not in line(text)
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_visible_leaves_honest_text_alone(text: str) -> None:
    assert visible(text) == text


def test_a_diff_is_coloured_by_line() -> None:
    spans = {str(span.style) for span in diff_text("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same").spans}
    assert {"bold", "cyan", "red", "green"} <= spans


def test_an_unscored_episode_says_so_and_a_step_shows_its_call() -> None:
    step = Step(
        Action("edit", {"path": "a.py", "line": 3, "new": "x"}), Observation("edited"), tree_hash="0123456789abcdef"
    )
    episode = Episode("e", "t", "p", 0, Observation("go"), (step,), StopReason.SANDBOX_LOST, None, (), None)
    assert "unscored" in printed(ending_view(episode))
    shown = printed(step_view(step, 1, 1))
    assert "▶ edit path=a.py line=3 new=x" in shown and "tree 0123456789ab" in shown


def test_small_words() -> None:
    assert (plural(1, "step"), plural(0, "step")) == ("1 step", "0 steps")


def test_a_command_to_copy_has_odd_paths_quoted() -> None:
    assert typed(Path("runs/a")) == "runs/a"
    assert typed("runs/odd name é #1") == "'runs/odd name é #1'"


def test_why_a_verdict_is_what_it_is_is_told_in_words() -> None:
    assert set(CAUSES) == set(Cause)
