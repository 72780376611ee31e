"""The words of two personas for the same work. Each sentence says what the record shows, and no more.

A persona has several wordings; which of them is said depends on a seed, so that what is learned from them is the manner
and not a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random

from journeyman.envs.actions import Report
from journeyman.policies.persona_record import Change, Record

TERSE, MENTOR = "terse-senior", "patient-mentor"
PERSONAS = (TERSE, MENTOR)
"""The personas that can be played, called as the guidelines that describe them."""
_WORD = re.compile(r"\w[\w'.-]*")
_MOST_WORDS = 20
_LEAST_WORDS = 18
_MOST_NAMED = 3

_TERSE_ONE = ("{where}: `{old}` is now `{new}`.", "`{old}` to `{new}` in {where}.")
_TERSE_ONE_RIGHT = (*_TERSE_ONE, "{where} had `{old}`, needs `{new}`.")
"""With what is said only where the tests bear it out; likewise below."""
_TERSE_SEVERAL = ("Changed {where}.", "{where} changed.")
_TERSE_SEVERAL_RIGHT = (*_TERSE_SEVERAL, "Fixed {where}.", "{where} mended.")
_TERSE_NEW = ("Wrote {where}.", "{where} written.", "Added {where}.")
_TERSE_TESTS = {
    "pass": ("Tests pass.", "All tests pass.", "Tests green."),
    "partly": ("Tests that were run pass.", "Partly tested: passes."),
    "fail": ("Tests still fail.", "Not all tests pass."),
    "none": ("Not tested since.", "Untested."),
}
_MENTOR_ONE = (
    "{where} in {file} said `{old}`; it says `{new}` now.",
    "The place is {where} in {file}: I turned `{old}` into `{new}`.",
)
_MENTOR_ONE_RIGHT = (*_MENTOR_ONE, "In {file}, {where} had `{old}` where `{new}` is needed.")
_MENTOR_SEVERAL = ("In {file} I changed {where}.", "The change is in {file}: I rewrote {where}.")
_MENTOR_FILES = ("I went through {file} one by one.", "The work is in {file}, taken step by step.")
_MENTOR_NEW = ("I wrote {file} from the problem's description.", "The new code is in {file}.")
_MENTOR_WHY = {
    "seen": (
        "I changed it because a test failed before; now all tests pass.",
        "It was needed because tests failed with the old code; they all pass now.",
    ),
    "pass": (
        "I changed it because the old code did not do what was asked; all tests pass now.",
        "It was needed because the problem asks for more; all tests pass now.",
    ),
    "partly": ("I changed it because the problem points there; the tests that I ran pass, others were not run.",),
    "fail": (
        "I changed it because I take it for the cause, but not all tests pass yet.",
        "I did so because the problem points there; some tests still fail, so this is not the whole answer.",
    ),
    "none": (
        "I changed it because I take it for the cause; no test run has shown that yet.",
        "I did so because the problem points there, and I have not run the tests since.",
    ),
}
_MENTOR_CHECK = ("To check it, run the tests again.", "You can see it for yourself by running the tests.")
_MENTOR_BLOCKED = (
    "I changed no file, because what the work needs is not there; once it is, somebody can go on from here.",
    "No file was changed, because the work cannot be done without what is missing, and a pretence would help nobody.",
)
_MENTOR_NOTHING = (
    "I changed no file of this repository, so whoever goes on can begin where I began: with the problem as it is told.",
)
PLANS = (
    ("Find the cause", "Mend and test it"),
    ("Read the code", "Change it and test"),
    ("Look for the fault", "Mend it, then test"),
)
"""A mentor's plan for one fault."""


def summary(persona: str, report: Report, record: Record, rng: Random) -> str:
    """The report's text in a persona's manner, in one line."""
    text = _terse(report, record, rng) if persona == TERSE else _mentor(report, record, rng)
    return " ".join(text.split())


def _terse(report: Report, record: Record, rng: Random) -> str:
    if not record.changes or _is_limited(report):
        return _cut(report.summary) or "Nothing changed."
    tests = rng.choice(_TERSE_TESTS[record.tests])
    found = [f"{sentence} {tests}" for sentence in _terse_sentences(record, rng)]
    return next((text for text in found if _count(text) <= _MOST_WORDS), f"Changed {_base(record.files[0])}.")


def _terse_sentences(record: Record, rng: Random) -> Iterator[str]:
    """From the most telling one to the shortest."""
    files = record.files
    if len(record.changes) == 1 and (quoted := record.changes[0].quoted):
        where = record.changes[0].function or _base(files[0])
        known = _TERSE_ONE_RIGHT if record.tests == "pass" else _TERSE_ONE
        shapes = rng.sample(known, len(known))
        yield from (shape.format(where=where, old=quoted[0], new=quoted[1]) for shape in shapes)
    changed = _TERSE_SEVERAL_RIGHT if record.tests == "pass" else _TERSE_SEVERAL
    shape = rng.choice(_TERSE_NEW if all(change.whole for change in record.changes) else changed)
    few = len(record.functions) <= _MOST_NAMED and all(change.function for change in record.changes)
    if few:
        yield shape.format(where=_listed(record.functions))
    for count in (_MOST_NAMED, 2, 1):
        more = len(files) - count
        yield shape.format(where=_listed([_base(file) for file in files[:count]], more))


def _mentor(report: Report, record: Record, rng: Random) -> str:
    if not record.changes:
        blocked = any(claim.kind == "blocked" for claim in report.claims)
        said = rng.choice(_MENTOR_BLOCKED if blocked else _MENTOR_NOTHING)
        return f"{_sentence(report.summary)} {said}".strip()
    why = "seen" if record.tests == "pass" and record.failed_before else record.tests
    parts = [_mentor_place(record, rng), rng.choice(_MENTOR_WHY[why])]
    if _is_limited(report) and report.summary.strip():
        parts.insert(0, _sentence(report.summary))
    if _different(" ".join(parts)) < _LEAST_WORDS:
        parts.append(rng.choice(_MENTOR_CHECK))
    if _different(" ".join(parts)) < _LEAST_WORDS:
        parts.append("What else the repository holds stands as it was before.")
    return " ".join(parts)


def _mentor_place(record: Record, rng: Random) -> str:
    files, changes = record.files, record.changes
    if len(changes) == 1 and (quoted := changes[0].quoted):
        where = changes[0].function or f"line {changes[0].line}"
        known = _MENTOR_ONE_RIGHT if record.tests == "pass" else _MENTOR_ONE
        return _capital(rng.choice(known).format(file=files[0], where=where, old=quoted[0], new=quoted[1]))
    names = _listed(files if len(files) == 1 else [_base(file) for file in files])
    if all(change.whole for change in changes):
        return rng.choice(_MENTOR_NEW).format(file=names)
    if len(files) > 1:
        return rng.choice(_MENTOR_FILES).format(file=names)
    few = 0 < len(record.functions) <= _MOST_NAMED
    return rng.choice(_MENTOR_SEVERAL).format(file=names, where=_listed(record.functions) if few else _size(changes))


def _size(changes: Sequence[Change]) -> str:
    lines = sum(len(change.new) for change in changes)
    return f"{lines} line{'s' * (lines != 1)}"


def _is_limited(report: Report) -> bool:
    """Whether it says that something could not be done: its own words on that are kept."""
    return any(claim.gives_up for claim in report.claims)


def _cut(text: str) -> str:
    """The first sentences of a text, as many as few words hold."""
    words, kept = " ".join(text.split()), ""
    for sentence in re.split(r"(?<=[.!?])\s+", words):
        if _count(f"{kept} {sentence}") > _MOST_WORDS:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or " ".join(words.split()[: _MOST_WORDS // 2])


def _sentence(text: str) -> str:
    said = " ".join(text.split())
    return said if not said or said[-1] in ".!?" else f"{said}."


def _listed(names: Sequence[str], more: int = 0) -> str:
    if more > 0:
        return f"{', '.join(names)} and {more} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _capital(text: str) -> str:
    """A sentence that begins with no name of the code begins with a capital."""
    return text[0].upper() + text[1:] if text.startswith("line ") else text


def _count(text: str) -> int:
    return len(_WORD.findall(text))


def _different(text: str) -> int:
    return len({word.casefold() for word in _WORD.findall(text)})
