"""The templates, and what they may use. They escape every text that an episode or a task holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from journeyman.envs.feedback.entry import summary
from journeyman.envs.formats.calls import thought
from journeyman.terminal import line, plural, visible
from journeyman.training.stats import Rate
from journeyman.viewer.ansi import ansi
from journeyman.viewer.drawing import band, curve, graph
from journeyman.viewer.episode import LONG, arguments_of, kind_of
from journeyman.viewer.highlight import diff_rows
from journeyman.viewer.places import as_data, rows_of
from journeyman.viewer.run import GROUPS, ended
from journeyman.viewer.tokens import LEVELS, as_text, heat, mean_of

STATIC = Path(__file__).resolve().parent / "static"
SCRIPTS = ("script.js", "steps.js")
"""In the order in which pages load them."""
FEEDBACK_SCRIPTS = ("kept.js", "cursor.js", "feedback.js", "drafted.js", "scored.js")
"""What an episode's page loads after them, where feedback can be given."""
RANK_SCRIPTS = ("kept.js", "rank.js")
SETTLE_SCRIPTS = ("kept.js", "settle.js")


def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("journeyman.viewer"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pages.filters.update(visible=visible, line=line, ansi=ansi)
    pages.globals.update(
        plural=plural, band=band, curve=curve, graph=graph, arguments_of=arguments_of, kind_of=kind_of, ended=ended,
        heat=heat, mean_of=mean_of, as_text=as_text, diff_rows=diff_rows, LEVELS=LEVELS, GROUPS=GROUPS, Rate=Rate,
        LONG=LONG, SCRIPTS=SCRIPTS, FEEDBACK_SCRIPTS=FEEDBACK_SCRIPTS, RANK_SCRIPTS=RANK_SCRIPTS,
        SETTLE_SCRIPTS=SETTLE_SCRIPTS, summary=summary, thought=thought,
        as_data=as_data, rows_of=rows_of, call_of=call_of,
    )  # fmt: skip
    return pages


def call_of(action: Mapping[str, Any]) -> str:
    """An action as it is written, for people."""
    return json.dumps(dict(action), ensure_ascii=False, indent=1)


PAGES = _pages()


def render(name: str, **values: Any) -> str:
    """A page, or a part of one."""
    return PAGES.get_template(name).render(**values)
