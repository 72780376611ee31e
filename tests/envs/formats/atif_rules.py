"""The rules of ATIF v1.8 (RFC 0001 of Harbor), written down once more: what a validator of its own would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

NUMBER = (int, float)
TRAJECTORY = {
    "schema_version": str, "session_id": str, "trajectory_id": str, "agent": dict, "steps": list, "notes": str,
    "final_metrics": dict, "continued_trajectory_ref": str, "extra": dict, "subagent_trajectories": list,
}  # fmt: skip
AGENT = {"name": str, "version": str, "model_name": str, "tool_definitions": list, "extra": dict}
STEP = {
    "step_id": int, "timestamp": str, "source": str, "model_name": str, "reasoning_effort": (str, float),
    "message": (str, list), "reasoning_content": str, "tool_calls": list, "observation": dict, "metrics": dict,
    "is_copied_context": bool, "llm_call_count": int, "extra": dict,
}  # fmt: skip
CALL = {"tool_call_id": str, "function_name": str, "arguments": dict, "extra": dict}
RESULT = {"source_call_id": str, "content": (str, list), "subagent_trajectory_ref": list, "extra": dict}
METRICS = {
    "prompt_tokens": int, "completion_tokens": int, "cached_tokens": int, "cost_usd": NUMBER, "prompt_token_ids": list,
    "completion_token_ids": list, "logprobs": list, "extra": dict,
}  # fmt: skip
TOTALS = {
    "total_prompt_tokens": int, "total_completion_tokens": int, "total_cached_tokens": int, "total_cost_usd": NUMBER,
    "total_steps": int, "extra": dict,
}  # fmt: skip
VERSIONS = {f"ATIF-v1.{n}" for n in range(9)}
OF_AGENTS = {"model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"}


def mistakes(trajectory: dict[str, Any]) -> list[str]:
    """What is against the rules, in words; empty when nothing is."""
    return list(_trajectory(trajectory))


def _shape(where: str, value: Any, fields: dict[str, Any], required: set[str]) -> Iterator[str]:
    """Fields beyond the format's own are refused, at every level; `extra` is the place for them."""
    yield from (f"{where}: {name} is missing" for name in sorted(required - value.keys()))
    yield from (f"{where}: {name} is no field of ATIF" for name in sorted(value.keys() - fields.keys()))
    for name in value.keys() & fields.keys():
        if not isinstance(value[name], fields[name]) or (isinstance(value[name], bool) and fields[name] is not bool):
            yield f"{where}: {name} is a {type(value[name]).__name__}"


def _trajectory(trajectory: dict[str, Any]) -> Iterator[str]:
    yield from _shape("trajectory", trajectory, TRAJECTORY, {"schema_version", "agent", "steps"})
    yield from _shape("agent", trajectory["agent"], AGENT, {"name", "version"})
    yield from _shape("final_metrics", trajectory.get("final_metrics", {}), TOTALS, set())
    if trajectory["schema_version"] not in VERSIONS:
        yield f"schema_version {trajectory['schema_version']!r}"
    if not trajectory["steps"]:
        yield "no steps"
    total = trajectory.get("final_metrics", {}).get("total_steps", len(trajectory["steps"]))
    if total != len(trajectory["steps"]) and "notes" not in trajectory:
        yield f"total_steps is {total}, which no notes explain"
    for place, step in enumerate(trajectory["steps"], 1):
        if step["step_id"] != place:
            yield f"step_id {step['step_id']} where {place} comes"
        yield from (f"step {place}: {each}" for each in _step(step))


def _step(step: dict[str, Any]) -> Iterator[str]:
    yield from _shape("step", step, STEP, {"step_id", "source", "message"})
    if step["source"] not in ("system", "user", "agent"):
        yield f"source {step['source']!r}"
    if step["source"] != "agent":
        yield from (f"{name} is for agents only" for name in sorted(OF_AGENTS & step.keys()))
    if step.get("llm_call_count") == 0 and {"metrics", "reasoning_content"} & step.keys():
        yield "no model was asked, yet there are metrics or reasoning"
    if "timestamp" in step:
        try:
            datetime.fromisoformat(step["timestamp"].replace("Z", "+00:00"))
        except ValueError:
            yield f"timestamp {step['timestamp']!r}"
    ids = [call["tool_call_id"] for call in step.get("tool_calls", [])]
    for call in step.get("tool_calls", []):
        yield from _shape("tool_call", call, CALL, {"tool_call_id", "function_name", "arguments"})
    metrics = step.get("metrics", {})
    yield from _shape("metrics", metrics, METRICS, set())
    for name, kind in (("completion_token_ids", int), ("prompt_token_ids", int), ("logprobs", NUMBER)):
        if not all(isinstance(each, kind) for each in metrics.get(name, [])):
            yield f"metrics: {name} holds something else"
    if "observation" in step:
        yield from _shape("observation", step["observation"], {"results": list}, {"results"})
        for result in step["observation"]["results"]:
            yield from _shape("result", result, RESULT, set())
            if "source_call_id" in result and result["source_call_id"] not in ids:
                yield f"an answer to {result['source_call_id']!r}, which was not called"
