"""Rules about how an episode went: what was done when, and what was not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath

from journeyman.envs.actions import MALFORMED
from journeyman.envs.guidelines.rule import (
    RuleFinding,
    RuleSettings,
    Seen,
    calls_of,
    changes,
    counted,
    every_step,
    first_change,
    kept,
    rule,
    share,
    silent,
)
from journeyman.envs.guidelines.rules_change import NO_CHANGE
from journeyman.envs.text import shorten


class Commands(RuleSettings):
    commands: tuple[str, ...] = (
        "git push", "git reset", "git checkout", "curl", "wget", "pip install", "npm install", "rm -rf",
    )  # fmt: skip
    """How a forbidden command begins, option words left out unless they are named."""


class Whole(RuleSettings):
    whole: bool = False
    """Whether only a run of all tests counts."""


@rule("tests-after-last-edit", Whole)
def tests_after_last_edit(seen: Seen, settings: Whole) -> RuleFinding:
    """Tests are run after the last change, before it is reported."""
    if not seen.changing:
        return silent(NO_CHANGE)
    last = seen.changing[-1]
    for number, step in enumerate(seen.steps[last:], last + 1):
        if step.tests is not None and not (settings.whole and step.action.arguments.get("target")):
            return kept(f"step {number} ran tests, after the last change at step {last}", number)
    what = "run of all tests" if settings.whole else "test run"
    return RuleFinding(False, f"no {what} after the last change, at step {last}", 0.0, (last,))


@rule("plan-first", at=first_change)
def plan_first(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """A plan is made before the first change."""
    if not seen.changing:
        return silent(NO_CHANGE)
    first = seen.changing[0]
    for number, step in enumerate(seen.steps[: first - 1], 1):
        if step.action.tool == "plan" and step.observation.ok:
            return kept(f"step {number} plans, step {first} is the first change", number)
    return RuleFinding(False, f"no plan before the first change, at step {first}", 0.0, (first,))


@rule("look-first", at=changes)
def look_first(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """A file is looked at (`view`, `search`, `outline`, or named by an answer) before it is changed."""
    if not seen.changing:
        return silent(NO_CHANGE)
    shown, changing = [seen.episode.first.text], frozenset(seen.changing)
    found: dict[str, int] = {}
    for number, step in enumerate(seen.steps, 1):
        for file in seen.diffs[number - 1] if number in changing else ():
            if file.was_there and file.path not in found:
                found[file.path] = 0 if any(file.path in text for text in shown) else number
        looked = step.action.arguments.get("path")
        shown += [step.observation.text, *([normpath(looked)] if isinstance(looked, str) else [])]
    if not found:
        return silent("no file that was there was changed")
    return share(found, "changed unseen:", "every changed file was looked at before")


@rule("no-repeats", at=every_step)
def no_repeats(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """No action is taken again while nothing has changed since."""

    def places() -> Iterator[tuple[int, str]]:
        done: dict[str, int] = {}
        for number, step in enumerate(seen.steps, 1):
            said = step.action.text if step.action.tool == MALFORMED else ""
            key = json.dumps([step.action.tool, said, dict(step.action.arguments)], sort_keys=True, default=str)
            if key in done:
                yield number, f"`{shorten(step.action.tool, 40)}` again as at step {done[key]}"
            if step.diff:
                done.clear()
            done.setdefault(key, number)

    return counted(places(), "no action is repeated")


@rule("no-forbidden-commands", Commands, at=calls_of("run"))
def no_forbidden_commands(seen: Seen, settings: Commands) -> RuleFinding:
    """None of `commands` is run."""

    def places() -> Iterator[tuple[int, str]]:
        for number, step in enumerate(seen.steps, 1):
            command = step.action.arguments.get("command")
            if step.action.tool == "run" and isinstance(command, str):
                said = list(_simple(command))
                broken = (each for each in settings.commands if any(_is(words, each) for words in said))
                yield from ((number, f"`{each}`") for each in broken)

    return counted(places(), "no forbidden command was run")


_SHELL = re.compile(r"\b(?:ba|da|z)?sh\s+-\w*c\b|\beval\b")
_BEFORE = frozenset({"sudo", "env", "nohup", "time", "exec", "command", "xargs", "then", "do", "else"})
_WITH_VALUE = frozenset({"-C", "-c"})


def _simple(command: str) -> Iterator[list[str]]:
    """The words of each simple command in a command line, what stands before its name left out. They are read, not
    interpreted: who wants to hide a command from this can."""
    ends = r"[;&|\n()`{}]|\$\(" + (r"|[\"']" if _SHELL.search(command) else "")
    for part in re.split(ends, command):
        words = part.split()
        while words and (words[0] in _BEFORE or re.fullmatch(r"\w+=\S*", words[0])):
            words.pop(0)
        if len(words) > 2 and words[1] == "-m" and PurePosixPath(words[0]).name.startswith("python"):
            words = words[2:]
        if words:
            yield [PurePosixPath(words[0]).name, *words[1:]]


def _is(words: list[str], forbidden: str) -> bool:
    wanted = forbidden.split()
    plain = [
        word for before, word in zip(["", *words], words, strict=False)
        if not word.startswith("-") and before not in _WITH_VALUE
    ]  # fmt: skip
    return words[: len(wanted)] == wanted or plain[: len(wanted)] == wanted


RULES = (tests_after_last_edit, plan_first, look_first, no_repeats, no_forbidden_commands)
