"""`journeyman export` over a recorded run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, TestRun
from journeyman.envs.formats.atif import from_atif
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.export.asciinema import IDLE_S, READING_S, to_asciicast
from journeyman.export.markdown import MAX_CHARS, to_markdown
from tests.envs.formats.atif_rules import mistakes
from tests.envs.formats.test_atif import HOSTILE, hostile_episode
from tests.envs.test_codec import episodes
from tests.journeyman.test_cli_episode import CHECK, DIFF, call, episode, run

__all__ = ["run"]  # the fixture


def stored(folder: Path) -> list[Episode]:
    return list(EpisodeStore(folder).episodes())


def test_atif_of_one_episode_is_what_is_asked_for_without_more(run: Path) -> None:
    shown = call("export", "best")
    assert shown.exit_code == 0 and shown.stderr == ""
    trajectory = json.loads(shown.stdout)
    assert mistakes(trajectory) == []
    assert from_atif(trajectory) == EpisodeStore(run).get("best")


@pytest.mark.parametrize("to", ["atif", "chat"])
def test_a_whole_run_is_json_lines_in_ascii(run: Path, to: str) -> None:
    with EpisodeStore(run) as store:
        store.add(hostile_episode())
    done = call("export", "--all", "--format", to, "-o", "rows.jsonl")
    assert done.exit_code == 0 and done.stdout == "" and "4 episodes in rows.jsonl" in done.stderr
    text = Path("rows.jsonl").read_bytes()
    assert text.isascii() and b"\x1b" not in text
    rows = [json.loads(each) for each in text.decode().splitlines()]
    if to == "atif":
        assert [repr(from_atif(row)) for row in rows] == [repr(each) for each in stored(run)]
    else:
        assert [row["episode"] for row in rows] == [each.id for each in stored(run)]


def test_a_file_that_was_there_stays_when_the_new_one_cannot_be_written(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("kept.json").write_text("kept")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    done = call("export", "best", "-o", "kept.json")
    assert done.exit_code == 2 and "No space left" in done.stderr and done.stderr.count("\n") == 1
    assert Path("kept.json").read_text() == "kept" and not list(Path().glob(".*.part"))
    assert call("export", "best", "-o", "nowhere/a.json").exit_code == 2


def test_a_recording_replays_the_steps_at_their_pace(run: Path) -> None:
    slow = replace(episode(), steps=tuple(replace(step, duration_s=took) for step, took in zip(
        episode().steps, (0.01, 1.25, 3600.0), strict=True)))  # fmt: skip
    header, *events = map(json.loads, to_asciicast(slow).splitlines())
    assert header["version"] == 2 and header["timestamp"] == 1735689600 and header["title"] == "word-count, oracle"
    markers = [(at, text) for at, kind, text in events if kind == "m"]
    assert markers == [
        (READING_S, "step 1: view"), (READING_S + 1.25, "step 2: edit"), (READING_S + 1.25 + IDLE_S, "step 3: test"),
    ]  # fmt: skip
    shown = "".join(text for _, kind, text in events if kind == "o")
    for part in ("Mend f.", "-    return 1", "+    return 2", "1 failed", "resolved"):
        assert part in shown, part
    assert "\x1b[32m+    return 2" in shown and "edited \\x1b[31m" in shown, "ours is a colour, theirs is spelled out"
    assert [at for at, *_ in events] == sorted(at for at, *_ in events)
    refused = call("export", "--all", "--format", "asciinema")
    assert refused.exit_code == 2 and "writes one episode" in refused.stderr
    assert call("export", "best", "--format", "asciinema").stdout.startswith('{"version": 2')


COLOURS_AND_LINE_ENDS = re.compile(r"\x1b\[[\d;]*m|\r\n")


@given(episodes)
@settings(max_examples=15)
def test_a_recording_holds_no_control_code_but_our_own(episode: Episode) -> None:
    assert_inert(episode)


def test_a_recording_of_hostile_texts_holds_no_control_code_but_our_own() -> None:
    assert_inert(hostile_episode())


def assert_inert(episode: Episode) -> None:
    text = to_asciicast(episode)
    assert text.isascii()
    for row in map(json.loads, text.splitlines()[1:]):
        left = COLOURS_AND_LINE_ENDS.sub("", row[2])
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", left)


def test_markdown_says_what_a_reviewer_asks() -> None:
    report = Action("report", {"claims": [{"kind": "tests_pass"}, {"kind": "changed", "subject": "text.py"}]})
    solved = episode()
    before = Step(Action("test", {}), Observation("1 failed"), tests=TestRun((), (CHECK,)))
    after = Step(Action("test", {}), Observation("1 passed"), tests=TestRun((CHECK,)))
    steps = (before, solved.steps[1], after, Step(report, Observation("done")))
    text = to_markdown(replace(solved, steps=steps))
    for part in (
        "# `word-count`: resolved", "```text\nMend f.\n```", "- `text.py`, in step 2", DIFF.rstrip(),
        "- first, in step 1: 0 passed, 1 failed, 0 errors", "- last, in step 3: 1 passed, 0 failed, 0 errors",
        "Graded afterwards: 1 of 1 checks passed (`fresh`)", "- **supported**: tests_pass (`step 3 passed",
        "- **supported**: changed `text.py` (`step 2`)", "**1**", "- `outcome` 1 × 1: `1 of 1 checks`",
    ):  # fmt: skip
        assert part in text, part


def inert(text: str) -> bool:
    """Whether nothing but our own words stands outside of code: fences and spans are taken away first."""
    outside = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    outside = outside.replace("<details><summary>Step by step</summary>", "").replace("</details>", "")
    return not re.search(r"[<>\[\]`@\x00-\x09\x0b-\x1f\x7f]|script|break out", outside)


def test_hostile_texts_stay_in_their_fences_and_the_length_is_bounded() -> None:
    hostile = hostile_episode()
    every = "\n".join((*(text[:50] for text in HOSTILE), "````text", "@team #1 [x](javascript:1)", "`" * 60))
    many = tuple(f"{n}{every}" for n in range(40))
    diff = f"--- a/{every}\n+++ b/``x``\n" + every * 200
    step = Step(Action("test", {}), Observation(every), diff=diff, tests=TestRun((), many, many))
    claims = [{"kind": "fixed", "subject": each} for each in many]
    report = Step(Action("report", {"claims": claims}), Observation(""))
    worst = replace(
        hostile, task=every, policy=every, first=Observation(every * 200), steps=(*([step] * 9), report),
    )  # fmt: skip
    text = to_markdown(worst)
    assert len(text) <= MAX_CHARS and inert(text)
    assert inert(to_markdown(hostile))
    assert not inert("```text\n<b>\n```\n<b>"), "the check sees what is outside"


@given(episodes)
@settings(max_examples=15)
def test_any_episode_has_a_summary_of_bounded_length(episode: Episode) -> None:
    assert len(to_markdown(episode)) <= MAX_CHARS


def test_what_does_not_exist_is_one_clear_line(run: Path) -> None:
    for words, message in ((["zzz"], "no episode begins with 'zzz'"), (["--run", "nowhere"], "no episodes in nowhere")):
        shown = call("export", *words)
        assert shown.exit_code == 2 and message in shown.stderr and shown.stderr.count("\n") == 1
