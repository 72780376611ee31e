"""ATIF, the Agent Trajectory Interchange Format of Harbor, version 1.8: an episode as a trajectory and back.

What ATIF has a place for stands there: what was shown and written, the calls, the answers, the tokens. What it has no
place for, or could not say exactly, stands under `extra.journeyman`, of the trajectory and of each step, as the part of
our record that reading ATIF's own fields would not give back. So nothing is said twice, and nothing is lost.

A trajectory of another agent, which has no such part, is read by `envs/formats/atif_foreign.py`.
"""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime
from typing import Any

from journeyman import __version__
from journeyman.envs.actions import MALFORMED, Action, TokenTurn
from journeyman.envs.codec import CodecError, from_plain, plain
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.formats.calls import call_id, tools_of
from journeyman.envs.formats.strict import from_base64, is_strict, strict_text, strict_value, to_base64
from journeyman.envs.observation import Observation

SCHEMA = "ATIF-v1.8"
FORMAT = 1
"""Of what stands under `extra.journeyman`."""
_KEY = "journeyman"


def to_atif(episode: Episode) -> dict[str, Any]:
    """The episode as a trajectory, in values of strict JSON."""
    opening: dict[str, Any] = {"step_id": 1, "source": "user", "message": strict_text(episode.first.text)}
    if _is_moment(episode.started_at):
        opening["timestamp"] = episode.started_at
    steps, read = [opening], 0
    for number, step in enumerate(episode.steps, 1):
        steps.append(_step_out(step, number, read))
        if step.action.tokens is not None:
            read += len(step.action.tokens.prompt_ids) + len(step.action.tokens.sampled_ids)
    metrics = [step["metrics"] for step in steps if "metrics" in step]
    totals = {f"total_{name}": sum(each[name] for each in metrics) for name in ("prompt_tokens", "completion_tokens")}
    trajectory = {
        "schema_version": SCHEMA,
        "session_id": strict_text(episode.id),
        "trajectory_id": strict_text(episode.id),
        "agent": {
            "name": strict_text(episode.policy),
            "version": strict_text(episode.versions.get("journeyman", __version__)),
            **({"tool_definitions": list(tools)} if (tools := tools_of(episode)) else {}),
        },
        "steps": steps,
        "final_metrics": {"total_steps": len(steps)} | (totals if metrics else {}),
    }
    head = dataclasses.replace(episode, steps=())
    return trajectory | {"extra": {_KEY: _extra(plain(head), plain(_head_in(trajectory)))}}


def is_ours(trajectory: dict[str, Any]) -> bool:
    """Whether it was an episode of ours."""
    extra = trajectory.get("extra")
    return isinstance(extra, dict) and _KEY in extra


def from_atif(trajectory: dict[str, Any]) -> Episode:
    """The episode that became this trajectory.

    Raises:
        CodecError: it is not what `to_atif` writes.
    """
    try:
        head = from_plain(Episode, _restored(plain(_head_in(trajectory)), trajectory))
        steps = [from_plain(Step, _restored(plain(_step_in(step)), step)) for step in trajectory["steps"][1:]]
        return dataclasses.replace(head, steps=tuple(steps))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"not a trajectory that journeyman wrote: {error!r}") from error


def _step_out(step: Step, number: int, read: int) -> dict[str, Any]:
    """
    Args:
        read: how many tokens stood in the conversation before this step.
    """
    action = step.action
    out: dict[str, Any] = {"step_id": number + 1, "source": "agent", "message": strict_text(action.text)}
    result: dict[str, Any] = {"content": strict_text(step.observation.text)}
    if action.tool != MALFORMED:
        call = {"function_name": strict_text(action.tool), "arguments": strict_value(action.arguments)}
        out["tool_calls"] = [{"tool_call_id": call_id(number)} | call]
        result["source_call_id"] = call_id(number)
    out["observation"] = {"results": [result]}
    if (turn := action.tokens) is not None:
        out["llm_call_count"] = 1
        out["metrics"] = {
            "prompt_tokens": read + len(turn.prompt_ids),
            "completion_tokens": len(turn.sampled_ids),
            "completion_token_ids": list(turn.sampled_ids),
        }
        if turn.logprobs and all(map(math.isfinite, turn.logprobs)):
            out["metrics"]["logprobs"] = list(turn.logprobs)
    return out | {"extra": {_KEY: _extra(plain(step), plain(_step_in(out)))}}


def _step_in(step: dict[str, Any]) -> Step:
    """What ATIF's own fields say of a step of ours."""
    turn, action = None, Action(MALFORMED, {}, step["message"])
    if (metrics := step.get("metrics")) is not None:
        turn = TokenTurn((), tuple(metrics["completion_token_ids"]), tuple(metrics.get("logprobs", ())))
    if calls := step.get("tool_calls"):
        action = Action(calls[0]["function_name"], calls[0]["arguments"], step["message"])
    observation = Observation(step["observation"]["results"][0]["content"], action.tool)
    return Step(dataclasses.replace(action, tokens=turn), observation)


def _head_in(trajectory: dict[str, Any]) -> Episode:
    """What ATIF's own fields say of an episode of ours, besides its steps."""
    opening = trajectory["steps"][0]
    return Episode(
        id=trajectory["session_id"], task="", policy=trajectory["agent"]["name"], seed=0,
        first=Observation(opening["message"]), steps=(), stop=StopReason.REPORTED, reward=None, terms=(), verdict=None,
        started_at=opening.get("timestamp", ""),
    )  # fmt: skip


def _extra(record: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    beyond = _beyond(record, told)
    return {"format": FORMAT} | ({"record": beyond} if is_strict(beyond) else {"record_base64": to_base64(beyond)})


def _restored(told: dict[str, Any], holder: dict[str, Any]) -> dict[str, Any]:
    extra = holder["extra"][_KEY]
    if extra["format"] != FORMAT:
        raise CodecError(f"extra.journeyman of format {extra['format']!r}; this version reads {FORMAT}: update")
    return _merged(told, extra["record"] if "record" in extra else from_base64(extra["record_base64"]))


def _beyond(record: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that is not told already."""
    beyond = {}
    for name, value in record.items():
        if name not in told or not _same(value, told[name]):
            both = isinstance(value, dict) and isinstance(told.get(name), dict)
            beyond[name] = _beyond(value, told[name]) if both else value
    return beyond


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same type: 1 is not 1.0, and -0.0 not 0.0."""
    return repr(one) == repr(other)


def _merged(told: dict[str, Any], beyond: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `_beyond`."""
    merged = dict(told)
    for name, value in beyond.items():
        both = isinstance(value, dict) and isinstance(told.get(name), dict)
        merged[name] = _merged(told[name], value) if both else value
    return merged


def _is_moment(text: str) -> bool:
    """Whether it is a time in ISO 8601, as ATIF demands."""
    try:
        return bool(datetime.fromisoformat(text.replace("Z", "+00:00"))) and text.isascii()
    except ValueError:
        return False
