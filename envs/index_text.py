"""What an episode can be found by: its names and instruction, its actions, the beginnings of their outputs."""

from __future__ import annotations

import json
from typing import Any

from journeyman.envs.codec import CodecError, Entry, Texts
from journeyman.envs.episode import Episode
from journeyman.envs.log import LogError

ACTION_CHARS = 1000
"""Of what an action says, so much is kept findable."""
OUTPUT_CHARS = 300
INSTRUCTION_CHARS = 4000


def text_of_episode(episode: Episode) -> str:
    """What to look for in an episode's beginning."""
    return "\n".join([episode.id, episode.task, episode.policy, episode.first.text[:INSTRUCTION_CHARS]])


def text_of_step(entry: Entry, texts: Texts) -> str:
    """What to look for in a step. It reads the record as it lies: decoding every step whole would take too long."""
    action, observation = entry.body.get("action", {}), entry.body.get("observation", {})
    arguments = _text(action.get("arguments"), texts)
    try:
        said = " ".join(_strings(json.loads(arguments))) or _text(action.get("text"), texts)
    except (ValueError, RecursionError):
        said = arguments
    tool, output = _text(action.get("tool"), texts), _text(observation.get("text"), texts)
    return f"{tool} {said[:ACTION_CHARS]}\n{output[:OUTPUT_CHARS]}"


def _text(value: Any, texts: Texts) -> str:
    """A text of a record, also a long one; nothing where it is lost."""
    try:
        return str(texts.get(value["blob"]) if isinstance(value, dict) else value or "")
    except (LogError, CodecError, KeyError, TypeError):
        return ""


def _strings(value: Any) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _strings(each)]
