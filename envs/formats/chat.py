"""An episode as one conversation with tool calls: a row for TRL's `SFTTrainer`.

Arguments and tools are JSON strings: as objects, `datasets` would give every row the fields of all the others, with
nulls, and a model would learn them. An action that could not be read is the assistant's text, and its answer a user's.
"""

from __future__ import annotations

import json
from typing import Any

from journeyman.envs.actions import MALFORMED
from journeyman.envs.episode import Episode, Step
from journeyman.envs.formats.calls import call_id, thought, tools_of
from journeyman.envs.formats.strict import strict_text, strict_value

Message = dict[str, Any]


def to_chat(episode: Episode) -> dict[str, Any]:
    """The row: `messages` and `tools`, and what one may want to select by."""
    messages: list[Message] = [{"role": "user", "content": strict_text(episode.first.text)}]
    for number, step in enumerate(episode.steps, 1):
        messages += _turn(step, number)
    row = {
        "messages": messages,
        "tools": json.dumps(tools_of(episode)),
        "episode": episode.id,
        "task": episode.task,
        "policy": episode.policy,
        "stop": episode.stop.value,
        "reward": episode.reward,
        "resolved": episode.resolved,
        "faults": sorted({episode.fault, *(step.fault for step in episode.steps)} - {""}),
    }
    return {name: strict_value(value) for name, value in row.items()}


def _turn(step: Step, number: int) -> tuple[Message, Message]:
    action, answer = step.action, strict_text(step.observation.text)
    if action.tool == MALFORMED:
        return {"role": "assistant", "content": strict_text(action.text)}, {"role": "user", "content": answer}
    arguments = json.dumps(strict_value(action.arguments), ensure_ascii=False)
    call = {"id": call_id(number), "type": "function", "function": {"name": action.tool, "arguments": arguments}}
    return (
        {"role": "assistant", "content": strict_text(thought(action)), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id(number), "name": action.tool, "content": answer},
    )
