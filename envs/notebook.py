"""How episodes and environments look in a notebook: plain HTML, all of it escaped, no script, no request."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from journeyman.envs.text import clean, cut, shorten

if TYPE_CHECKING:
    from journeyman.envs.episode import Episode, Step
    from journeyman.envs.repo_env import RepoEnv
    from journeyman.envs.summary import Summary

MAX_STEPS = 100
"""So many steps are shown, the first and the last."""
_ANSWER_CHARS = 2000
_PRE = "white-space:pre-wrap;margin:.3em 0 .3em 1.5em;font-family:monospace"


def episode_html(episode: Episode) -> str:
    """The task, each step folded, the reward term by term."""
    reward = "unscored" if episode.reward is None else f"{episode.reward:g}"
    facts = (("episode", episode.id), ("task", episode.task), ("policy", episode.policy),
             ("ended", f"{episode.stop.value} after {len(episode.steps)} steps"), ("reward", reward))  # fmt: skip
    numbered = list(enumerate(episode.steps, 1))
    half = MAX_STEPS // 2
    shown = numbered if len(numbered) <= MAX_STEPS else [*numbered[:half], *numbered[-half:]]
    parts = [_table(facts), _folded("the task", episode.first.text), *(_step(number, step) for number, step in shown)]
    if len(shown) < len(numbered):
        parts.append(f"<p>{len(numbered) - len(shown)} steps between step {half} and the last {half} are left out.</p>")
    parts.append(_table((term.name, f"{term.amount:+.3g} {term.source}") for term in episode.terms))
    return f"<div>{''.join(parts)}</div>"


def env_html(env: RepoEnv) -> str:
    """The task and the settings."""
    task = env.task
    milestones = ", ".join(milestone.name for milestone in task.milestones) or "none"
    facts = (("task", task.name), ("sandbox", env.factory.name), ("steps", f"{env.max_steps} at most"),
             ("checks", str(len(task.checks))), ("milestones", milestones))  # fmt: skip
    return f"<div>{_table(facts)}{_folded('the task', task.instruction)}</div>"


def summary_html(summary: Summary) -> str:
    """One episode as the index has it."""
    reward = "unscored" if summary.reward is None else f"{summary.reward:g}"
    return _table((("episode", summary.id), ("task", summary.task), ("policy", summary.policy),
                   ("state", summary.state.value), ("ended", summary.stop), ("steps", str(summary.steps)),
                   ("reward", reward)))  # fmt: skip


def _step(number: int, step: Step) -> str:
    arguments = " ".join(f"{name}={value}" for name, value in step.action.arguments.items())
    told = "" if step.tests is None else f" · {len(step.tests.passed)} passed, {len(step.tests.failed)} failed"
    head = shorten(f"{number}. {step.action.tool} {arguments}".replace("\n", " "), 120) + told
    head += f" · fault: {step.fault}" if step.fault else ""
    return _folded(head, "\n\n".join(filter(None, (step.diff, step.observation.text))))


def _folded(head: str, body: str) -> str:
    shown = f'<pre style="{_PRE}">{_safe(cut(body, _ANSWER_CHARS))}</pre>'
    return f"<details><summary>{_safe(head)}</summary>{shown}</details>"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = [f"<tr><th style='text-align:left'>{_safe(name)}</th><td>{_safe(text)}</td></tr>" for name, text in rows]
    return f"<table>{''.join(cells)}</table>" if cells else ""


def _safe(text: str) -> str:
    return html.escape(clean(text))
