"""`.traj` of SWE-agent: the steps of `trajectory`, or where a demonstration has none, the messages of `history`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import About, Answer, Call, Said, Turn, assemble
from journeyman.envs.formats.reading import arguments_of, may, need, objects, text_of

_STOPS = {"exit_context": StopReason.TOKEN_LIMIT, "exit_cost": StopReason.STEP_LIMIT,
          "exit_format": StopReason.MALFORMED_LIMIT, "exit_total_execution_time": StopReason.TIME_LIMIT}  # fmt: skip


def read_swe_agent(data: dict[str, Any], name: str) -> Episode:
    """
    Raises:
        TrajectoryError: it is no such trajectory.
    """
    lost = {field for field in ("replay_config", "environment") if data.get(field)}
    if data.get("info"):
        lost.add("info beside its exit status (costs, the patch, the edited files)")
    info = may(data, "info", dict) or {}
    status = may(info, "exit_status", str) or ""
    history = list(objects(may(data, "history", list) or [], "history"))
    steps = list(objects(may(data, "trajectory", list) or [], "trajectory"))
    if steps:
        events = [*_opening(history, lost), *(event for step in steps for event in _step(step, lost))]
    else:
        events = [event for message in history for event in _message(message, lost)]
    about = About(
        format="swe-agent",
        task=may(data, "instance_id", str) or name,
        policy="swe-agent",
        stop=StopReason.REPORTED if status.startswith("submitted") else _STOPS.get(status, StopReason.INTERRUPTED),
        detail="" if status.startswith("submitted") else status,
        versions={"swe-agent": may(info, "swe_agent_version", str) or ""},
    )
    return assemble(about, events, lost)


def _opening(history: list[dict[str, Any]], lost: set[str]) -> Iterator[Said]:
    """What the model was told before its first turn."""
    for message in history:
        if message.get("role") == "assistant":
            return
        if not message.get("is_demo"):
            yield Said(text_of(message.get("content"), lost))


def _step(step: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer]:
    if step.get("state"):
        lost.add("state (the open file, the working directory)")
    if step.get("query") or step.get("messages"):
        lost.add("query (what the model was sent at each step)")
    action = may(step, "action", str) or ""
    thought = may(step, "thought", str) or may(step, "response", str) or ""
    yield Turn(thought, [Call("bash", {"command": action.rstrip("\n")})] if action.strip() else [])
    yield Answer(text_of(step.get("observation"), lost))


def _message(message: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    if message.get("is_demo"):
        lost.add("demonstrations in the prompt")
        return
    role, text = need(message, "role", str), text_of(message.get("content"), lost)
    if role != "assistant":
        ids = may(message, "tool_call_ids", list) or [None]
        answers = role == "tool" or message.get("message_type") == "observation"
        yield Answer(text, ids[0] if isinstance(ids[0], str) else None) if answers else Said(text)
        return
    calls = [_call(call) for call in objects(may(message, "tool_calls", list) or [], "tool_calls")]
    action = may(message, "action", str) or ""
    if not calls and action.strip():
        calls = [Call("bash", {"command": action.rstrip("\n")})]
    yield Turn(may(message, "thought", str) or text, calls)


def _call(call: dict[str, Any]) -> Call:
    function = need(call, "function", dict)
    return Call(need(function, "name", str), arguments_of(function.get("arguments")), may(call, "id", str))
