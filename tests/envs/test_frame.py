"""What `render` shows, and how episodes look in a notebook."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.frame import COLUMNS, ROWS, Frame
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from tests.envs.formats.test_atif import HOSTILE, hostile_episode
from tests.envs.sandboxed import fix
from tests.making import tiny_task

pytest.importorskip("PIL", reason="Pillow is not installed: pip install 'journeyman[view]'")


def has(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=-1).any())


def test_a_picture_has_one_size_and_colours_what_was_changed() -> None:
    edit = Action("edit", {"path": "a.py", "new": "two\nlines"})
    plain, changed = Frame("a task", "nothing"), Frame("a task", "edited", edit, "--- a/a\n+++ b/a\n+ two")
    assert plain.picture().shape == changed.picture().shape == ((ROWS * 11 + 16) * 2, (COLUMNS * 6 + 16) * 2, 3)
    assert plain.picture().dtype == np.uint8
    green, yellow = (86, 211, 100), (227, 179, 65)
    assert has(changed.picture(), green) and not has(plain.picture(), green)
    assert has(replace(plain, ok=False).picture(), yellow)


def test_what_does_not_fit_is_counted_and_the_end_is_there() -> None:
    long = Frame("a task", "\n".join(f"line {n}" for n in range(1000)))
    rows = [row for row, _ in long.fitted()]
    assert len(rows) == ROWS and rows[-1] == "line 999"
    assert "lines left out" in " ".join(rows) and all(len(row) <= COLUMNS for row in rows)
    assert (long.picture() != Frame("a task", "line 0").picture()).any()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_drawn_like_any_other(text: str) -> None:
    Frame(text, text, Action("run", {"command": text, text: [text]}), text, end=text).picture()


def test_gymnasium_collects_the_pictures_of_an_episode(tmp_path: Path, backend: str) -> None:
    env = RepoEnv(tiny_task(tmp_path), backend, render_mode="rgb_array")
    frames = gymnasium.wrappers.RenderCollection(env, reset_clean=False)
    frames.reset(seed=0)
    fix(env)
    frames.step('{"tool": "report"}')
    pictures = frames.render()
    assert pictures is not None and len(pictures) == 2
    assert not np.array_equal(np.asarray(pictures[0]), np.asarray(pictures[1]))
    env.close()


def test_a_render_mode_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="human"):
        RepoEnv(tiny_task(tmp_path), render_mode="human")


class Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


def test_a_notebook_shows_hostile_episodes_as_text_alone(tmp_path: Path) -> None:
    hostile = hostile_episode()
    long = replace(hostile, steps=hostile.steps * 20)
    with EpisodeStore(tmp_path) as store:
        store.add(hostile)
        (summary,) = store.summaries()
    shown: list[Episode | RepoEnv | object] = [hostile, long, summary, RepoEnv(tiny_task(tmp_path / "task"))]
    for each in shown:
        text = each._repr_html_()  # type: ignore[attr-defined]
        assert Tags(text).seen <= {"div", "table", "tr", "th", "td", "details", "summary", "pre", "p", "style"}
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\ud800-\udfff]", text)
    assert f"{20 * len(HOSTILE) - 100} steps between" in long._repr_html_() and len(long._repr_html_()) < 1_000_000
