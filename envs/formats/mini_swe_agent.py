"""`.traj.json` of mini-swe-agent, formats 1 and 1.1: a list of messages; calls as text or as tool calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import About, Answer, Call, Said, Turn, assemble
from journeyman.envs.formats.reading import TrajectoryError, may, need, objects, seconds_of, text_of

_STOPS = {
    "Submitted": StopReason.REPORTED,
    "LimitsExceeded": StopReason.STEP_LIMIT,
    "TimeExceeded": StopReason.TIME_LIMIT,
    "RepeatedFormatError": StopReason.MALFORMED_LIMIT,
    "UserInterruption": StopReason.INTERRUPTED,
    "": StopReason.INTERRUPTED,
}


def read_mini_swe_agent(data: dict[str, Any], name: str) -> Episode:
    """
    Raises:
        TrajectoryError: it is no such trajectory.
    """
    lost = {"info.config (the settings of agent, model and environment)", "costs"}
    info, messages = may(data, "info", dict) or {}, need(data, "messages", list)
    model = may(may(may(info, "config", dict) or {}, "model", dict) or {}, "model_name", str)
    status = may(info, "exit_status", str) or ""
    events = [event for message in objects(messages, "messages") for event in _events(message, lost)]
    times = [event.at for event in events if not isinstance(event, Said) and event.at is not None]
    about = About(
        format=may(data, "trajectory_format", str) or "mini-swe-agent-1",
        task=may(data, "instance_id", str) or name,
        policy="mini-swe-agent" + (f" ({model})" if model else ""),
        stop=_STOPS.get(status, StopReason.POLICY_ERROR),
        started=min(times, default=None),
        ended=max(times, default=None),
        detail=status if status not in _STOPS else "",
        versions={"mini-swe-agent": may(info, "mini_version", str) or ""},
    )
    return assemble(about, events, lost)


def _events(message: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    extra = may(message, "extra", dict) or {}
    at = seconds_of(extra.get("timestamp"))
    if message.get("type") == "function_call_output":  # the Responses API
        yield Answer(text_of(message.get("output"), lost), may(message, "call_id", str), at=at)
        return
    if message.get("object") == "response":
        texts = [text_of(item.get("content"), lost) for item in objects(need(message, "output", list), "output")]
        yield Turn("\n".join(filter(None, texts)), _calls(extra), at)
        return
    role, text = need(message, "role", str), text_of(message.get("content"), lost)
    if role == "assistant":
        yield Turn(text, _calls(extra) or _calls_in_text(text), at)
    elif extra.get("interrupt_type") == "FormatError":
        if isinstance(wrote := extra.get("model_response"), str):
            yield Turn(wrote, at=at, malformed=text)
        yield Answer(text, ok=False, at=at)
    elif role == "tool":
        yield Answer(text, may(message, "tool_call_id", str), extra.get("returncode") in (0, None), at)
    elif role == "user" and ("returncode" in extra or "raw_output" in extra):
        yield Answer(text, at=at)
    elif role in ("user", "system", "exit"):
        yield Said(text)
    else:
        raise TrajectoryError(f"a message of the role {role[:40]!r}")


def _calls(extra: dict[str, Any]) -> list[Call]:
    actions = objects(may(extra, "actions", list) or [], "actions")
    return [Call("bash", {"command": need(each, "command", str)}, may(each, "tool_call_id", str)) for each in actions]


def _calls_in_text(text: str) -> list[Call]:
    """Format 1 keeps the answer alone: the command is its one block of bash."""
    blocks = text.split("```bash\n")[1:] if "```bash\n" in text else text.split("```mswea_bash_command\n")[1:]
    return [Call("bash", {"command": blocks[0].partition("\n```")[0]})] if len(blocks) == 1 else []
