"""An episode's page as one file that asks nothing of anybody: style, script and steps are inside it.

The steps travel compressed, for they are most of it; the script takes them out and shows those that are near the eye.
The file brings its own content security policy, which lets the browser run this one script and load nothing at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable

from markupsafe import Markup

from journeyman.envs.episode import Step
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeStore
from journeyman.viewer.episode import PAGE, episode_page
from journeyman.viewer.found import found_task
from journeyman.viewer.pages import SCRIPTS, STATIC, render
from journeyman.viewer.worth import worth

BETWEEN = "\0"
"""Stands between two steps; no page shows one."""


def html_page(store: EpisodeStore, episode_id: str) -> str:
    """The page of one episode, to be kept as a file in UTF-8.

    Args:
        episode_id: whatever `store.get` takes.

    Raises:
        EpisodeNotFound, EpisodeDamaged: as `store.get` does.
    """
    episode = store.get(episode_id)
    group = store.find(Query(task=episode.task, policy=episode.policy)).summaries
    page = episode_page(episode, found_task(episode), group=group, worth=worth(episode, store.folder))
    script = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    return render(
        "single.html", page=page, here="", size=PAGE, script=Markup(script), style=Markup(style),
        policy=f"default-src 'none'; script-src '{csp_hash(script)}'; style-src '{csp_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        data=_packed(enumerate(episode.steps, 1)),
    )  # fmt: skip


def _packed(steps: Iterable[tuple[int, Step]]) -> str:
    """Every step as the page shows it, in gzip and base64."""
    shown = BETWEEN.join(render("steps.html", steps=[numbered], here="") for numbered in steps)
    return base64.b64encode(gzip.compress(shown.encode(), mtime=0)).decode()


def csp_hash(text: str) -> str:
    """Names a style or a script in a content security policy, so that a browser takes this one alone."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
