"""What people say of a round's episodes is heard in its review, compiled, tried again, and learned from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode
from journeyman.envs.feedback.entry import Correction, Critique, Entry, Place, Ranking, Score, StepLabel, Undo
from journeyman.envs.feedback.forget import forget
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.export.round_markdown import round_to_markdown
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.training.checkpoint import RunFolderError
from journeyman.training.feedback.manifest import CompiledError
from journeyman.training.feedback.refine import ATTEMPTS, CRITIQUES
from journeyman.training.measure import MakePolicy
from journeyman.training.round_feedback import FEEDBACK, REFINED, compile_said, refine_said, told
from journeyman.training.round_folder import RoundFolder, rounds_in
from journeyman.training.round_report import read_run
from journeyman.training.rounds import run_rounds
from journeyman.viewer.rounds import round_page
from tests.making import FIX, tiny_task
from tests.training.feedback.test_refine import BODY, REPORT, WRONG, Listener
from tests.training.preferring import episode as played_one
from tests.training.preferring import view
from tests.training.round_kit import PLAN, Trainers, interrupt_once, workshop


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def said(by: str, **more: Any) -> dict[str, Any]:
    return {"id": new_episode_id(), "annotator": by, "at": now(), **more}


def of_one_task(run: Path) -> list[Episode]:
    episodes = sorted(EpisodeStore(run).episodes(), key=lambda each: (each.task, each.seed))
    return [each for each in episodes if each.task == episodes[0].task]


def judge(run: Path, *more: Entry) -> list[Episode]:
    """Two people and a program look at the episodes of one task."""
    first, second, third = of_one_task(run)
    FeedbackLog(run).write(
        Ranking(**said("ada.lovelace"), episodes=(first.id, second.id), ranks=(1, 2)),
        Score(**said("ada.lovelace"), episode=first.id, value=0.9),
        Correction(**said("bob"), episode=second.id, step=1, action={"tool": "test"}),
        StepLabel(**said("simulated-strict", simulated=True), episode=third.id, step=1, label="bad"),
        *more,
    )
    return [first, second, third]


def reviewed(folder: Path, **plan: Any) -> tuple[RoundFolder, Trainers, list[Episode]]:
    crew, chosen = Trainers(), replace(PLAN, **plan)
    shop = workshop(folder, plan=chosen, crew=crew)
    run_rounds(shop, 1, review=True)
    judged = judge(shop.root / "round-001/collect")
    run_rounds(shop, 1, reviewed=True)
    return RoundFolder(shop.root, 1), crew, judged


def test_what_was_said_reaches_the_training_and_the_report(tmp_path: Path) -> None:
    round_, crew, (first, second, _) = reviewed(tmp_path)
    heard = round_.read("review")["heard"]
    assert (heard["entries"], heard["people"], heard["programs"]) == (4, 2, 1)
    feedback = round_.read("compile")["feedback"]
    assert {name: count for name, count in feedback["rows"].items() if count} == {
        "pairs": 1, "labels": 2, "scores": 1, "corrected": 1,
    }  # fmt: skip
    assert feedback["left_out"] == {"simulated": 1} and not feedback["simulated"]
    assert crew.said is not None
    assert [each.row.episode for each in crew.said.imitated()] == [second.id]
    assert [(each.chosen.id, each.rejected.id) for each in crew.said.preferences()] == [(first.id, second.id)]
    (report,) = read_run(round_.root).rounds
    line = "Said of this round's episodes: 4 entries by 2 people and 1 simulated"
    assert report.feedback[0].startswith(line)
    assert any("Left out: 1 simulated" in each for each in report.feedback)
    for page in (round_to_markdown(report), round_page(report)):
        assert "What people said" in page
    assert "lovelace" not in json.dumps(round_.read("compile")), "names are in the feedback alone"


def test_programs_are_heard_where_it_is_asked_for_and_every_row_says_so(tmp_path: Path) -> None:
    round_, _, _ = reviewed(tmp_path, simulated=True)
    feedback = round_.read("compile")["feedback"]
    assert feedback["simulated"] == {"steps": 1} and feedback["took_simulated"]
    (report,) = read_run(round_.root).rounds
    assert any("1 steps (1 of them simulated)" in each for each in report.feedback)


def test_a_round_of_which_nobody_said_anything_is_as_before(tmp_path: Path) -> None:
    crew = Trainers()
    shop = workshop(tmp_path, crew=crew)
    run_rounds(shop, 1)
    round_ = RoundFolder(shop.root, 1)
    assert "heard" not in round_.read("review") and "feedback" not in round_.read("compile")
    assert crew.said is None and not (round_.folder / "feedback").exists()
    assert read_run(shop.root).rounds[0].feedback == ()


def test_a_later_round_hears_what_was_said_late_but_imitates_only_what_no_champion_learned(tmp_path: Path) -> None:
    crew = Trainers()
    shop = workshop(tmp_path, crew=crew)
    run_rounds(shop, 1)
    assert RoundFolder(shop.root, 1).read("decide")["accepted"] is True
    judge(shop.root / "round-001/collect")
    run_rounds(shop, 2)
    second = rounds_in(shop.root)[1]
    assert second.read("compile")["feedback"]["rows"]["pairs"] == 1
    assert crew.said is not None and crew.said.compiled.preferences()
    assert not crew.said.preferences() and not crew.said.imitated(), "it was of episodes before the champion"


@pytest.mark.parametrize("stage", ["review", "compile", "train"])
def test_interrupted_with_feedback_it_comes_to_the_same(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Trainers()
    shop = workshop(tmp_path, crew=crew)
    run_rounds(shop, 1, review=True)
    judge(shop.root / "round-001/collect")
    interrupt_once(monkeypatch, stage)
    with pytest.raises(KeyboardInterrupt):
        run_rounds(shop, 1, reviewed=True)
    before = {each: (shop.root / "round-001/feedback" / each).read_bytes() for each in ("pairs.jsonl", "manifest.json")
              if stage != "review"}  # fmt: skip
    run_rounds(shop, 1, reviewed=stage == "review")
    for name, data in before.items():
        assert (shop.root / "round-001/feedback" / name).read_bytes() == data
    assert RoundFolder(shop.root, 1).read("compile")["feedback"]["rows"]["corrected"] == 1


def test_compiled_rows_that_were_changed_are_refused(tmp_path: Path) -> None:
    round_, crew, _ = reviewed(tmp_path)
    (round_.folder / "feedback/corrected.jsonl").write_text("{}\n")
    assert crew.said is not None
    with pytest.raises(CompiledError, match="was changed after it was compiled"):
        crew.said.imitated()


def test_a_guideline_is_told_to_whoever_plays_and_another_text_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(PLAN, guidelines=("conduct",))
    shop = workshop(tmp_path, plan=plan)
    run_rounds(shop, 1, review=True)
    for episode in EpisodeStore(shop.root / "round-001/collect").episodes():
        assert episode.config == plan.env.to_dict()
    assert "conduct" in plan.env.to_dict()["guidelines"][0]["name"]
    with pytest.raises(RunFolderError, match="guideline_texts, guidelines"):
        run_rounds(replace(shop, plan=PLAN), 1)


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    run_rounds(shop, 1, review=True)
    (shop.root / "round-001/collect/feedback.jsonl").write_text("nonsense\n")
    run_rounds(shop, 1, reviewed=True)
    (report,) = read_run(shop.root).rounds
    assert "0 entries by 0 people (), and 1 lines that cannot be read" in report.feedback[0]
    assert told({}, {}, {}) == []


def test_what_is_forgotten_or_taken_back_is_learned_from_in_no_round(tmp_path: Path) -> None:
    first, second = (RoundFolder(tmp_path, number) for number in (1, 2))
    run, refined = first.folder / "collect", first.folder / REFINED
    parents = [played_one(name, 0.0, view(f"{name}.py")) for name in ("20260101T000000-aa", "20260101T000000-bb")]
    with EpisodeStore(run) as store:
        store.add_many(parents)
    for name in ("ada", "bob", "cy"):
        FeedbackLog(run).write(Critique(**said(name) | {"id": name}, episode=parents[0].id, body=f"so says {name}"))
        played = replace(
            parents[0], id=f"refined-{name}", versions={CRITIQUES: name},
            ancestry=Ancestry(parents[0].id, 0, Change.HINT, f"so says {name}"),
        )  # fmt: skip
        for folder in (refined, refined / ATTEMPTS):
            with EpisodeStore(folder) as store:
                store.add(played)
    FeedbackLog(run).write(Ranking(**said("ada"), episodes=tuple(each.id for each in parents), ranks=(1, 2)))
    second.folder.mkdir()

    def kept(folder: Path) -> set[str]:
        return {each.versions[CRITIQUES] for each in EpisodeStore(folder).episodes()}

    assert compile_said(second, [], simulated=False)["rows"]["pairs"] == 1
    assert kept(refined) == kept(refined / ATTEMPTS) == {"ada", "bob", "cy"}
    FeedbackLog(run).write(Undo(**said("bob"), of="bob"))
    forget(run, "ada")
    assert compile_said(second, [], simulated=False)["rows"]["pairs"] == 0
    assert (kept(refined), kept(refined / ATTEMPTS)) == ({"cy"}, {"bob", "cy"})
    for name in ("bob", "cy"):
        forget(run, name)
    assert compile_said(second, [], simulated=False) == {} and not (second.folder / FEEDBACK).exists()
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"so says" not in found and not kept(refined) and not kept(refined / ATTEMPTS)


def test_what_was_criticised_is_tried_again_and_what_the_tests_confirm_is_kept(
    tmp_path: Path, backend: SandboxFactory
) -> None:
    task = tiny_task(tmp_path / "task")
    round_ = RoundFolder(tmp_path / "rounds", 1)
    with RepoEnv(task, backend) as env, EpisodeStore(round_.folder / "collect") as store:
        parent = rollout(env, ScriptedPolicy([WRONG, REPORT]), seed=0, store=store)
    critique = Critique(**said("ada.lovelace"), episode=parent.id, place=Place(step=1), severity="major", body=BODY)
    drilled = Critique(
        **said("simulated-strict", simulated=True), episode=parent.id, place=Place(step=1), severity="major", body=BODY
    )
    FeedbackLog(round_.folder / "collect").write(drilled)
    opened = []

    @contextmanager
    def players() -> Iterator[MakePolicy]:
        opened.append(True)
        yield lambda _: Listener()

    def refined(**more: Any) -> dict[str, Any]:
        return refine_said(
            round_, [], {task.name: task}, simulated=False, players=players, tries=1, concurrency=1, backend=backend,
            **more,
        )  # fmt: skip

    assert refined() == {"tried": 0, "kept": 0, "left_out": {}} and not opened, "a program's words are left out"
    FeedbackLog(round_.folder / "collect").write(critique)
    assert refined() == {"tried": 1, "kept": 1, "left_out": {}}
    assert refined()["kept"] == 1 and len(opened) == 2
    (kept,) = EpisodeStore(round_.folder / REFINED).episodes()
    assert kept.resolved and kept.steps[0].action == Action("edit", {"path": "parcel.py", **FIX})
    gone = refine_said(
        round_, [], {}, simulated=False, players=players, tries=1, concurrency=1, backend=backend
    )  # fmt: skip
    assert gone["left_out"] == {"the task is gone": 1}
    assert refined()["kept"] == 1
    forget(round_.folder / "collect", "ada.lovelace")
    assert refined() == {"tried": 0, "kept": 0, "left_out": {}}
    assert not list(EpisodeStore(round_.folder / REFINED).episodes()), "there is nothing to try, and nothing stays"
