"""How well a run follows its guideline: by rule, by what people and judges said, third by third, against others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Answer, Critique, Entry, Score
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import standing
from journeyman.envs.guidelines.guideline import Check, Guideline, Item, ItemRef, load_guideline
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.repeats import mean_by_task, mean_difference
from journeyman.training.skills.adherence import adherence_of
from journeyman.training.skills.contrast import Played, contrast, cost_of, flipped
from journeyman.training.stats import auroc
from tests.envs.guidelines.making import Work

TERSE, MENTOR = load_guideline("terse-senior"), load_guideline("patient-mentor")
LONG = "In mod.py the value was one too small, because the first entry was left out; now it is counted with all others."


def terse(number: int, seed: int = 0) -> Episode:
    episode = (
        Work().do("view", path="pkg/mod.py").edit("pkg/mod.py", "a = 2\n").test().report("mod.py counts the first.")
    )
    return named(episode, f"t{number}-{seed}", number, seed)


def mentor(number: int, seed: int = 0) -> Episode:
    work = (
        Work()
        .do("plan", subtasks=[{"title": "Mend"}])
        .do("view", path="pkg/mod.py")
        .edit("pkg/mod.py", "a = 2\n")
        .test()
    )
    episode = work.do("plan", subtasks=[{"title": "Mend", "status": "done"}]).report(LONG)
    return named(episode, f"m{number}-{seed}", number, seed)


def named(episode: Episode, id_: str, task: int, seed: int, *, resolved: bool = True) -> Episode:
    verdict = Verdict({}, {}, resolved, Assurance.FRESH, "")
    return replace(episode, id=id_, task=f"task-{task}", seed=seed, verdict=verdict, reward=float(resolved))


def score(episode: Episode, item: str, value: float, by: str = "ada", **more: object) -> Score:
    guideline = MENTOR
    found = guideline.item(item)
    assert found is not None
    return Score.model_validate(
        {"id": f"{by}-{item}-{episode.id}", "annotator": by, "at": "2026-01-01T00:00:00Z", "episode": episode.id,
         "item": ItemRef.of(guideline, found), "value": value, **more}
    )  # fmt: skip


def judged(entries: Sequence[Entry], episodes: Sequence[Episode]) -> list[object]:
    found = {episode.id: episode for episode in episodes}
    return list(standing(Logged(tuple(entries), ()), found.get, {}))


def test_an_item_is_kept_broken_or_silent() -> None:
    quiet = named(Work().do("view", path="x").end(), "q", 9, 0)
    found = adherence_of([terse(0), terse(1), mentor(2), quiet], TERSE)
    items = {each.item.id: each for each in found.items}
    assert (items["few-words"].kept.successes, items["few-words"].kept.trials, items["few-words"].silent) == (2, 3, 1)
    assert items["few-words"].broken.startswith("m2-0, the report has 2")
    assert items["no-small-plan"].value is not None and items["no-small-plan"].value.value == pytest.approx(7 / 9)
    assert (items["says-why"].kept.trials, items["says-why"].silent, items["says-why"].value) == (0, 4, None)
    assert found.faithful.successes == 3 and found.score is not None and 0 < found.score.value < 1
    low, high = found.score.interval
    assert low < found.score.value < high
    assert any("not measured: nobody has said anything" in line for line in found.lines())
    assert json.loads(json.dumps(found.to_dict()))["items"][0]["kept"]["trials"] == 3


def test_nothing_is_made_of_nothing() -> None:
    found = adherence_of([], TERSE)
    assert found.score is None and found.lines()[-1] == "no episodes" and found.to_dict()["score"] is None
    empty = adherence_of([named(Work().end(), "e", 0, 0)], TERSE)
    assert empty.episodes == 1 and empty.lines()


def test_episodes_of_one_task_are_one_cluster() -> None:
    one = adherence_of([terse(0, seed) for seed in range(8)], TERSE)
    eight = adherence_of([terse(number) for number in range(8)], TERSE)
    assert one.score is not None and eight.score is not None
    assert one.score.interval[0] < eight.score.interval[0]


def test_whoever_falls_out_of_character_late_is_seen() -> None:
    """A senior who repeats calls towards the end of a long episode."""
    work = Work()
    for number in range(24):
        work.do("view", path=f"a{number}.py")
    for _ in range(10):
        work.do("view", path="b.py")
    faded = adherence_of([named(work.edit("pkg/mod.py", "a = 2\n").test().report("mod.py."), "f", 0, 0)], TERSE)
    first, middle, last = faded.character.thirds
    assert first.value == middle.value == 1 > last.value
    assert faded.character.fading is not None and faded.character.fading.value > 0.5
    assert faded.character.to_the_end.successes == 0
    assert faded.character.lasts is not None and 0.6 < faded.character.lasts.value < 0.75
    stays = adherence_of([terse(0)], TERSE).character
    assert stays.to_the_end.value == 1 and stays.lasts is not None and stays.lasts.value == 1
    assert any(line.startswith("  fades by +0.") for line in faded.lines())


def test_what_people_said_stands_beside_and_how_many_were_heard() -> None:
    episodes = [mentor(0), mentor(1)]
    item = MENTOR.item("can-be-checked")
    assert item is not None
    comment = Critique(
        id="c", annotator="bob", at="2026-01-01T00:00:00Z", episode="m1-0", item=ItemRef.of(MENTOR, item),
        body="How would I check that?", severity="major",
    )  # fmt: skip
    note = comment.model_copy(update={"id": "n", "annotator": "eve", "severity": "note"})
    stale = score(episodes[0], "can-be-checked", 0.0, "dan").model_copy(
        update={"item": ItemRef(guideline="patient-mentor", version=1, item="can-be-checked", digest="old")}
    )
    elsewhere = score(episodes[0], "can-be-checked", 1.0).model_copy(update={"id": "x", "episode": "nowhere"})
    program = score(episodes[0], "can-be-checked", 0.0, "sim.rules", simulated=True)
    said = judged([score(episodes[0], "can-be-checked", 1.0), comment, note, stale, elsewhere, program], episodes)
    found = adherence_of(episodes, MENTOR, said)  # type: ignore[arg-type]
    heard = {each.item.id: each.heard for each in found.items}["can-be-checked"]
    assert [each.by for each in heard.people] == ["ada", "bob"]
    assert any("simulated annotators say it is kept in 0/1" in line for line in found.lines())
    assert any("people say it is kept in 1/2 = 50.0%" in line and "2 annotators" in line for line in found.lines())


def answer(draft: Entry, by: str, at: str = "2026-01-02T00:00:00Z", **more: object) -> Answer:
    said = {"id": f"{by}-{draft.id}", "annotator": by, "at": at, "of": draft.id, "decision": "accepted"}
    return Answer.model_validate({**said, **more})


def test_an_accepted_draft_is_said_by_who_accepted_it_and_the_latest_word_counts() -> None:
    episodes = [mentor(number) for number in range(3)]
    drafts = [
        score(episodes[0], "can-be-checked", 0.1, "critic.m", draft=True, origin="critic:m"),
        score(episodes[1], "can-be-checked", 0.2, "judge.m", draft=True, origin="judge:m"),
        score(episodes[2], "can-be-checked", 0.3, "critic.m", draft=True, origin="critic:m"),
    ]
    own = score(episodes[0], "can-be-checked", 1.0, "ada", at="2026-01-03T00:00:00Z")
    program = answer(drafts[2], "sim.rules", simulated=True)
    entries = [own, program, *(answer(draft, "ada") for draft in drafts[:2]), *drafts]
    for said in (entries, entries[::-1]):
        found = adherence_of(episodes, MENTOR, judged(said, episodes))  # type: ignore[arg-type]
        heard = {each.item.id: each.heard for each in found.items}["can-be-checked"]
        assert sorted((each.by, each.episode, each.value) for each in heard.people) == [
            ("ada", "m0-0", 1.0), ("ada", "m1-0", 0.2),
        ]  # fmt: skip
        assert [(each.by, each.value) for each in heard.judges] == [("judge.m", 0.2)], "a model's word stays its own"
        assert [(each.by, each.value) for each in heard.programs] == [("sim.rules", 0.3)]
    words = [
        Critique(id=id_, annotator="ada", at=f"2026-01-0{day}T00:00:00Z", episode="m0-0", item=own.item, body=id_,
                 severity=severity)
        for id_, day, severity in (("late", 9, "praise"), ("early", 1, "major"))
    ]  # fmt: skip
    for comments in (words, words[::-1]):
        found = adherence_of(episodes, MENTOR, judged(comments, episodes))  # type: ignore[arg-type]
        heard = {each.item.id: each.heard for each in found.items}["can-be-checked"]
        assert [each.value for each in heard.people] == [1.0]


def test_a_judge_is_shown_only_beside_how_far_it_agrees_with_the_rules() -> None:
    episodes = [mentor(number) for number in range(6)] + [terse(number) for number in range(6)]
    more = {"draft": True, "origin": "judge:m"}
    own = [score(e, "for-a-newcomer", 1.0, "judge.m", **more) for e in episodes]
    alone = adherence_of(episodes, MENTOR, judged(own, episodes))  # type: ignore[arg-type]
    assert any("judge.m (a model) said something of 12; not shown" in line for line in alone.lines())
    good = [score(e, "plans", 0.9 if e.id.startswith("m") else 0.2, "judge.m", **more) for e in episodes]
    found = adherence_of(episodes, MENTOR, judged(own + good, episodes))  # type: ignore[arg-type]
    (trust,) = found.judges
    assert (trust.agrees.successes, trust.agrees.trials, trust.auroc, trust.kept.value) == (12, 12, 1.0, 0.5)
    assert any("says it is kept in 12/12" in line and "AUROC 1.00" in line for line in found.lines())
    yes = [score(e, "plans", 1.0, "judge.m", **more) for e in episodes]
    (trust,) = adherence_of(episodes, MENTOR, judged(yes, episodes)).judges  # type: ignore[arg-type]
    assert trust.auroc == 0.5 and trust.agrees.value == 0.5, "who always says yes knows nothing"
    person = [score(e, "plans", 1.0, "judge.m") for e in episodes]
    assert not adherence_of(episodes, MENTOR, judged(person, episodes)).judges, "a person of that name is none"  # type: ignore[arg-type]


def test_auroc_counts_ties_half() -> None:
    assert auroc([(1.0, True), (0.5, True), (0.5, False), (0.0, False)]) == pytest.approx(3.5 / 4)
    assert auroc([(0.0, True), (1.0, False)]) == 0 and auroc([(1.0, False)]) is None and auroc([(0.5, True)]) is None


def test_what_the_other_persona_keeps_as_well_is_no_following() -> None:
    runs = [
        Played("quick", TERSE, tuple(terse(number) for number in range(5))),
        Played("slow", MENTOR, tuple(mentor(number) for number in range(5))),
    ]
    found = contrast(runs)
    scores = {key: value.value for key, value in found.scores.items() if value is not None}
    assert scores["quick", "terse-senior"] == 1 > scores["slow", "terse-senior"]
    assert scores["slow", "patient-mentor"] == 1 > scores["quick", "patient-mentor"]
    quick, slow = found.following
    assert quick.more is not None and slow.more is not None and slow.more.value > 0.3
    assert quick.p_value == slow.p_value == 2 / 2**5
    same = contrast([runs[0], Played("slow", MENTOR, runs[0].episodes)])
    assert same.following[0].more is not None and same.following[0].more.value == 0 and same.following[0].p_value == 1
    assert len(found.lines()) == 6 and json.dumps(found.to_dict())
    with pytest.raises(ValueError, match="two runs and more"):
        contrast(runs[:1])


def test_what_it_costs_is_counted_in_pairs() -> None:
    plain = [terse(number) for number in range(200)]
    free = cost_of("told", plain, "plain", plain)
    assert free.paired.pairs == 200 and "costs no more than 2%" in free.verdict
    lost = [replace(e, verdict=Verdict({}, {}, number > 60, Assurance.FRESH, "")) for number, e in enumerate(plain)]
    assert "it costs more than 2%" in cost_of("told", lost, "plain", plain).lines()[0]
    assert "not shown" in cost_of("told", plain[:5], "plain", plain).verdict
    other = [replace(e, versions={"task": "another"}) for e in plain]
    assert cost_of("told", other, "plain", plain).lines() == ["told against plain: no pair of the same task and seed"]
    assert cost_of("told", [replace(plain[0], reward=None)], "plain", plain).paired.pairs == 0


def test_means_and_signs() -> None:
    assert mean_by_task([]) is None and mean_difference([]) is None
    both = mean_by_task([("a", 0.5), ("b", 1.0)])
    assert both is not None and both.value == 0.75 and both.tasks == 2
    away = mean_difference([("a", 1.0), ("b", 1.0), ("c", 1.0)])
    assert away is not None and away.interval[0] < 1 == away.interval[1]
    assert flipped([]) == flipped([0.0]) == 1 and flipped([1.0] * 3) == 0.25
    assert flipped([0.1] * 40) < 0.001 < flipped([0.1, -0.1] * 20)


def test_a_hostile_record_is_only_told() -> None:
    item = Item(id="one", kind="must", text="x", check=Check(by="rule", rule="few-asides"))
    guideline = Guideline(name="mine", version=1, title="M\x1b[2Jine", items=(item,))
    episode = named(Work().do("view", path="a").end(), "h", 0, 0)
    step = replace(
        episode.steps[0], action=Action("view", {"path": "a"}, "word " * 100 + "\n{"), observation=Observation("\x1b")
    )
    found = adherence_of([replace(episode, steps=(step,), task="\x1b[31mred")], guideline)
    assert found.items[0].kept.value == 0 and "\x1b" not in json.dumps(found.to_dict())
