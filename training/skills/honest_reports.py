"""The report that should have been given, from the record: what holds stays, what does not is said as it is.

Three kinds of examples come of it, so that a model learns neither to pretend nor to deny:

- a report with false claims, and the honest one in its place;
- a report that holds, and the same with a claim planted that the record refutes;
- the success of a solved episode whose tests showed it, and a needless "could not".

Where the task names something that the record shows to be missing, nothing was changed, and the verdict has nothing
against the files as they are, the honest report is a block that names it.

No claim that is made here is refuted by the record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from random import Random
from typing import Any

from journeyman.envs.actions import OF_REFUSAL, Claim, Report
from journeyman.envs.claims import Standing, check_claims, report_of
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.text import clean, shorten
from journeyman.training.honesty import OF_SUCCESS, before_report, is_honest_block
from journeyman.training.skills.limitations import NAMED, Facts, ToldClaim, counted, gone_by_record

KEPT = 6
"""So many claims that hold are taken over, the first ones."""
MAX_SUBJECT = 200
"""Characters of a claim's subject that is taken over; it may not be cut, so longer ones go."""
MAX_SUMMARY = 300
SAID = 2
"""So many limitations make the summary, and as many things are said to be not done."""
MAX_TEXT = 2000
"""Characters of a report that is shown as a good one."""
AT_LIMITS = (StopReason.STEP_LIMIT, StopReason.TOKEN_LIMIT, StopReason.TIME_LIMIT)
_SUCCEEDED = ("Done: the tests pass after the last change.", "Done, and the tests pass.", "The tests pass now.")
_REFUSED = ("I could not finish this.", "This is not done.", "I was not able to do it.", "Blocked.")
_REASONS = ("the tests cannot be run", "the change cannot be made", "something is missing", "it cannot be decided")
_ELSEWHERE = ("README.md", "CHANGELOG.md", "setup.py", "docs/index.md", "pyproject.toml", "tests/test_extra.py")
"""Files that a false claim may name where the record has no others."""


def honest_report(
    episode: Episode, told: Mapping[int, ToldClaim], people: Collection[int] = ()
) -> dict[str, Any] | None:
    """The report of an episode with what is false put right, as an action; None where nothing false is known.

    Args:
        told: by claim, what is known of it. Claims of which nothing is known stay, unless the record refutes them.
        people: the claims that a person judged. A person's word holds against the record.
    """
    report = report_of(episode.steps)
    wrong = {n: each for n, each in told.items() if each.label != "true" and each.limitation}
    if report is None or not any(each.label == "false" for each in wrong.values()):
        return None
    before = before_report(episode.steps)
    facts = Facts(before)
    refused = all(report.claims[n].gives_up for n in wrong) and facts.shows_success and episode.resolved
    kept = [
        claim for n, claim in enumerate(report.claims)
        if (n not in told or told[n].label == "true") and _is_plain(claim.subject)
    ]  # fmt: skip
    settled = {report.claims[n] for n in people if n < len(report.claims) and n in told and told[n].label == "true"}
    claims = [*kept[:KEPT]]
    if refused:
        summary = Random(episode.id).choice(_SUCCEEDED)
        claims.append(Claim(kind="tests_pass"))
    elif not people and (gone := gone_by_record(episode, facts)):
        summary = f"There is no {gone} here; nothing was changed."
        others = (claim for claim in claims if claim.kind != "blocked")
        claims = [Claim(kind="blocked", subject=f"no {gone}"), *others]
    else:
        sentences, left = list[str](), _open(facts)
        for n, each in sorted(wrong.items()):
            if n in people:
                names = [shorten(" ".join(each.limitation.split()), MAX_SUBJECT)]
            else:
                names = _left(report.claims[n], facts)
                claims += _was_run(report.claims[n], before, claims)
            if not names or not set(names) <= set(left):  # what is not done is said once, whatever claimed it
                sentences.append(each.limitation)
            left += names
        summary = _sentences(sentences or [each.limitation for each in wrong.values()])
        claims += _not_done(left)
    return _action(summary, _unrefuted(claims, before, settled))


def report_at_limit(episode: Episode) -> dict[str, Any] | None:
    """What an episode that a limit ended unsolved could have reported in the place of its last action; else None."""
    unsolved = episode.verdict is not None and episode.verdict.resolved is False
    if episode.stop not in AT_LIMITS or not unsolved or len(episode.steps) < 2:
        return None
    before = episode.steps[:-1]
    facts = Facts(before)
    failing, last_run = facts.failing(), facts.runs[-1][0] if facts.runs else 0
    if not failing and last_run > facts.last_change > 0:
        return None  # what it ran passed: nothing told it that something is left
    if gone := gone_by_record(episode, facts):
        summary = f"There is no {gone} here; nothing was changed."
        return _action(summary, [Claim(kind="blocked", subject=f"no {gone}")])
    if last_run <= facts.last_change and facts.last_change and facts.commands_after_it:
        return None  # a command may have run tests: what they said is not known here
    changed = dict.fromkeys(path for step in before for path in _paths(step))
    claims = [Claim(kind="changed", subject=path) for path in [*changed][:NAMED] if _is_plain(path)]
    claims += [Claim(kind="tests_run")] if facts.runs else []
    claims += _not_done([*_open(facts), *_left(Claim(kind="tests_pass"), facts)])
    lead = Random(episode.id).choice(("Not done.", "Not finished.", "This is not solved."))
    if last_run > facts.last_change and failing:
        summary = f"{lead} Still failing: {counted(facts.shown_failing(), len(failing))}."
    elif facts.last_change:
        summary = "The tests were not run after the last change."
    else:
        summary = f"{lead} Nothing was changed."
    return _action(shorten(summary, MAX_SUMMARY), _unrefuted(claims, before, ()))


def is_good(episode: Episode) -> bool:
    """Whether a report whose claims hold is to be shown: it claims something, is not too long, and does not give up on
    what is solved. Of what is not solved it must claim success that it saw, or say what is left: its words in between
    nobody has checked."""
    report = report_of(episode.steps)
    if report is None or not report.claims or len(report.model_dump_json()) > MAX_TEXT:
        return False
    if clean(report.summary) != report.summary or not all(_is_plain(claim.subject) for claim in report.claims):
        return False
    kinds = {claim.kind for claim in report.claims}
    if episode.resolved:
        return kinds.isdisjoint(OF_REFUSAL) or is_honest_block(episode)
    return not kinds.isdisjoint((*OF_SUCCESS, *OF_REFUSAL))


def with_planted_claim(episode: Episode) -> dict[str, Any] | None:
    """A report that holds, with one claim in it that the record refutes, as an action; None where none can be made."""
    report = report_of(episode.steps)
    if report is None:
        return None
    before, chance = before_report(episode.steps), Random(f"planted/{episode.id}")
    by_kind: dict[str, list[Claim]] = {}
    for finding in check_claims(_candidates(report, before), before):
        if finding.standing is Standing.CONTRADICTED:
            by_kind.setdefault(finding.claim.kind, []).append(finding.claim)
    if not by_kind:
        return None
    planted = chance.choice(by_kind[chance.choice(sorted(by_kind))])
    claims = [*report.claims]
    at = chance.randrange(len(claims) + 1)
    replaced = 1 if len(claims) > 1 and at < len(claims) and chance.random() < 0.5 else 0  # length alone tells nothing
    claims[at : at + replaced] = [planted]
    return _action(report.summary, claims)


def with_needless_refusal(episode: Episode) -> dict[str, Any] | None:
    """What gives up on an episode that is solved, though its own tests and its report say so; else None."""
    report = report_of(episode.steps)
    before = before_report(episode.steps)
    if report is None or not episode.resolved or not Facts(before).shows_success:
        return None
    if not any(claim.kind in OF_SUCCESS for claim in report.claims):
        return None
    chance = Random(f"refused/{episode.id}")
    changed = [claim for claim in report.claims if claim.kind == "changed"][:1]
    mended = [claim.subject for claim in report.claims if claim.kind in OF_SUCCESS and claim.subject]
    mended += [path for step in before for path in _paths(step) if _is_plain(path)]
    refusal = (
        Claim(kind="not_done", subject=chance.choice(mended)) if mended and chance.random() < 0.5
        else Claim(kind="blocked", subject=chance.choice(_REASONS))
    )  # fmt: skip
    return _action(chance.choice(_REFUSED), [*(changed if chance.random() < 0.5 else []), refusal])


def _candidates(report: Report, before: Sequence[Step]) -> list[Claim]:
    """Claims that may well be false."""
    facts = Facts(before)
    failing = facts.shown_failing()[:KEPT]
    looked_at = {str(step.action.arguments["path"]) for step in before if step.action.arguments.get("path")}
    changed = {path for step in before for path in _paths(step)}
    tested = {id_.partition("::")[0] for _, step in facts.runs for id_ in step.test_ids}
    beside = {f"tests/test_{PurePosixPath(path).stem}.py" for path in changed | looked_at}
    paths = [path for path in sorted((looked_at | tested) - changed) if "." in path.strip("./") and _is_plain(path)]
    found = [Claim(kind="changed", subject=path) for path in [*paths[:KEPT], *_ELSEWHERE]]
    found += [Claim(kind="changed"), Claim(kind="tests_run"), Claim(kind="tests_pass"), Claim(kind="fixed")]
    files = [*sorted(beside), *paths, *_ELSEWHERE]
    found += [Claim(kind="tests_run", subject=path) for path in files if "test" in path]
    found += [Claim(kind=kind, subject=id_) for id_ in failing for kind in OF_SUCCESS]  # type: ignore[arg-type]
    return [claim for claim in dict.fromkeys(found) if claim not in report.claims and _is_plain(claim.subject)]


def _was_run(claim: Claim, before: Sequence[Step], said: Sequence[Claim]) -> list[Claim]:
    """That tests were run stays true where they failed, or passed before the last change. It is said once."""
    told = any(each.kind == "tests_run" for each in said)
    if told or claim.kind not in OF_SUCCESS or not _is_plain(claim.subject):
        return []
    ran = Claim(kind="tests_run", subject=claim.subject)
    (finding,) = check_claims([ran], before)
    return [ran] if finding.standing is Standing.SUPPORTED else []


def _left(claim: Claim, facts: Facts) -> list[str]:
    """What is not done where a claim is false, by the record: failing tests, or what was said and is not so."""
    if claim.kind in OF_SUCCESS and facts.failing(claim.subject):
        return [*facts.shown_failing(claim.subject)[:NAMED]] or [claim.subject or "the failing tests"]
    if claim.kind in OF_SUCCESS and not facts.runs and not facts.last_change:
        return [claim.subject or "the change"]
    if claim.kind in OF_SUCCESS or claim.kind == "tests_run":
        return [claim.subject or ("run all tests again" if facts.runs else "run the tests")]
    return [claim.subject or "the change"] if claim.kind == "changed" else []


def _not_done(names: Sequence[str]) -> list[Claim]:
    """The first few that can be taken over."""
    plain = [name for name in dict.fromkeys(names) if _is_plain(name) and name != "."]
    return [Claim(kind="not_done", subject=name) for name in plain[:SAID]]


def _open(facts: Facts) -> list[str]:
    """The parts of the last plan that are not closed."""
    for step in reversed(facts.steps):
        if step.action.tool == "plan" and step.observation.ok and (plan := step.action.parsed_or_none()) is not None:
            return [subtask.title for subtask in plan.subtasks if subtask.status == "open"]
    return []


def _unrefuted(claims: Sequence[Claim], before: Sequence[Step], settled: Collection[Claim]) -> list[Claim]:
    """Each claim once, without what the record refutes."""
    findings = check_claims(list(dict.fromkeys(claims)), before)
    return [each.claim for each in findings if each.standing is not Standing.CONTRADICTED or each.claim in settled]


def _sentences(limitations: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    told = list(dict.fromkeys(limitations))
    more = f" And {len(told) - SAID} more." if len(told) > SAID else ""
    room = (MAX_SUMMARY - len(more)) // SAID - 1
    return " ".join(shorten(" ".join(each.split()), room) for each in told[:SAID]) + more


def _is_plain(subject: str) -> bool:
    """Whether a subject can be taken over: one short line without anything that a terminal or a model stumbles over."""
    return len(subject) <= MAX_SUBJECT and clean(subject) == subject and "\n" not in subject


def _paths(step: Step) -> tuple[str, ...]:
    path = step.action.arguments.get("path")
    return (str(path),) if step.diff and path and step.action.tool in ("edit", "write") else ()


def _action(summary: str, claims: Sequence[Claim]) -> dict[str, Any]:
    return {"tool": "report", "summary": summary, "claims": [claim.model_dump() for claim in claims]}
