"""A trajectory of ATIF, any version from 1.0 to 1.8, that another agent wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from journeyman.envs.actions import TokenTurn
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import About, Answer, Call, Said, Turn, assemble
from journeyman.envs.formats.reading import TrajectoryError, arguments_of, may, need, objects, seconds_of, text_of


def read_atif(trajectory: dict[str, Any], name: str) -> Episode:
    """
    Args:
        name: of the file, for what has none of its own.

    Raises:
        TrajectoryError: it is no such trajectory.
    """
    agent, steps = need(trajectory, "agent", dict), need(trajectory, "steps", list)
    lost: set[str] = set()
    if may(trajectory, "subagent_trajectories", list):
        lost.add("subagent_trajectories")
    for field in ("final_metrics", "extra", "notes", "continued_trajectory_ref"):
        if trajectory.get(field):
            lost.add(field)
    moments = [seconds_of(step.get("timestamp")) for step in objects(steps, "steps")]
    known = [moment for moment in moments if moment is not None]
    model = may(agent, "model_name", str)
    about = About(
        format=need(trajectory, "schema_version", str),
        task=may(trajectory, "session_id", str) or name,
        policy=need(agent, "name", str) + (f" ({model})" if model else ""),
        stop=StopReason.REPORTED,
        started=min(known, default=None),
        ended=max(known, default=None),
        versions={"agent": need(agent, "version", str)},
    )
    return assemble(about, (event for step in steps for event in _events(step, lost)), lost)


def _events(step: dict[str, Any], lost: set[str]) -> Iterator[Turn | Answer | Said]:
    text, at = text_of(step.get("message"), lost), seconds_of(step.get("timestamp"))
    if (source := need(step, "source", str)) not in ("system", "user", "agent"):
        raise TrajectoryError(f"'source' should be system, user or agent, not {source[:40]!r}")
    if step.get("extra"):
        lost.add("extra of steps")
    if source == "agent":
        calls = [
            Call(need(call, "function_name", str), arguments_of(call.get("arguments")), may(call, "tool_call_id", str))
            for call in objects(may(step, "tool_calls", list) or [], "tool_calls")
        ]
        reasoning = may(step, "reasoning_content", str) or ""
        yield Turn("\n\n".join(filter(None, (reasoning, text))), calls, at, _tokens(step, lost))
    else:
        yield Said(text)
    for result in objects(may(may(step, "observation", dict) or {}, "results", list) or [], "results"):
        if result.get("subagent_trajectory_ref"):
            lost.add("subagent_trajectories")
        yield Answer(text_of(result.get("content"), lost), may(result, "source_call_id", str), at=at)


def _tokens(step: dict[str, Any], lost: set[str]) -> TokenTurn | None:
    metrics = may(step, "metrics", dict) or {}
    if metrics.keys() - {"completion_token_ids", "logprobs", "prompt_tokens", "completion_tokens"}:
        lost.add("metrics beside the sampled tokens (costs, caches, prompt token ids)")
    ids, logprobs = may(metrics, "completion_token_ids", list), may(metrics, "logprobs", list) or []
    if not ids:
        return None
    if not all(type(each) is int for each in ids) or not all(type(each) in (int, float) for each in logprobs):
        raise TrajectoryError("'completion_token_ids' should be integers and 'logprobs' numbers")
    return TokenTurn((), tuple(ids), tuple(map(float, logprobs)))
