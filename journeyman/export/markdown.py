"""An episode as a summary for a pull request: short, and safe to paste wherever Markdown is shown.

Whatever an episode holds is hostile: it stands in a code span or in a fence longer than any run of backticks in it,
with control characters spelled out, so that nothing in it is markup, a mention or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from journeyman.envs.claims import Finding, findings_of
from journeyman.envs.episode import Episode, RewardTerm, Step, TestRun
from journeyman.tasks.verdict import Outcome
from journeyman.terminal import line, plural, visible

T = TypeVar("T")
MAX_CHARS = 50_000
"""What the bounds below come to. A pull request's text may have 65,536; people write something around it."""
_SPAN_CHARS = 120
_INSTRUCTION_CHARS = 3_000
_DIFF_CHARS = 20_000
_LISTED = 15
_CHANGED = re.compile(r"^(?:\+\+\+ b/|--- a/)(.+)$", re.MULTILINE)


def to_markdown(episode: Episode) -> str:
    """What the task was, what was changed, tests before and after, claims with verdicts, the reward."""
    parts = [
        f"# {code(episode.task)}: {_outcome(episode)}",
        f"{code(episode.policy)}, {plural(len(episode.steps), 'step')} in {episode.duration_s:.1f} s, ended by "
        f"`{episode.stop.value}`; episode {code(episode.id)}",
        "## The task",
        fence(episode.first.text, _INSTRUCTION_CHARS),
        "## What was changed",
        *_changes(episode.steps),
        "## Tests",
        *_tests(episode),
        "## Claims",
        _listed(findings_of(episode.steps), _claim) or "None was made.",
        "## Reward",
        "Unscored." if episode.reward is None else f"**{episode.reward:g}**",
        _listed(episode.terms, _term),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def code(text: str) -> str:
    """A text as a code span of one line, shortened; nothing for nothing."""
    if not text:
        return ""
    shown = _few_ticks(line(text[:_SPAN_CHARS])[:_SPAN_CHARS])
    ticks = "`" * (1 + _longest_run(shown))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(text: str, limit: int, language: str = "text") -> str:
    """A text in a fence that it cannot leave, at most `limit` characters of it."""
    shown = visible(text[:limit])
    cut = "\n[… the rest is left out]" if len(text) > limit or len(shown) > limit else ""
    shown = _few_ticks(shown[:limit])
    ticks = "`" * max(3, 1 + _longest_run(shown))
    return f"{ticks}{language}\n{shown.rstrip(chr(10))}{cut}\n{ticks}"


def _few_ticks(text: str) -> str:
    """So that what goes around it stays short."""
    return re.sub("`{10,}", "`````…", text)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _outcome(episode: Episode) -> str:
    if episode.verdict is None:
        return "not graded"
    return {True: "resolved", False: "not resolved", None: "unscored"}[episode.verdict.resolved]


def _listed(items: Sequence[T], shown: Callable[[T], str]) -> str:
    """A list of bounded length that says how much it leaves out."""
    rows = [f"- {shown(item)}" for item in items[:_LISTED]]
    more = [f"- … and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return "\n".join(rows + more)


def _changes(steps: Sequence[Step]) -> Iterator[str]:
    diffs = [(number, step.diff) for number, step in enumerate(steps, 1) if step.diff]
    if not diffs:
        yield "Nothing."
        return
    paths: dict[str, list[int]] = {}
    for number, diff in diffs:
        for path in dict.fromkeys(_CHANGED.findall(diff)):
            paths.setdefault(path, []).append(number)
    yield _listed(list(paths), lambda path: f"{code(path)}, in step {', '.join(map(str, paths[path][:_LISTED]))}")
    yield "<details><summary>Step by step</summary>"
    yield fence("\n".join(f"# step {number}\n{diff.rstrip()}" for number, diff in diffs), _DIFF_CHARS, "diff")
    yield "</details>"


def _tests(episode: Episode) -> Iterator[str]:
    runs = [(number, step.tests) for number, step in enumerate(episode.steps, 1) if step.tests is not None]
    if runs:
        (first, before), (last, after) = runs[0], runs[-1]
        yield f"- first, in step {first}: {_counts(before)}\n- last, in step {last}: {_counts(after)}"
        yield _listed([*after.failed, *after.errors], lambda name: f"✗ {code(name)}")
    else:
        yield "The policy ran none."
    if (verdict := episode.verdict) is not None:
        passed = f"{verdict.passed} of {len(verdict.outcomes)} checks passed"
        yield f"Graded afterwards: {passed} (`{verdict.assurance.value}`)."
        failed = [(check, outcome) for check, outcome in verdict.outcomes.items() if outcome is not Outcome.PASSED]
        yield _listed(failed, lambda each: f"✗ {code(each[0])} {each[1].value}")


def _counts(run: TestRun) -> str:
    return f"{len(run.passed)} passed, {len(run.failed)} failed, {plural(len(run.errors), 'error')}"


def _claim(finding: Finding) -> str:
    about = f"{finding.claim.kind} {code(finding.claim.subject)}".rstrip()
    return f"**{finding.standing.value}**: {about} ({code(finding.evidence)})"


def _term(term: RewardTerm) -> str:
    return f"{code(term.name)} {term.weight:g} × {term.value:g}: {code(term.source)}"
