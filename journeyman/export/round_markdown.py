"""A round's report as Markdown. What an episode wrote stands in code spans and fences that it cannot leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from journeyman.export.markdown import code, fence
from journeyman.terminal import plural, typed
from journeyman.training.round_decision import rates
from journeyman.training.round_report import DIFF_CHARS, TEST_CHARS, Attempt, RoundReport, RunReport, Shift
from journeyman.training.stats import Rate

_LISTED = 20
_SUSPICIONS = 5


def round_to_markdown(report: RoundReport) -> str:
    """What was decided and why, the rates, what got better and worse, what it cost, what looks like hacking."""
    parts = [
        f"# Round {report.number}: {outcome(report)}",
        f"{report.decision.why}. The level of round {report.number} was {report.decision.level:.3g}.",
        "\n".join(f"- {line}" for line in report.decision.advice),
        *_rates(report),
        *_shifts("Got better", report.gained),
        *_shifts("Got worse", report.lost),
        *_work(report),
        *_feedback(report),
        *_audit(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def run_to_markdown(report: RunReport) -> str:
    """All rounds in one table, and the last word."""
    rows = []
    for each in report.rounds:
        rates = each.rates or (None, None)
        spent = [f"{each.tokens:,}", f"{each.minutes:.1f}"]
        link = f"[{each.number}]({each.folder.name}/report.md)"
        rows.append([link, *map(rate, rates), _p(each), outcome(each), *spent])
    parts = [
        f"# Rounds of {code(str(report.plan['model']))}",
        table(["round", "champion", "candidate", "p", "outcome", "tokens", "minutes"], rows),
        "## The last word",
        last_word(report),
    ]
    return "\n\n".join(parts) + "\n"


def outcome(report: RoundReport) -> str:
    return {True: "accepted", False: "no improvement", None: "nothing to test"}[report.decision.accepted]


def last_word(report: RunReport) -> str:
    """First and last champion on the held-out tasks that decided no round."""
    if report.final is None:
        return "No candidate was accepted, so there is none to measure on the tasks kept for it."
    base, best, decision = report.final
    first, last = rates(best, base)
    word = "better" if decision.accepted else "not shown to be better"
    return (f"On held-out tasks that decided no round, the last champion solves {last}, the first model "
            f"{first}: {word} ({decision.why}).")  # fmt: skip


def rate(value: Rate | None) -> str:
    if value is None or not value.trials:
        return "–"
    low, high = value.interval
    return f"{value.successes}/{value.trials} = {value.value:.1%} ({low:.1%} to {high:.1%})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are ours or code spans; a bar in one would end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines)


def replay(attempt: Attempt) -> str:
    """The command that shows an episode; ids and paths are ours."""
    return f"journeyman replay {attempt.result.episode} --run {typed(attempt.run)}"


def view(attempt: Attempt) -> str:
    """The command that shows all of its run in the browser."""
    return f"journeyman view --run {typed(attempt.run)}"


def _p(report: RoundReport) -> str:
    return "–" if report.decision.accepted is None else f"{report.decision.pairs.p_value:.3g}"


def _rates(report: RoundReport) -> Iterator[str]:
    if report.champion is None or report.candidate is None or report.rates is None:
        return
    yield "## Held-out tasks"
    first, second = report.rates
    sides = (
        ("champion", report.champion_model, first, report.champion),
        ("candidate", report.candidate_model, second, report.candidate),
    )
    rows = [[name, code(model), rate(solved), _counts(side.stops)] for name, model, solved, side in sides]
    yield table(["", "model", "resolved (95% interval)", "ended by"], rows)
    if report.reused:
        yield "Some of these tasks decided an earlier round too: there are too few held-out tasks for all rounds."


def _shifts(title: str, shifts: Sequence[Shift]) -> Iterator[str]:
    if not shifts:
        return
    yield f"## {title}: {len(shifts)}"
    rows = [[code(each.task), f"`{replay(each.champion)}`", f"`{replay(each.candidate)}`"] for each in shifts[:_LISTED]]
    yield table(["task", "champion", "candidate"], rows)
    yield f"All in the browser: `{view(shifts[0].champion)}`, `{view(shifts[0].candidate)}`"
    if len(shifts) > _LISTED:
        yield f"and {len(shifts) - _LISTED} more"
    for each in shifts:
        for name, attempt in (("champion", each.champion), ("candidate", each.candidate)):
            if attempt.diff or attempt.test:
                yield f"{code(each.task)}, {name}: {'solved' if attempt.result.resolved else 'not solved'}"
                yield fence(attempt.diff, DIFF_CHARS, "diff") if attempt.diff else "No change."
                yield fence(attempt.test, TEST_CHARS) if attempt.test else "No test was run."


def _work(report: RoundReport) -> Iterator[str]:
    yield "## What it took"
    yield table(
        ["episodes", "how many", "solved", "tokens", "seconds", "for a solved one"],
        [[each.what, str(each.episodes), str(each.solved), f"{each.tokens:,}", f"{each.seconds:,.0f}", each.per_solved]
         for each in report.costs],
    )  # fmt: skip
    yield "Time on the clock: " + ", ".join(f"{stage} {spent:,.0f} s" for stage, spent in report.seconds.items())
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
    left = f"; left out: {reasons}" if reasons else ""
    yield (f"{plural(len(report.pool), 'task')} played, {report.dropped} dropped as solved; "
           f"{plural(report.chosen, 'episode')} imitated{left}.")  # fmt: skip
    if report.corrections:
        yield report.corrections
    if report.losses:
        yield f"SFT loss {report.losses[0]:.3f} → {report.losses[-1]:.3f} over {len(report.losses)} log entries."
    if report.rewards:
        yield "GRPO's mean reward by step: " + ", ".join(f"{value:.2f}" for value in report.rewards)


def _feedback(report: RoundReport) -> Iterator[str]:
    if report.feedback:
        yield "## What people said"
        yield "\n".join(f"- {each}" for each in report.feedback)


def _audit(report: RoundReport) -> Iterator[str]:
    yield "## What looks like hacking the reward"
    for name, found in report.audit.items():
        if not found:
            yield f"{name}: nothing."
            continue
        yield f"{name}: {_counts(Counter(str(each.sign) for each in found))}."
        rows = [f"- {each.sign}: {code(each.evidence)} ({code(each.episode)})" for each in found[:_SUSPICIONS]]
        yield "\n".join(rows)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
