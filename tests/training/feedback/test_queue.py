"""The queue asks first for what teaches most, says why, and asks nobody for what they have said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, TestRun
from journeyman.envs.feedback.entry import Adjudication, Critique, Entry, Ranking, Score, StepLabel
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.queue import POOL, Proposal, QueueSettings, Scored, pool, queue, read_scores
from journeyman.training.values import StepValue
from tests.journeyman.test_cli_episode import episode

AT = "2026-01-01T00:00:00Z"


def named(name: str, task: str = "t", resolved: bool = True) -> Episode:
    return replace(episode(resolved), id=name, task=task)


def judged(episodes: list[Episode], *entries: Entry) -> tuple[Judged, ...]:
    there = {each.id: each for each in episodes}
    return standing(Logged(entries, ()), there.get, {})


def label(id_: str, who: str, said: str, of: str = "e1", step: int = 2) -> StepLabel:
    return StepLabel.model_validate({"id": id_, "annotator": who, "at": AT, "episode": of, "step": step, "label": said})


def ranking(id_: str, who: str, *episodes: str) -> Ranking:
    return Ranking(id=id_, annotator=who, at=AT, episodes=episodes, ranks=tuple(range(1, len(episodes) + 1)))


def test_what_annotators_judge_differently_comes_first_for_a_third() -> None:
    episodes = [named("e1"), named("e2"), named("e3")]
    said = [label("a", "ada", "bad"), label("b", "bob", "good")]
    first, *_ = queue(episodes, judged(episodes, *said), "cy")
    assert (first.kind, first.episodes, first.step) == ("step", ("e1",), 2) and "differently" in first.why
    settled = Adjudication(id="s", annotator="dee", at=AT, of=("a", "b"), holds="a")
    for who, entries in (("ada", said), ("cy", [*said, settled])):
        found = queue(episodes, judged(episodes, *entries), who)
        assert not any("differently" in each.why for each in found), "who has judged it, and what is settled"


def test_pairs_that_the_reward_model_cannot_tell_apart_come_before_those_that_it_can() -> None:
    episodes = [named("e1"), named("e2"), named("e3"), named("e4")]
    scores = {"e1": Scored(0.0), "e2": Scored(0.1), "e3": Scored(5.0), "e4": Scored(9.0)}
    pairs = [each for each in queue(episodes, (), "ada", scores=scores) if each.kind == "ranking"]
    assert pairs[0].episodes == ("e1", "e2") and "52% sure" in pairs[0].why
    urgent = {each.episodes: each.urgency for each in pairs}
    unsure = {**scores, "e3": Scored(5.0, sd=30.0)}
    again = {e.episodes: e.urgency for e in queue(episodes, (), "ada", scores=unsure) if e.kind == "ranking"}
    assert again["e3", "e4"] > urgent["e3", "e4"], "an uncertain score is nearly a tie"
    asked = queue(episodes, (), "ada", scores=lambda each: scores[each.id])
    assert asked == queue(episodes, (), "ada", scores=scores)
    ranked = judged(episodes, ranking("r", "bob", "e1", "e2"))
    fresh = [each for each in queue(episodes, ranked, "ada", scores=scores) if not each.again]
    assert ("e1", "e2") not in [each.episodes for each in fresh]


def test_pairs_are_of_one_task_and_rather_of_one_outcome() -> None:
    episodes = [named("e1"), named("e2"), named("e3", "other"), named("e4", "third"), named("e5", "third", False)]
    pairs = {each.episodes: each for each in queue(episodes, (), "ada") if each.kind == "ranking"}
    assert set(pairs) == {("e1", "e2"), ("e4", "e5")}
    assert pairs["e1", "e2"].urgency > pairs["e4", "e5"].urgency and "tests do not tell" in pairs["e1", "e2"].why


def test_claims_that_the_record_leaves_open() -> None:
    claims = [{"kind": "blocked", "subject": "no network"}, {"kind": "changed", "subject": "text.py"}]
    plain = named("e1")
    report = replace(plain.steps[2], action=Action("report", {"claims": claims}), tests=None)
    (found,) = [
        each for each in queue([replace(plain, steps=(*plain.steps, report))], (), "ada") if each.kind == "claim"
    ]  # fmt: skip
    assert found.claim == 0 and "neither supports nor contradicts" in found.why


def test_the_step_that_decides() -> None:
    plain = named("e1")

    def known(_: str) -> list[StepValue]:
        return [StepValue(step, 8, mean, 0, 1) for step, mean in enumerate((0.5, 0.5, 0.0, 0.1))]

    (by_value,) = [each for each in queue([plain], (), "ada", values=known) if each.kind == "step"]
    assert by_value.step == 2 and "worth changes most" in by_value.why
    view, edit, test = plain.steps
    failed, passed = (replace(test, tests=run) for run in (TestRun((), ("t",)), TestRun(("t",))))
    (by_tests,) = [
        each for each in queue([replace(plain, steps=(failed, view, edit, passed))], (), "ada") if each.kind == "step"
    ]  # fmt: skip
    assert by_tests.step == 3 and "turn out otherwise" in by_tests.why
    assert not [each for each in queue([plain], (), "ada") if each.kind == "step"], "one test run turns nothing"


def test_what_ended_rarely_among_the_judged_is_looked_at_sooner() -> None:
    episodes = [named(f"e{number}", f"t{number}", resolved=number != 5) for number in range(6)]
    said = [Score(id=f"s{n}", annotator="bob", at=AT, episode=f"e{n}", value=1) for n in range(3)]
    found = [e for e in queue(episodes, judged(episodes, *said), "ada", settings=QueueSettings(0)) if e.kind == "score"]
    assert found[0].episodes == ("e5",) and "few that ended like it" in found[0].why
    assert {each.episodes[0] for each in found} == {"e3", "e4", "e5"}


def test_now_and_then_what_one_other_has_judged_is_asked_again() -> None:
    episodes = [named(f"e{number:02}", f"t{number}") for number in range(40)]
    said = [Score(id=f"s{n}", annotator="bob", at=AT, episode=f"e{n:02}", value=1) for n in range(20)]
    found = queue(episodes, judged(episodes, *said), "ada", settings=QueueSettings(0.25), limit=16)
    assert [each.again for each in found] == [False, False, False, True] * 4
    assert not any(each.again for each in queue(episodes, judged(episodes, *said), "bob", limit=16)), "not of oneself"
    assert not any(e.again for e in queue(episodes, judged(episodes, *said), "ada", settings=QueueSettings(0)))
    own = [Score(id=f"a{n}", annotator="ada", at=AT, episode=f"e{n:02}", value=0) for n in range(20)]
    rest = queue(episodes[:20], judged(episodes, *said, *own), "ada")
    assert rest == (), "nothing is left"
    with pytest.raises(TrainingError, match="between 0 and 1"):
        QueueSettings(1.5)


def test_one_seed_gives_one_queue_whatever_order_episodes_come_in() -> None:
    episodes = [named(f"e{number}", f"t{number % 3}") for number in range(12)]
    first = queue(episodes, (), "ada", settings=QueueSettings(seed=4))
    assert first == queue(episodes[::-1], (), "ada", settings=QueueSettings(seed=4))
    assert first != queue(episodes, (), "ada", settings=QueueSettings(seed=5))
    top = [each for proposal in first[:3] for each in proposal.episodes]
    assert len(set(top)) == len(top), "no episode crowds the others out"


def test_of_a_large_run_a_part_is_looked_into_and_nobody_runs_dry() -> None:
    episodes = [named(f"e{number:03}", f"t{number}") for number in range(3 * POOL)]
    said = [Score(id=f"s{n}", annotator="bob", at=AT, episode=f"e{n:03}", value=1) for n in range(2 * POOL)]
    by_bob = {each.episode for each in said}

    def parts(who: str, count: int) -> tuple[int, int]:
        looked_into = pool(episodes[:count], judged(episodes, *said), who, 0)
        return len(looked_into), sum(each.id in by_bob for each in looked_into)

    assert parts("ada", 3 * POOL) == (POOL, POOL // 2)
    assert parts("ada", 2 * POOL) == (POOL, POOL), "there is nothing else"
    assert parts("bob", 3 * POOL) == (POOL, 0), "what he has judged comes last"


def test_a_comment_is_a_look_at_the_whole() -> None:
    episodes = [named("e1")]
    said = judged(episodes, Critique(id="c", annotator="ada", at=AT, episode="e1", body="fine"))
    assert Proposal("score", ("e1",)).key not in {each.key for each in queue(episodes, said, "ada")}


def test_scores_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rm.json"
    path.write_text(json.dumps({"e1": 0.5, "e2": {"mean": 1, "sd": 0.2}}))
    assert read_scores(path) == {"e1": Scored(0.5), "e2": Scored(1.0, 0.2)}
    for wrong in ("", "[1]", '{"e": "x"}', '{"e": true}', '{"e": NaN}', '{"e": {"sd": 1}}', '{"e": null}'):
        path.write_text(wrong)
        with pytest.raises(TrainingError, match="no scores"):
            read_scores(path)
