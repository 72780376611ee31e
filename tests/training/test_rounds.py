"""Rounds go on wherever they were interrupted, accept only what is better, and touch no held-out repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.store import EpisodeStore
from journeyman.tasks.sources.likeness import OverlapError
from journeyman.training.checkpoint import RunFolderError
from journeyman.training.round_folder import STAGES, RoundError, RoundFolder, champion_before, rounds_in
from journeyman.training.rounds import last_decision, run_rounds
from journeyman.training.task_pool import PoolError
from tests.training.round_kit import PLAN, Dealer, Trainers, interrupt_once, story, workshop

HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Thousands of records: that each outlives a power cut is held by the tests of the store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What two rounds come to when nothing happens."""
    folder = tmp_path_factory.mktemp("calm")
    run_rounds(workshop(folder), 2)
    return list(story(folder / "rounds", 2))


def test_a_better_candidate_becomes_champion_and_the_next_round_begins_with_it(tmp_path: Path) -> None:
    engine, decided = Dealer(), list[int]()
    shop = workshop(tmp_path, engine=engine)
    assert run_rounds(shop, 2, decided=lambda round_: decided.append(round_.number)) is None
    first, second = rounds_in(shop.root)
    assert decided == [1, 2]
    assert first.read("decide")["accepted"] is True
    assert champion_before(first, "novice") == "novice"
    assert champion_before(second, "novice") == str(first.folder / "train/model")
    collected_by = {name for name, _, seed in engine.dealt if seed >= PLAN.group_size}
    assert collected_by == {str(first.folder / "train/model")}
    assert not set(first.read("evaluate")["tasks"]) & set(second.read("evaluate")["tasks"])
    assert not second.read("evaluate")["reused"]
    final = last_decision(shop.root, 0.05)
    assert final is not None and final[1].resolve_rate.trials == 6
    assert (final[2].level, final[2].pairs.only_second, final[2].pairs.only_first) == (0.025, 6, 0)
    kept = {result.task for result in final[0].results}
    assert not kept & {task for each in (first, second) for task in each.read("evaluate")["tasks"]}


def test_what_is_not_better_is_refused_and_what_was_collected_is_learned_from_later(tmp_path: Path) -> None:
    shop = workshop(tmp_path, crew=Trainers(gain=0))
    run_rounds(shop, 2)
    first, second = rounds_in(shop.root)
    decision = first.read("decide")
    assert (decision["accepted"], decision["p_value"], decision["level"]) == (False, 1.0, 0.025)
    assert "not better" in decision["why"] and decision["advice"]
    assert champion_before(second, "novice") == "novice"
    runs = {row["run"] for row in second.read("compile")["chosen"]}
    assert "round-001/collect" in runs
    assert last_decision(shop.root, 0.05) is None


def test_without_an_episode_worth_imitating_a_round_ends_without_a_test(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    (RoundFolder(shop.root, 1).folder).mkdir(parents=True)
    everything = Dealer()
    run_rounds(shop, 1, review=True)
    ids = [episode.id for episode in EpisodeStore(shop.root / "round-001/collect").episodes()]
    (shop.root / "round-001/rejected.txt").write_text("".join(f"{name}  # no\n" for name in ids))
    run_rounds(workshop(tmp_path, engine=everything), 1, reviewed=True)
    decision = RoundFolder(shop.root, 1).read("decide")
    assert decision["accepted"] is None
    assert decision["why"] == "no collected episode is worth imitating"
    assert not everything.dealt, "nothing was measured"


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted_in_any_stage_it_comes_to_the_same(
    tmp_path: Path, stage: str, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = workshop(tmp_path)
    interrupt_once(monkeypatch, stage)
    with pytest.raises(KeyboardInterrupt):
        run_rounds(shop, 1)
    assert RoundFolder(shop.root, 1).next_stage == stage
    again = Dealer()
    run_rounds(workshop(tmp_path, engine=again), 1)
    assert story(shop.root, 1)[0] == told[0]
    is_measured = STAGES.index(stage) >= STAGES.index("evaluate")
    assert not any(task.startswith("pool") for _, task, _ in again.dealt), "nothing that was collected is played again"
    assert len(again.dealt) == (12 if is_measured else 36), "what was measured is not measured again"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["episode", "train"])
def test_killed_it_goes_on_and_no_episode_counts_twice(tmp_path: Path, place: str, told: list[Any]) -> None:
    command = [sys.executable, "-m", "tests.training.round_kit", str(tmp_path), "2", place]
    killed = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    shop = workshop(tmp_path)
    run_rounds(shop, 2)
    assert story(shop.root, 2) == told
    rows = RoundFolder(shop.root, 1).read("collect")["evaluation"]["results"]
    assert len({row["episode"] for row in rows}) == len(rows) == 12


def test_rounds_can_be_added_but_the_plan_stays(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    run_rounds(shop, 1)
    run_rounds(shop, 2)
    assert len(rounds_in(shop.root)) == 2
    other = workshop(tmp_path, plan=PLAN.__class__(model="novice", tasks="pool", alpha=0.1))
    with pytest.raises(RunFolderError, match="alpha"):
        run_rounds(other, 2)


def test_a_review_stops_it_until_somebody_has_looked(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    with pytest.raises(RoundError, match=r"no round in .* waits"):
        run_rounds(shop, 1, reviewed=True)
    waiting = run_rounds(shop, 2, review=True)
    assert waiting is not None and waiting.number == 1
    assert run_rounds(shop, 2, review=True) == waiting
    store = EpisodeStore(waiting.folder / "collect")
    first, second, *_ = [episode.id for episode in store.episodes() if episode.resolved]
    waiting.rejected.write_text(f"# seen on Monday\n\n{first}\n")
    store.tag(second, ["rejected"])
    after = run_rounds(shop, 2, review=True, reviewed=True)
    assert after is not None and after.number == 2, "the next one waits again"
    assert waiting.read("review")["rejected"] == sorted([first, second])
    chosen = {row["episode"] for row in waiting.read("compile")["chosen"]}
    assert chosen and not chosen & {first, second}


def test_a_rejected_episode_that_is_none_is_said(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    run_rounds(shop, 1, review=True)
    (shop.root / "round-001/rejected.txt").write_text("nonsense\n")
    with pytest.raises(RoundError, match="name no episode of round 1, such as 'nonsense'"):
        run_rounds(shop, 1, reviewed=True)


def test_held_out_tasks_of_the_pool_are_refused_before_anything_is_played(tmp_path: Path) -> None:
    engine = Dealer()
    shop = workshop(tmp_path, engine=engine)
    mixed = shop.__class__(
        shop.plan, shop.root, shop.tasks, [*shop.heldout, shop.tasks[0]], shop.backend, shop.crew, shop.stage, engine
    )
    with pytest.raises(OverlapError, match="give another --heldout"):
        run_rounds(mixed, 1)
    assert not engine.dealt


def test_without_a_task_to_decide_by_nothing_is_begun(tmp_path: Path) -> None:
    engine = Dealer()
    shop = workshop(tmp_path, plan=replace(PLAN, final_share=0.6), engine=engine)
    with pytest.raises(RoundError, match=r"no held-out task is left to decide a round by: .* all 1 .* = 0\.6"):
        run_rounds(replace(shop, heldout=shop.heldout[:1]), 1)
    assert not engine.dealt and not shop.root.exists()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    found = []

    def second(_: RoundFolder) -> None:
        with pytest.raises(RoundError, match="another `journeyman round run` works"):
            run_rounds(workshop(tmp_path), 1)
        found.append(True)

    run_rounds(shop, 1, decided=second)
    assert found


def test_a_pool_that_is_solved_ends_it_clearly(tmp_path: Path) -> None:
    shop = workshop(tmp_path, crew=Trainers(gain=20), pool=4)
    with pytest.raises(PoolError, match="all 4 are solved by all episodes"):
        run_rounds(shop, 9)
    assert rounds_in(shop.root)[0].read("decide")["accepted"] is True
    assert last_decision(shop.root, 0.05) is not None, "the last word is said"


def test_a_damaged_stage_says_what_to_do(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    run_rounds(shop, 1)
    (shop.root / "round-001/train.json").write_text("{")
    with pytest.raises(RoundError, match=r"train.json: cannot be read .* remove it"):
        run_rounds(shop, 2)
