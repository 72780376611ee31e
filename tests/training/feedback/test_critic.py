"""A critic model drafts; what it writes is read strictly, and people's answers tell how good it is."""

from __future__ import annotations

import json

import pytest

from journeyman.envs.feedback.entry import Answer, Critique, Entry, Place
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import standing
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.policies.scripted import NoOpPolicy
from journeyman.training.feedback.critic import answered, asking, draft, open_critic, prompt_for
from tests.journeyman.test_cli_episode import episode

EPISODE = episode()
CONDUCT = load_guideline("conduct")
ITEM = f"conduct/{CONDUCT.items[0].id}"


def test_a_critic_reads_the_items_and_the_steps_and_no_verdict() -> None:
    prompt = prompt_for(EPISODE, [CONDUCT])
    for part in (f"{ITEM} ({CONDUCT.items[0].kind})", "Mend f.", "--- step 2", "+    return 2"):
        assert part in prompt, part
    assert "oracle" not in prompt and "resolved" not in prompt


def test_what_it_writes_becomes_drafts_and_the_rest_is_counted() -> None:
    rows = [
        {"step": 2, "body": "widens the change", "severity": "major", "category": "scope", "item": ITEM},
        {"body": "good", "severity": "praise", "path": "text.py", "line": 1, "suggestion": None},
    ]
    wrong = [
        "Sure! Here is my review:",
        "[1, 2]",
        '{"step": 2}',
        '{"step": 9, "body": "x"}',
        '{"step": "2", "body": "x"}',
        '{"body": "x", "line": 3}',
        '{"body": "x", "severity": "awful"}',
        '{"body": "x", "item": "conduct/none"}',
        '{"body": "x", "annotator": "ada", "draft": false}',
        "[" * 100_000,
    ]
    found = draft(EPISODE, [CONDUCT], lambda _: "\n".join([*map(json.dumps, rows), "", *wrong]), "endpoint:u#qwen 3")
    first, second = found.drafts
    assert (first.place, first.severity, first.category) == (Place(step=2), "major", "scope")
    assert first.item is not None and str(first.item).startswith("conduct@") and first.draft
    assert (first.origin, first.annotator) == ("critic:endpoint:u#qwen 3", "critic.endpoint-u-qwen-3")
    assert second.place == Place(path="text.py", line=1) and second.suggestion is None
    assert len(found.malformed) == len(wrong)
    assert "step 9 of 3" in found.malformed[3] and "none" in found.malformed[7]


def test_the_form_that_it_is_shown_could_stand_but_for_its_words() -> None:
    for guidelines in ([CONDUCT], []):
        (form,) = [row for row in prompt_for(EPISODE, guidelines).splitlines() if row.startswith("{")]
        echoed = draft(EPISODE, guidelines, lambda _, form=form: form, "m")
        assert not echoed.drafts and echoed.malformed == ("line 1: the form's own words",)
        own = json.dumps({**json.loads(form), "body": "changes more than was asked"})
        (drafted,) = draft(EPISODE, guidelines, lambda _, own=own: own, "m").drafts
        assert drafted.place.step == len(EPISODE.steps) and (drafted.item is not None) == bool(guidelines)


def test_a_flood_is_cut() -> None:
    found = draft(EPISODE, [], lambda _: '{"body": "x"}\n' * 50, "m")
    assert (len(found.drafts), len(found.malformed)) == (20, 30)


def test_any_policy_can_be_asked() -> None:
    assert "report" in asking(NoOpPolicy())("review this")
    for spec in ("oracle", "local:", "endpoint"):
        with pytest.raises(ValueError, match="no critic"):
            open_critic(spec)


@pytest.mark.slow
def test_a_local_model_is_a_critic() -> None:
    pytest.importorskip("torch")
    policy = open_critic("local:tiny", answer_tokens=16)
    try:
        found = draft(EPISODE, [CONDUCT], asking(policy), "local:tiny")
    finally:
        policy.close()
    assert not found.drafts, "an untrained model writes no sound JSON"


def test_how_good_a_critic_is_by_what_people_made_of_it() -> None:
    at = "2026-01-01T00:00:00Z"
    found = draft(EPISODE, [], lambda _: "\n".join(['{"body": "a", "category": "scope"}'] * 4 + ['{"body": "b"}']), "m")
    own = Critique(id="own", annotator="ada", at=at, episode=EPISODE.id, body="better")
    decisions = ["accepted", "accepted", "rejected", "edited"]
    answers: list[Entry] = [
        Answer.model_validate(
            {"id": f"a{number}", "annotator": "ada", "at": at, "of": each.id, "decision": decision,
             "by": "own" if decision == "edited" else None}
        )
        for number, (each, decision) in enumerate(zip(found.drafts, decisions, strict=False))
    ]  # fmt: skip
    judged = standing(Logged((*found.drafts, own, *answers), ()), lambda _: EPISODE, {})
    whole, other, scope = answered(judged)
    assert (whole.category, other.category, scope.category) == ("all", "other", "scope")
    assert (whole.accepted.successes, whole.accepted.trials, whole.waiting) == (2, 4, 1)
    assert (scope.edited, scope.rejected, scope.waiting, other.waiting) == (1, 1, 0, 1)
    low, high = scope.accepted.interval
    assert low < 0.5 < high


def test_a_critic_goes_by_the_answer_that_stands_and_not_by_the_last_line() -> None:
    (own,) = draft(EPISODE, [], lambda _: '{"body": "a"}', "m").drafts

    def answer(who: str, day: int, decision: str, **more: str) -> Answer:
        said = {"id": who, "annotator": who, "at": f"2026-01-0{day}T00:00:00Z", "of": own.id, "decision": decision}
        return Answer.model_validate({**said, **more})

    yes, no = answer("ada", 9, "accepted"), answer("bob", 2, "rejected")
    for answers in ((yes, no), (no, yes)):
        whole = answered(standing(Logged((own, *answers), ()), lambda _: EPISODE, {}))[0]
        assert (whole.accepted.successes, whole.rejected, whole.waiting) == (1, 0, 0)
    itself = answer("critic.m", 3, "accepted", origin="critic:m")
    (whole, _) = answered(standing(Logged((own, itself), ()), lambda _: EPISODE, {}))
    assert (whole.accepted.trials, whole.waiting) == (0, 1), "a model answers no drafts"
