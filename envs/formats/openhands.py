"""OpenHands: events of its SDK (`kind`) or of its older runtime (`action`, `observation`), or a row that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import About, Answer, Call, Said, Turn, assemble
from journeyman.envs.formats.reading import arguments_of, may, need, objects, seconds_of, text_of

_NOT_SEEN = frozenset({"recall", "system", "change_agent_state", "null", "agent_state_changed", "condensation"})
"""Events of the older runtime that no model wrote or read."""


def read_openhands(data: dict[str, Any] | list[Any], name: str) -> Episode:
    """
    Args:
        data: the events, or a row that holds them under `history` or `trajectory`.

    Raises:
        TrajectoryError: it is no such trajectory.
    """
    lost: set[str] = set()
    row: dict[str, Any] = data if isinstance(data, dict) else {}
    listed = data if isinstance(data, list) else may(row, "history", list) or need(row, "trajectory", list)
    if row.keys() - {"history", "trajectory", "instance_id", "error"}:
        lost.add("fields of the row beside its history (metrics, metadata, test_result)")
    history = list(objects(listed, "events"))
    events = [event for each in history for event in (_new if "kind" in each else _old)(each, lost)]
    times = [moment for each in history if (moment := seconds_of(each.get("timestamp"))) is not None]
    finished = any(each.get("tool_name") == "finish" or each.get("action") == "finish" for each in history)
    error = may(row, "error", str) or ""
    about = About(
        format="openhands-sdk" if any("kind" in each for each in history) else "openhands",
        task=may(row, "instance_id", str) or name,
        policy="openhands",
        stop=StopReason.REPORTED if finished else StopReason.POLICY_ERROR if error else StopReason.INTERRUPTED,
        started=min(times, default=None),
        ended=max(times, default=None),
        detail=error,
    )
    return assemble(about, events, lost)


def _new(event: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    kind, at = need(event, "kind", str), seconds_of(event.get("timestamp"))
    call_id = may(event, "tool_call_id", str)
    if kind == "SystemPromptEvent":
        yield Said(text_of(event.get("system_prompt"), lost))
    elif kind == "MessageEvent":
        text = text_of(need(event, "llm_message", dict).get("content"), lost)
        yield Turn(text, at=at) if event.get("source") == "agent" else Said(text)
    elif kind == "ActionEvent":
        thought = "\n".join(filter(None, (may(event, "reasoning_content", str), text_of(event.get("thought"), lost))))
        call = may(event, "tool_call", dict) or {}
        arguments = call.get("arguments", event.get("action"))
        yield Turn(thought, [Call(need(event, "tool_name", str), arguments_of(arguments), call_id)], at)
    elif kind == "ObservationEvent":
        seen = need(event, "observation", dict)
        text = text_of(seen.get("content", seen.get("output")), lost)
        yield Answer(text, call_id, not seen.get("is_error"), at)
    elif kind == "AgentErrorEvent":
        yield Answer(need(event, "error", str), call_id, False, at)
    elif kind == "UserRejectObservation":
        yield Answer(f"rejected: {may(event, 'rejection_reason', str) or ''}", call_id, False, at)
    else:
        lost.add(f"events of the kind {kind[:60]}")


def _old(event: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    at = seconds_of(event.get("timestamp"))
    action, seen = may(event, "action", str), may(event, "observation", str)
    arguments = arguments_of(event.get("args"))
    if action in _NOT_SEEN or seen in _NOT_SEEN:
        lost.add(f"events {action or seen}")
    elif action == "message" and event.get("source") != "agent":
        yield Said(text_of(arguments.get("content"), lost))
    elif action == "message":
        yield Turn(text_of(arguments.get("content"), lost), at=at)
    elif action is not None:
        thought = arguments.pop("thought", "")
        yield Turn(thought if isinstance(thought, str) else "", [Call(action, arguments)], at)
    elif seen is not None:
        yield Answer(text_of(event.get("content"), lost), ok=seen != "error", at=at)
    else:
        lost.add("events that are neither an action nor an observation")
