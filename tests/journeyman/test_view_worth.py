"""What steps were worth, on an episode's page: drawn where it was sampled, with the steps that changed it most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from journeyman.envs.episode import Ancestry, Change, Episode
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.training.values import values_folder
from journeyman.viewer.single import html_page
from journeyman.viewer.worth import Turn, worth

from .test_view import STEPS, episode

PARENT = replace(episode(), steps=STEPS[3:6], reward=1.0)


def sampled(run: Path, parent: Episode, rewards: dict[int, list[float | None]]) -> None:
    """Record episodes that went on after so many of the parent's steps."""
    with EpisodeStore(values_folder(run, parent.id)) as store:
        for step, got in rewards.items():
            for reward in got:
                ancestry = Ancestry(parent.id, step, Change.POLICY)
                store.add(replace(parent, id=new_episode_id(), reward=reward, ancestry=ancestry))


def test_the_page_tells_which_steps_raised_and_lowered_the_value(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(PARENT)
    assert worth(PARENT, tmp_path) is None and 'id="worth"' not in html_page(store, PARENT.id)

    sampled(tmp_path, PARENT, {0: [0.0, 0.5], 1: [1.0, 1.0, None], 2: [0.0, 0.0]})
    found = worth(PARENT, tmp_path)
    assert found is not None and (found.samples, len(found.values)) == (6, 3)
    assert found.turns == (Turn(1, "edit", 0.25, 1.0), Turn(2, "edit", 1.0, 0.0), Turn(3, "test", 0.0, 1.0)), (
        "the last one's value is what the episode itself got"
    )
    page = html_page(store, PARENT.id)
    assert '<polygon points="' in page and "+0.75</span> by step" in page and "-1.00</span> by step" in page
    assert "from 0.25 after step 0 to 0.00 after step 2" in page


def test_one_sampled_step_has_no_curve_and_a_small_change_is_not_told(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(PARENT)
    sampled(tmp_path, PARENT, {1: [0.5]})
    page = html_page(store, PARENT.id)
    assert "1 episode that went on" in page and "0.50 after step 1" in page and "<polygon" not in page
    sampled(tmp_path, PARENT, {2: [0.5, 0.51]})
    found = worth(PARENT, tmp_path)
    assert found is not None and [turn.step for turn in found.turns] == [3]
