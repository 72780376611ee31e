"""Tool calls as the field writes them: names, ids, JSON schemas of the arguments."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from journeyman.envs.actions import TOOLS, Action
from journeyman.envs.episode import Episode
from journeyman.envs.formats.assemble import IMPORTED


def call_id(number: int) -> str:
    """Names the call of a step; steps count from 1."""
    return f"call_{number}"


def tools_of(episode: Episode) -> tuple[dict[str, Any], ...]:
    """The tools that the policy had; of another agent's we know none."""
    return () if IMPORTED in episode.versions else tool_definitions()


@cache
def tool_definitions() -> tuple[dict[str, Any], ...]:
    """Every tool as a function, in the shape that chat endpoints and templates take."""
    return tuple(
        {
            "type": "function",
            "function": {
                "name": name,
                "description": inspect.cleandoc(arguments.__doc__ or ""),
                "parameters": arguments.model_json_schema(),
            },
        }
        for name, arguments in TOOLS.items()
    )


def thought(action: Action) -> str:
    """What a policy wrote before its call; empty where it wrote the call alone."""
    words = action.text.split(None, 1)
    if words and words[0] in TOOLS:
        return ""  # a call in lines (policies/dialect_lines.py)
    before, brace, _ = action.text.partition("{")
    if not brace:
        return action.text.strip()
    return before.strip().removesuffix("json").removesuffix("```").removesuffix("<tool_call>").strip()
