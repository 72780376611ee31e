"""Conversations with a sampler, and what a plain forward pass says of the tokens that it sampled."""

from __future__ import annotations

import threading
from typing import Any

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Sampling
from journeyman.policies.chat import ChatTemplate

TALKS = [
    ["What is this?", "And that?"],
    ["Say something longer than others do.", "Again.", "More."],
    ["Hm"],
]
NO_END = -1
"""A token that is never sampled: turns run to their caps."""


def talk(sampler: Any, chat: ChatTemplate, messages: list[str], sampling: Sampling, seed: int = 0) -> list[TokenTurn]:
    lane = sampler.open_lane(seed)
    turns = [
        lane.generate(chat.reply(message) if at else chat.opening("Be brief.", message), sampling)
        for at, message in enumerate(messages)
    ]
    lane.close()
    return turns


def together(sampler: Any, chat: ChatTemplate, talks: list[list[str]], sampling: Sampling) -> list[list[TokenTurn]]:
    """All at once, each from a thread of its own."""
    results: list[list[TokenTurn]] = [[] for _ in talks]

    def run(at: int) -> None:
        results[at] = talk(sampler, chat, talks[at], sampling, seed=at)

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(talks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def logprobs_of(turns: list[TokenTurn]) -> list[float]:
    return [logprob for turn in turns for logprob in turn.logprobs]


def expected_logprobs(model: Any, turns: list[TokenTurn], temperature: float = 1.0) -> list[float]:
    """Of the sampled tokens, by one forward pass over the whole conversation."""
    ids = [id_ for turn in turns for id_ in (*turn.prompt_ids, *turn.sampled_ids)]
    with torch.no_grad():
        logprobs_T_V = torch.log_softmax(model(torch.tensor([ids])).logits[0].float() / temperature, dim=-1)
    at, found = 0, []
    for turn in turns:
        at += len(turn.prompt_ids)
        for id_ in turn.sampled_ids:
            found.append(float(logprobs_T_V[at - 1, id_]))
            at += 1
    return found
