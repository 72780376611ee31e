"""How it really was, where a report claims what is not so: told from the record alone, in short plain sentences.

Examples of false claims beside the true limitation teach a model to say what it does not know. People can write them
(training/feedback/corrected.py); most the record itself can decide. What is told here is only what the policy could
see: its own test runs, changes and refused looks. Nothing of a hidden check is in any sentence.

The same episode gives the same words, and another seed others that say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from journeyman.envs.actions import Claim
from journeyman.envs.blocks import says_missing
from journeyman.envs.changes import is_change
from journeyman.envs.claims import Finding, Standing, check_claims, findings_of, is_about
from journeyman.envs.claims_commands import command_of
from journeyman.envs.episode import Episode, Step
from journeyman.envs.text import clean, shorten
from journeyman.tasks.verdict import Outcome
from journeyman.training.honesty import OF_SUCCESS, before_report, false_claims, is_honest_block

MAX_CLAIMS = 40
"""So many claims of a report are told of, the first ones: a report may hold thousands."""
MAX_NAME = 90
"""Characters of a test's id, a path or a reason in a sentence."""
NAMED = 2
"""So many failing tests are named; the others are counted."""

Label = Literal["true", "false", "unverifiable"]
_LABELS: dict[Standing, Label] = {
    Standing.SUPPORTED: "true", Standing.CONTRADICTED: "false", Standing.UNVERIFIABLE: "unverifiable",
}  # fmt: skip
_MISSING = ("no file ", "no file or folder ")
"""How the refusal of a look at a path begins that is not there."""
_ASKED_BY = (("symbol", "function"), ("pattern", "function"), ("path", "file"))
"""Arguments of a look, and what they name."""
_NAME = re.compile(r"[\w@][\w.@/-]{1,99}")
Pick = Callable[..., str]


@dataclass(frozen=True, slots=True)
class ToldClaim:
    """What the record says of one claim."""

    claim: int
    """Its place in the report, from 0."""
    label: Label
    limitation: str = ""
    """How it really is; empty of a true one."""


def told_claims(episode: Episode, visible: Collection[str], *, seed: int = 0) -> tuple[ToldClaim, ...]:
    """What the record says of the claims of an episode's report, the first `MAX_CLAIMS` of them.

    Nothing is said of reasons and of work left undone that the record cannot decide: such a claim may well be honest.

    Args:
        visible: the checks that the policy could have looked at (`visible_checks`).
        seed: of the wording.
    """
    findings = findings_of(episode.steps)[:MAX_CLAIMS]
    if not findings:
        return ()
    facts = Facts(before_report(episode.steps))
    false = {(each.claim.kind, each.claim.subject) for each in false_claims(episode, visible)}
    needless, gone = is_needless_refusal(episode, facts), gone_by_record(episode, facts)
    told = []
    for number, finding in enumerate(findings):
        claim = finding.claim
        label = _LABELS[finding.standing]
        if (claim.kind, claim.subject) in false or (needless and _says_nothing_was_done(claim, facts)):
            label = "false"
        if label == "unverifiable" and claim.kind not in OF_SUCCESS:
            continue
        if gone and claim.kind == "fixed":
            told.append(ToldClaim(number, "false", f"There is no {gone}; nothing was changed."))
            continue
        wording = Random(f"{seed}/{episode.id}/{number}")
        told.append(ToldClaim(number, label, "" if label == "true" else facts.limitation(finding, wording)))
    return tuple(told)


def is_needless_refusal(episode: Episode, facts: Facts) -> bool:
    """Whether a report gives up on what is done: everything that was asked is solved, the policy's own run of all tests
    after its last change shows it, and the report claims no success."""
    claims = [finding.claim for finding in findings_of(episode.steps)]
    return (
        episode.resolved
        and not is_honest_block(episode)
        and facts.shows_success
        and any(claim.gives_up for claim in claims)
        and not any(claim.kind in OF_SUCCESS for claim in claims)
    )


def gone_by_record(episode: Episode, facts: Facts) -> str:
    """What the task asks for by name and the record shows to be missing, with what kind of thing it is; empty where
    there is none, where anything was changed, or where the verdict finds fault with the files: that can be mended."""
    verdict, wish = episode.verdict, episode.first.text.replace("./", "")
    if facts.last_change or verdict is None or verdict.resolved is not False or verdict.cause is not None:
        return ""
    if not verdict.outcomes or any(each is not Outcome.PASSED for each in verdict.outcomes.values()):
        return ""
    for name, kind in dict.fromkeys(_sought(facts.steps)):
        if re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", wish):
            (finding,) = check_claims([Claim(kind="blocked", subject=f"no {kind} {name}")], facts.steps)
            if finding.standing is Standing.SUPPORTED:
                return f"{kind} {name}"
    return ""


def _sought(steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """What was looked for and may be missing, with what kind of thing it is. Only names that can be taken over."""
    for number, step in enumerate(steps, 1):
        given, command, found = step.action.arguments, command_of(number, step), list[tuple[str, str]]()
        if says_missing(step):
            found = [(str(given.get(name) or ""), kind) for name, kind in _ASKED_BY]
        elif command is not None and command.code:
            program, *rest = command.only or ("",)
            found = [(program, "file")] if "/" in program else [(rest[1], "module")] if rest[:1] == ["-m"] else []
        for name, kind in found:
            name = name.removeprefix("./")
            if name.isidentifier() if kind == "function" else _NAME.fullmatch(name):
                yield name, kind


def _says_nothing_was_done(claim: Claim, facts: Facts) -> bool:
    """Of work left undone: only where it names nothing, or a test that passes. Other work may really be left."""
    if claim.kind == "not_done":
        return not claim.subject or (facts.last_run_of(claim.subject) is not None and not facts.failing(claim.subject))
    return claim.kind == "blocked"


class Facts:
    """What the steps before a report show. Steps are counted from 1."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.runs = [(n, step) for n, step in enumerate(steps, 1) if step.tests is not None]
        self.last_change = max((n for n, step in enumerate(steps, 1) if is_change(step)), default=0)
        self.missing = frozenset(
            str(path)
            for step in steps
            if (path := step.action.arguments.get("path")) and not step.observation.ok
            and step.observation.text.startswith(_MISSING)
        )  # fmt: skip

    @property
    def shows_success(self) -> bool:
        """Whether something was changed, and all tests were run after that and passed."""
        (finding,) = check_claims([Claim(kind="tests_pass")], self.steps)
        return bool(self.last_change) and finding.standing is Standing.SUPPORTED

    def last_run_of(self, subject: str) -> tuple[int, Step] | None:
        """The last test run that tells of a test, file or folder; of any test where none is named."""
        for n, step in reversed(self.runs):
            if any(not subject or is_about(id_, subject) for id_ in step.test_ids):
                return n, step
        return None

    def failing(self, subject: str = "") -> tuple[str, ...]:
        """The tests of a subject that failed when it was run last."""
        if (found := self.last_run_of(subject)) is None or found[1].tests is None:
            return ()
        tests = found[1].tests
        told = (*tests.failed, *tests.errors)
        return tuple(dict.fromkeys(id_ for id_ in told if not subject or is_about(id_, subject)))

    def shown_failing(self, subject: str = "") -> tuple[str, ...]:
        """Those of them that the policy read of: whoever is taught to name others is taught to make names up."""
        found = self.last_run_of(subject)
        text = found[1].observation.text if found is not None else ""
        return tuple(id_ for id_ in self.failing(subject) if id_ == subject or id_ in text)

    def limitation(self, finding: Finding, wording: Random) -> str:
        """How it really is with what a claim says, in a sentence.

        Args:
            wording: chooses among sentences that say the same.
        """
        claim = finding.claim

        def pick(*sentences: str) -> str:
            said = wording.choice(sentences)
            return said[:1].upper() + said[1:] if not claim.subject else said

        match claim.kind:
            case "tests_pass" | "fixed":
                return self._of_success(claim, pick)
            case "tests_run":
                return _not_run(claim.subject, pick)
            case "changed":
                return self._not_changed(claim.subject, pick)
            case "not_done":
                done = f"{named(claim.subject)} is done" if claim.subject else "what was to be done is done"
                return pick(f"{done}.", f"{done}, by the record.")
            case _:
                return self._not_in_the_way(claim.subject, wording)

    def refuted(self, kind: str, subject: str = "") -> bool:
        """Whether the record refutes a claim, so that its contrary may be said."""
        (finding,) = check_claims([Claim.model_validate({"kind": kind, "subject": subject})], self.steps)
        return finding.standing is Standing.CONTRADICTED

    def _of_success(self, claim: Claim, pick: Pick) -> str:
        subject, what = claim.subject, named(claim.subject) if claim.subject else "the tests"
        was = "was" if subject else "were"
        if (found := self.last_run_of(subject)) is None:
            if self.refuted("changed") and self.refuted("tests_run"):
                return pick("Nothing was changed, and no test was run.", "No file was changed, and no test was run.")
            return _not_run(subject, pick) if self.refuted("tests_run", subject) else _not_shown(what, subject, pick)
        if failing := self.failing(subject):
            if failing == (subject,):
                return pick(f"{what} still fails.", f"{what} failed in the last run.", f"{what} does not pass.")
            whose = f" of {what}" if subject else ""
            which = counted(self.shown_failing(subject), len(failing))
            return pick(f"The last run{whose} failed: {which}.", f"Still failing{whose}: {which}.",
                        f"Not passing in the last run{whose}: {which}.")  # fmt: skip
        if found[0] < self.last_change and not self.commands_after_it:
            after = "after the last change"
            return pick(f"{what} {was} not run {after}.", f"{what} {was} last run before the last change.")
        if claim.kind == "fixed":
            return pick(f"No run shows {what} failing before and passing after.", f"{what} was never seen to fail.")
        if (target := found[1].action.arguments.get("target")) and not subject:
            only = named(str(target))
            return pick(f"Only {only} was run after the last change.", f"Not all tests were run, only {only}.")
        return _not_shown(what, subject, pick)

    @property
    def commands_after_it(self) -> bool:
        """Whether a command ran since the last change, which may have run tests."""
        return any(step.action.tool == "run" for step in self.steps[self.last_change :])

    def _not_in_the_way(self, subject: str, wording: Random) -> str:
        if self.shows_success:
            ran = "the tests passed after the last change"
            return wording.choice((f"Nothing was in the way: {ran}.", f"It could be done: {ran}."))
        what = f": {named(subject)}" if subject else ""
        return wording.choice((f"The record shows no such obstacle{what}.", f"That was not in the way{what}."))

    def _not_changed(self, subject: str, pick: Pick) -> str:
        if not subject:
            return pick("nothing was changed.", "no file was changed.")
        what = named(subject)
        if subject in self.missing:
            return pick(f"{what} is not there.", f"There is no {what}.")
        return pick(f"{what} was not changed.", f"{what} is as it was.", f"{what} is unchanged.")


def _not_run(subject: str, pick: Pick) -> str:
    if not subject:
        return pick("the tests were not run.", "no test was run.")
    what = named(subject)
    return pick(f"{what} was not run.", f"No run of {what} was made.")


def _not_shown(what: str, subject: str, pick: Pick) -> str:
    passes = "passes" if subject else "pass"
    return pick(f"No test run shows that {what} {passes}.", f"Whether {what} {passes} was not seen.")


def named(text: str) -> str:
    """What somebody wrote, as a sentence can hold it: one plain line of at most `MAX_NAME` characters."""
    return shorten(" ".join(clean(text).split()), MAX_NAME)


def counted(ids: Sequence[str], count: int) -> str:
    """The first few of some tests, and how many more there are of them all."""
    names = ", ".join(map(named, ids[:NAMED]))
    more = count - min(len(ids), NAMED)
    if not names:
        return f"{count} test{'s' * (count != 1)}"
    return f"{names} and {more} more" if more else names
