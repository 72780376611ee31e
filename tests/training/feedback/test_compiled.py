"""Compiled feedback as training reads it, and its part in rewards: bounded, and never alone at full strength."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import load_tokenizer
from journeyman.training.checkpoint import TrainingError
from journeyman.training.credit import CreditSettings, advantages
from journeyman.training.feedback.calibration import Margin, calibrate
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled, Voices
from journeyman.training.feedback.manifest import CompiledError
from journeyman.training.feedback.trace import origin_of
from journeyman.training.groups import Collected, Group
from journeyman.training.hybrid import HybridSettings, Told, hybrid, learned_bound
from journeyman.training.outside import step_terms
from journeyman.training.preferences import Pairs, pairs_of, pairs_with
from journeyman.training.reward_log import RewardLog, read_rewards
from journeyman.training.tokens import demonstration
from tests.training.feedback.saying import SCOPE, run, say, told
from tests.training.groups import BUG, OLD, SOLVED
from tests.training.groups import episode as graded
from tests.training.preferring import episode, view

GOOD = episode("20260101T000000-aa", 1.0, view("a.py"), view("b.py"))
BAD = episode("20260101T000000-bb", 0.0, view("a.py"), view("c.py"))


def compiled(tmp_path: Path, *entries: object, of: tuple[Episode, ...] = (GOOD, BAD)) -> Compiled:
    compile_feedback([run(tmp_path / "run", of, *entries)], tmp_path / "rows")  # type: ignore[arg-type]
    return Compiled(tmp_path / "rows")


def test_a_pair_names_all_who_judged_it_and_programs_as_such(tmp_path: Path) -> None:
    ranked = {"episodes": [BAD.id, GOOD.id], "ranks": [1, 2]}
    other = episode("20260101T000000-cc", 0.0, view("d.py"))
    source = run(
        tmp_path / "run", [GOOD, BAD, other], say("ranking", "a", "ada", item=SCOPE, **ranked),
        say("ranking", "b", "bob", item=SCOPE, **ranked),
        say("ranking", "p", "parrot", simulated=True, episodes=[other.id, GOOD.id], ranks=[1, 2]),
    )  # fmt: skip
    compile_feedback([source], tmp_path / "rows", simulated=True)
    pairs = Compiled(tmp_path / "rows").preferences()
    assert {pair.by for pair in pairs} == {"ada, bob", "sim.parrot"}
    counted = calibrate([Margin(pair.task, 1.0, pair.by) for pair in pairs])
    assert counted and set(counted.by_annotator) == {
        "annotator 1", "annotator 2", "sim.parrot", "people", "simulated annotators",
    }  # fmt: skip


def test_a_pair_shares_what_both_began_with(tmp_path: Path) -> None:
    found = compiled(tmp_path, say("ranking", "r", episodes=[BAD.id, GOOD.id], ranks=[1, 2]))
    (pair,) = found.preferences()
    assert (pair.chosen.id, pair.rejected.id, pair.shared) == (BAD.id, GOOD.id, 1)
    assert pair.name == pair.row and pair.row.startswith("pair-")


def test_of_a_correction_only_the_corrected_action_is_learned(tmp_path: Path) -> None:
    found = compiled(tmp_path, say("correction", "c", episode=BAD.id, step=2, action={"tool": "view", "path": "d.py"}))
    (each,) = found.imitated()
    assert [step.action.arguments for step in each.episode.steps] == [{"path": "a.py"}, {"path": "d.py"}]
    chat, lines = ChatTemplate(load_tokenizer("tiny")), dialect("lines")
    row = demonstration(each.episode, chat, lines)
    learned = [token for token, is_learned in zip(row.ids, row.trained, strict=True) if is_learned]
    assert learned == chat.answer(lines.format(Action("view", {"path": "d.py"})))


def test_a_true_report_is_better_than_the_one_that_was_given(tmp_path: Path) -> None:
    liar = told("20260101T000000-ee", ("fixed", "it"))
    entry = say("claim", "c", episode=liar.id, claim=0, label="false", limitation="it fails for 0")
    (pair,) = compiled(tmp_path, entry, of=(liar,)).preferences()
    assert pair.shared == 1 and pair.rejected == liar
    assert pair.chosen.steps[:1] == liar.steps[:1] and "it fails for 0" in str(pair.chosen.steps[1].action.arguments)


def test_where_people_and_tests_contradict_each_other_nobody_is_believed(tmp_path: Path) -> None:
    tested = pairs_of([GOOD, BAD])
    same = compiled(tmp_path, say("ranking", "r", episodes=[GOOD.id, BAD.id], ranks=[1, 2])).preferences()
    assert pairs_with(same, tested).found == tuple(same)
    against = [replace(same[0], chosen=BAD, rejected=GOOD)]
    assert pairs_with(against, tested) == Pairs((), {"pairs of which people and tests say the opposite": 1})


def test_what_was_changed_since_is_not_trained_on(tmp_path: Path) -> None:
    found = compiled(tmp_path, say("score", "s", episode=GOOD.id, value=1.0))
    (tmp_path / "rows" / "scores.jsonl").write_text("")
    with pytest.raises(CompiledError, match=r"scores.jsonl was changed"):
        Voices(found).learned([GOOD])
    with pytest.raises(CompiledError, match="holds no compiled feedback"):
        Compiled(tmp_path)
    found = compiled(tmp_path)
    shutil.rmtree(tmp_path / "run" / "segments")
    with EpisodeStore(tmp_path / "run") as store:
        store.add(replace(GOOD, reward=0.5))
    with pytest.raises(CompiledError, match="is not what it was"):
        found.labels()
    shutil.rmtree(tmp_path / "run" / "segments")
    with pytest.raises(CompiledError, match="put the run back"):
        Compiled(tmp_path / "rows").labels()


def test_whoever_does_the_same_is_judged_the_same(tmp_path: Path) -> None:
    score = say("score", "s", episode=GOOD.id, value=0.9)
    found = Voices(compiled(tmp_path, score, say("step", "l", episode=BAD.id, step=2, label="bad")))
    again, other = replace(GOOD, id="again"), replace(BAD, id="other")
    learned = found.learned([again, other])
    assert list(learned) == ["again"] and isinstance(learned["again"]["people"], Told)
    assert [told and told.value for told in found.steps(other)] == [None, -1.0, None]
    assert found.steps(replace(BAD, task="elsewhere")) == [None] * 3


def test_a_program_is_heard_where_no_person_spoke_and_named_as_one(tmp_path: Path) -> None:
    again = replace(GOOD, id="20260101T000000-cc")
    source = run(
        tmp_path / "run", [GOOD, again, BAD], say("score", "s", episode=GOOD.id, value=0.9),
        *(say("score", f"m{each.id}", "sim.x", simulated=True, episode=each.id, value=0.1) for each in (again, BAD)),
        say("step", "l", "sim.x", simulated=True, episode=BAD.id, step=2, label="bad"),
    )  # fmt: skip
    compile_feedback([source], tmp_path / "rows", simulated=True)
    found = Voices(Compiled(tmp_path / "rows"))
    learned = found.learned([again, BAD])
    assert {id_: {name: told.value for name, told in said.items()} for id_, said in learned.items()} == {
        again.id: {"people": 0.9}, BAD.id: {"simulated": 0.1},
    }  # fmt: skip
    (told,) = filter(None, found.steps(BAD))
    assert origin_of("step", told.source) == "simulated"


def test_what_is_said_from_outside_shares_one_bound_and_is_small_where_all_failed() -> None:
    """Invariant: however many say something, of episodes and of steps, an all-failed group moves by 0.01 at most."""
    settings = HybridSettings()
    failed = [graded(name=f"0-{name}", passing=(OLD,)) for name in "ab"]
    mixed = [graded(name="0-a", passing=SOLVED), failed[1]]
    assert learned_bound(failed, BUG, settings) == settings.learned_alone
    assert learned_bound(mixed, BUG, settings) == settings.learned
    said = {"0-a": {"people": Told(1.0, "row score-1"), "model": 1.0}, "0-b": {"people": 0.0, "model": 0.0}}
    shaped = hybrid(failed, BUG, settings, learned=said, beside=1)
    amounts = [sum(term.amount for term in each.terms if term.name.startswith("learned")) for each in shaped]
    assert amounts == pytest.approx([0.01 * 2 / 3, 0.0])
    assert [term.source for term in shaped[0].terms if term.name == "learned:people"] == ["row score-1"]


def test_a_step_adds_to_its_own_action_and_to_no_other() -> None:
    group = [GOOD, replace(BAD, reward=1.0)]
    terms = step_terms([None, Told(-1.0, "ada"), None], 0.05)
    assert [(term.step, term.amount, term.source) for term in terms] == [(2, -0.05, "ada")]
    credited = advantages(group, CreditSettings(), told=[[0.0, -0.05, 0.0], [0.0] * 3])
    assert credited == [[0.0, -0.05, 0.0], [0.0] * 3]
    unscored = [replace(GOOD, reward=None), BAD]
    assert advantages(unscored, CreditSettings(), told=[[1.0] * 3, [0.0] * 3])[0] == [0.0] * 3
    with pytest.raises(TrainingError, match=r"must lie in \[-1, 1\]"):
        step_terms([Told(float("nan"), "a model")], 0.05)


def test_what_was_paid_is_kept_and_cut_off_where_a_step_is_done_again(tmp_path: Path) -> None:
    def collected(name: str) -> Collected:
        group = Group(
            (graded(name=name, passing=SOLVED),), ((0.0,),), True, told=(step_terms([Told(1.0, "row x: ada")], 0.01),)
        )
        return Collected((group,), (group, replace(group)))

    log = RewardLog(tmp_path)
    log.collected(1, collected("0-a"))
    log.collected(2, collected("0-b"))
    with (tmp_path / "rewards.jsonl").open("a") as file:
        file.write('{"step": 3, "epi')  # somebody died
    assert [row["step"] for row in read_rewards(tmp_path)] == [1, 1, 2, 2]
    RewardLog(tmp_path, resumed_from=1).collected(2, collected("0-c"))
    RewardLog(tmp_path, resumed_from=2, process=1).collected(3, collected("0-d"))
    found = read_rewards(tmp_path)
    assert [(row["step"], row["episode"]) for row in found if row["trained"]] == [(1, "0-a"), (2, "0-c"), (3, "0-d")]
    assert found[0]["terms"][0]["name"] == "outcome" and "checks passed" in found[0]["terms"][0]["source"]
    assert found[0]["steps"] == [{"step": 1, "weight": 0.01, "value": 1.0, "source": "row x: ada"}]
    RewardLog(tmp_path, resumed_from=2, processes=2).collected(3, collected("0-e"))
    assert [row["episode"] for row in read_rewards(tmp_path) if row["step"] == 3 and row["trained"]] == ["0-d", "0-e"]
    RewardLog(tmp_path, resumed_from=2).collected(3, collected("0-d"))
    found = read_rewards(tmp_path)
    assert [row["episode"] for row in found if row["step"] == 3 and row["trained"]] == ["0-d"], "gone on with alone"
    (tmp_path / "rewards.jsonl").write_text(json.dumps({"step": 1}) + "\n")
    with pytest.raises(TrainingError, match="line 1: not what an episode was paid"):
        read_rewards(tmp_path)
