"""What a policy names as evidence for a part of its plan, held against the record by the judge of claims.

| evidence | is held to claim |
| --- | --- |
| a test, or a file or folder that a test run told of | `tests_pass`: it passed, after the last change |
| any other path | `changed`; of a test's file that nobody changed, `tests_pass` |
| `step 7` | what that step did: `tests_pass` of its target, or `changed` of its path |
| other words, a milestone's name | nothing that the record could show |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from journeyman.envs.actions import Claim
from journeyman.envs.claims import Finding, Standing, check_claims
from journeyman.envs.episode import Step

Weighed = tuple[Standing, str]
"""What the record says, and the steps that decide it in words."""
_STEP = re.compile(r"(?:step\s*|#)(\d{1,9})", re.IGNORECASE)
_PATH = re.compile(r"(?:\./)?(\S*(?:/|\.\w{1,8})\S*)")
_OF_TESTS = re.compile(r"(?:^|[^a-z])(?:tests?|specs?)(?:[^a-z]|$)", re.IGNORECASE)
_ASKED: tuple[Literal["tests_run", "tests_pass", "changed"], ...] = ("tests_run", "tests_pass", "changed")


class _Meant(NamedTuple):
    subject: str
    kind: Literal["tests_pass", "changed"] | None
    """What is claimed of it; None where the record must say which."""


def weigh(evidence: Sequence[str], steps: Sequence[Step]) -> tuple[Weighed, ...]:
    """What the steps say to each piece of evidence."""
    meant = [_meant(each.strip(), steps) for each in evidence]
    subjects = list(dict.fromkeys(each.subject for each in meant if isinstance(each, _Meant)))
    claims = [Claim(kind=kind, subject=subject) for subject in subjects for kind in _ASKED]
    found: dict[tuple[str, str], Finding] = {
        (each.claim.kind, each.claim.subject): each for each in check_claims(claims, steps)
    }
    return tuple(_said(each, found) if isinstance(each, _Meant) else each for each in meant)


def _meant(evidence: str, steps: Sequence[Step]) -> _Meant | Weighed:
    if (named := _STEP.fullmatch(evidence)) is None:
        if "::" in evidence:
            return _Meant(evidence, "tests_pass")
        path = _PATH.fullmatch(evidence)
        return _Meant(path.group(1) if path else evidence, None)
    number = int(named.group(1))
    if not 1 <= number <= len(steps):
        return Standing.CONTRADICTED, f"there is no step {number} before it"
    step = steps[number - 1]
    if step.tests is not None:
        return _Meant(str(step.action.arguments.get("target") or ""), "tests_pass")
    if step.diff:
        return _Meant(str(step.action.arguments.get("path") or "").removeprefix("./"), "changed")
    return Standing.UNVERIFIABLE, f"step {number} neither ran tests nor changed a file"


def _said(meant: _Meant, found: Mapping[tuple[str, str], Finding]) -> Weighed:
    """The answer to the one claim of those that were asked which is meant."""
    subject, kind = meant
    if kind is None:
        if found["tests_run", subject].standing is Standing.SUPPORTED:
            kind = "tests_pass"
        elif found["changed", subject].standing is Standing.SUPPORTED:
            kind = "changed"
        elif _PATH.fullmatch(subject):
            kind = "tests_pass" if _OF_TESTS.search(subject) else "changed"
        else:
            return Standing.UNVERIFIABLE, "the record cannot show it"
    finding = found[kind, subject]
    return finding.standing, finding.evidence
