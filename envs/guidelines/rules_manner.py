"""Rules about manner: by what a persona is known, in its words and in how it goes about a change.

They go by forms. "Because" with words behind it is a reason given, not a right one: whether it is right, a person or a
judge says. What a report quotes (`code`, "words") is not the policy's own tone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from journeyman.envs.actions import MALFORMED, TOOLS
from journeyman.envs.episode import Step
from journeyman.envs.guidelines.rule import (
    RuleFinding,
    RuleSettings,
    Seen,
    calls_of,
    changes,
    counted,
    kept,
    rule,
    share,
    silent,
    the_report,
)
from journeyman.envs.guidelines.rules_change import NO_CHANGE
from journeyman.envs.guidelines.rules_report import NO_REPORT, WORD
from journeyman.envs.text import shorten

READ = 20_000
"""Characters of a report, or of what stands before a call, that are read."""
_QUOTED = re.compile(r"`[^`\n]*`|\"[^\"\n]*\"")
_PLEASANTRIES = re.compile(
    r"^\W*(?:hi|hey|hello|dear|greetings|sure|certainly|of course|absolutely)\b"
    r"(?=\s*[,.!:]|\s+(?:there|all|team)\b)"
    r"|\bgood (?:morning|afternoon|evening|day)\b|\bthanks?\b(?! to\b)|\bthank you\b|\bsorry\b"
    r"|\bapolog(?:y|ies|i[sz]e)\b"
    r"|\b(?:great|good|excellent) question\b|\b(?:great|good|nice|excellent) (?:job|work)\b|\bwell done\b"
    r"|\b(?:happy|glad|pleased) to\b|\b(?:my|a) pleasure\b|\blet me know\b|\bfeel free\b"
    r"|\bhope (?:this|that|it) helps\b|\bgood luck\b|\bcheers\b|\b(?:kind|best) regards\b|\byou(?:'re| are) welcome\b"
    r"|\bplease don't hesitate\b"
    r"|\b(?:awesome|amazing|fantastic|wonderful|brilliant)\b",
    re.IGNORECASE,
)
_BELITTLING = re.compile(
    r"\b(?:obvious(?:ly)?|trivial(?:ly)?|of course|needless to say|stupid(?:ly)?|silly|idiotic|careless(?:ly)?"
    r"|sloppy|amateurish|any(?:one|body) (?:can|could|should) see|should have known|no-brainer)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|so that|due to|caused by|the cause (?:is|was)|the reason (?:is|was)|which is why|that is why"
    r"|therefore|hence)\b(?:\W+\w+){3}",
    re.IGNORECASE,
)
_DEFINED = re.compile(r"\b(?:def|class|function|func|fn|interface|struct)\s+(\w+)")
_NAME = re.compile(r"[^\W\d]\w{2,}")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "all and any are assert async await break class continue def del elif else except false finally for from "
        "global has if import into its lambda line lines none nonlocal not now one pass raise return self test tests "
        "that the this true try value was were while will with yield you",
    )
)
"""Words that stand in code and in any sentence: to say one names nothing."""


class Small(RuleSettings):
    files: Annotated[int, Field(ge=1)] = 1
    lines: Annotated[int, Field(ge=1)] = 20
    """A change of at most so many files and lines (added and removed ones together) needs no plan."""


class Parts(RuleSettings):
    least: Annotated[int, Field(ge=2)] = 3
    """Parts from which on a plan must be looked at again while there is work to do."""


class Aside(RuleSettings):
    most: Annotated[int, Field(ge=0)] = 12
    """Words before one call."""


class Remark(RuleSettings):
    least: Annotated[int, Field(ge=1)] = 4
    """Different words before a call that changes something."""


@rule("no-pleasantries", at=the_report)
def no_pleasantries(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """The report greets, thanks, praises and apologises nowhere."""
    return _free_of(seen, _PLEASANTRIES, "no pleasantry in the report")


@rule("no-belittling", at=the_report)
def no_belittling(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """The report calls nothing obvious or trivial, and nobody careless."""
    return _free_of(seen, _BELITTLING, "nothing and nobody is belittled in the report")


@rule("gives-a-reason", at=the_report)
def gives_a_reason(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """The report gives a reason in words ("because …"), and names what was changed."""
    if seen.report is None:
        return silent(NO_REPORT)
    if not seen.files:
        return silent(NO_CHANGE)
    last = len(seen.steps)
    reason, named = _REASON.search(_own_words(seen.report.summary)), _named(seen)
    if reason and named:
        return kept(f"{shorten(' '.join(reason.group().split()), 40)!r}, of {named}", last)
    missing = "gives no reason" if not reason else "names nothing that was changed"
    return RuleFinding(False, f"the report {missing}", 0.5 if reason or named else 0.0, (last,))


@rule("names-a-change", at=the_report)
def names_a_change(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """The report names something that was changed: a file, a function, or a name in the changed lines."""
    if seen.report is None:
        return silent(NO_REPORT)
    if not seen.files:
        return silent(NO_CHANGE)
    last = len(seen.steps)
    if named := _named(seen):
        return kept(f"the report names {shorten(named, 60)}", last)
    return RuleFinding(False, "the report names nothing that was changed", 0.0, (last,))


@rule("no-small-plan", Small, at=calls_of("plan"))
def no_small_plan(seen: Seen, settings: Small) -> RuleFinding:
    """No plan is made for a change of few `files` and `lines`, unless the task has several milestones."""
    if not seen.files:
        return silent(NO_CHANGE)
    verdict = seen.episode.verdict
    if verdict is not None and len(verdict.milestones) > 1:
        return kept(f"a project of {len(verdict.milestones)} milestones may be planned")
    lines = sum(len(file.added) + len(file.removed) for file in seen.files)
    size = f"{lines} line{'s' * (lines != 1)} in {len(seen.files)} file{'s' * (len(seen.files) != 1)}"
    if len(seen.files) > settings.files or lines > settings.lines:
        return kept(f"a change of {size} may be planned")
    plans = calls_of("plan")(seen)
    return counted(((number, f"a plan for a change of {size}") for number in plans), f"{size} changed without a plan")


@rule("plan-kept-up", Parts, at=lambda seen: _plans_and_end(seen))
def plan_kept_up(seen: Seen, settings: Parts) -> RuleFinding:
    """A plan of several parts is revised as they close, while there is work to do; none is open unsaid at the end."""
    plans = [(n, plan) for n in calls_of("plan")(seen) if (plan := _plan_at(seen.steps[n - 1])) is not None]
    if not plans or not seen.changing:
        return silent("there is no plan to keep up" if not plans else NO_CHANGE)
    (first, opening), (last, ending) = plans[0], plans[-1]
    if len(plans) == 1 and len(opening) < settings.least:
        return silent(f"a plan of fewer than {settings.least} parts may stand as it is")
    said = seen.report is not None and any(claim.gives_up for claim in seen.report.claims)
    left = [] if said else [part for part in ending if part == "open"]
    found = {"the plan's end": len(seen.steps) if left else 0}
    if len(opening) >= settings.least:
        before = [n for n, parts in plans[1:] if n < seen.changing[-1] and any(part != "open" for part in parts)]
        found["a revision on the way"] = 0 if before else first
    if not any(found.values()):
        return kept(f"planned at step {first}, last revised at step {last}", *(n for n, _ in plans))
    return share(found, "the plan is not kept up; missing:", "")


@rule("tests-between-files", at=changes)
def tests_between_files(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """Tests are run before another file is changed."""
    if len({file.path for number in seen.changing for file in seen.diffs[number - 1]}) < 2:
        return silent("fewer than two files were changed")
    changing, since = frozenset(seen.changing), set[str]()
    found: dict[str, int] = {}
    for number, step in enumerate(seen.steps, 1):
        if step.tests is not None:
            since = set()
        elif number in changing:
            now = {file.path for file in seen.diffs[number - 1]}
            found[f"step {number}"] = number if since - now else 0
            since |= now
    return share(found, "another file was changed without a test run in between:", "each file was tested by itself")


@rule("few-asides", Aside, at=lambda seen: _speaking(seen))
def few_asides(seen: Seen, settings: Aside) -> RuleFinding:
    """At most `most` words stand before a call, where a policy writes text."""
    speaking = _speaking(seen)
    if not speaking:
        return silent("the policy writes no text beside its calls")
    counts = {number: len(WORD.findall(_aside(seen.steps[number - 1]))) for number in speaking}
    found = {f"{count} words at step {number}": number * (count > settings.most) for number, count in counts.items()}
    return share(found, "too much is said:", f"at most {settings.most} words before a call")


@rule("says-before-changes", Remark, at=changes)
def says_before_changes(seen: Seen, settings: Remark) -> RuleFinding:
    """Where a policy writes text, it says something (`least` different words) before each call that changes files."""
    speaking = frozenset(_speaking(seen)) & frozenset(seen.changing)
    if not speaking:
        return silent("the policy writes no text beside its calls" if seen.changing else NO_CHANGE)
    found = {}
    for number in sorted(speaking):
        words = {word.casefold() for word in WORD.findall(_aside(seen.steps[number - 1]))}
        found[f"step {number}"] = 0 if len(words) >= settings.least else number
    return share(found, "changed without a word:", "something is said before each change")


def _plans_and_end(seen: Seen) -> Sequence[int]:
    plans = list(calls_of("plan")(seen))
    return sorted({*plans, len(seen.steps)}) if plans else ()


def _free_of(seen: Seen, pattern: re.Pattern[str], fine: str) -> RuleFinding:
    if seen.report is None:
        return silent(NO_REPORT)
    text, last = _own_words(seen.report.summary), len(seen.steps)
    return counted(((last, f"{shorten(each.group(), 40)!r}") for each in pattern.finditer(text)), fine)


def _own_words(text: str) -> str:
    """Without what is quoted; letters of other alphabets' forms as the plain ones, so that "ｓｏｒｒｙ" is sorry."""
    plain = unicodedata.normalize("NFKC", text[:READ]).replace("\u2019", "'").replace("\u00ad", "")
    return _QUOTED.sub(" ", plain)


def _named(seen: Seen) -> str:
    """Something of the change that the report names; empty where it names nothing."""
    assert seen.report is not None
    said = seen.report.summary[:READ]
    for file in seen.files:
        if file.path in said:
            return file.path
    words = {part for word in WORD.findall(said) for part in (word.rstrip("."), *word.split("."))}
    files = [PurePosixPath(file.path) for file in seen.files]
    names = {name for file in files for name in (file.name, file.stem)} | _identifiers(seen)
    return min(words & names, default="")


def _identifiers(seen: Seen) -> set[str]:
    """Names in changed lines, and of what is defined in the diffs or was looked at in the changed files."""
    paths = [file.path for file in seen.files]
    found = {name for file in seen.files for line in (*file.added, *file.removed) for name in _NAME.findall(line.text)}
    for step in seen.steps:
        text = step.observation.text
        if step.diff:
            found.update(_DEFINED.findall(step.diff))
        elif step.action.tool == "view" and step.observation.ok and any(path in text for path in paths):
            found.update(_DEFINED.findall(text))
    return {name for name in found if len(name) > 2 and name.casefold() not in _COMMON}


def _plan_at(step: Step) -> tuple[str, ...] | None:
    """The states of a plan's parts; None where it was refused or cannot be read."""
    plan = step.action.parsed_or_none() if step.observation.ok else None
    return None if plan is None else tuple(part.status for part in plan.subtasks)


def _speaking(seen: Seen) -> Sequence[int]:
    """The steps (from 1) whose policy wrote text that holds a call."""
    return [
        n for n, step in enumerate(seen.steps, 1)
        if step.action.text and step.action.tool != MALFORMED and _call_at(step.action.text) is not None
    ]  # fmt: skip


def _aside(step: Step) -> str:
    """What a policy wrote before its call."""
    at = _call_at(step.action.text)
    return step.action.text[: min(at or 0, READ)]


def _call_at(text: str) -> int | None:
    """Where the call begins, whichever dialect it is written in: a line that begins with a tool's name, a fence or a
    brace; None where there is none."""
    place = 0
    for line in text[:READ].splitlines(keepends=True):
        head = line.lstrip()
        word = re.match(r"\w*", head)
        if head.startswith(("{", "```", "<tool_call>")) or (word and word.group().casefold() in _CALLS):
            return place
        place += len(line)
    return None


_CALLS = frozenset({*TOOLS, "replace"})


RULES = (
    no_pleasantries, no_belittling, gives_a_reason, names_a_change, no_small_plan, plan_kept_up, tests_between_files,
    few_asides, says_before_changes,
)  # fmt: skip
