"""Turns on their way through the model: rows join at any token and leave when their turn is over.

Dimension suffixes: B rows, T new positions, K positions in the cache, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.kv_rows import KeyValueRows, LayerCache
from journeyman.policies.policy import PolicyError

_MAX_PADDING = 0.25
"""Rows are read together while at most so much of a forward pass is padding."""
_MAX_READ_TOKENS = {"cpu": 1024, "cuda": 16384}
"""Tokens of one forward pass that reads, by the kind of device; more gain nothing and take memory."""
_WORTH_KEEPING = 16
"""A conversation that begins with so many tokens of its own is read before those that may share them."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 1.0
    """0 takes the likeliest token; its log-probability is then the one at temperature 1."""
    max_new_tokens: int = 96
    """Cap of one turn."""


class Conversation(Protocol):
    """What a batch needs to know of a lane."""

    generator: torch.Generator
    cache: list[LayerCache]
    """Of all tokens that the model has read; taken when a turn begins, given back when it ends."""
    pending: list[int]
    """Tokens of the conversation that the model has not read yet (the last one it sampled)."""


@dataclass
class Turn:
    """A turn that somebody wants, and what was sampled of it so far."""

    lane: Conversation
    prompt_ids: list[int]
    sampling: Sampling
    shared: int = 0
    """Tokens of the prompt that were read for another conversation."""
    sampled: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    done: Future[TokenTurn] = field(default_factory=Future)
    """For whoever waits."""

    @property
    def unread(self) -> list[int]:
        """Tokens for the next forward pass."""
        return self.sampled[-1:] or [*self.lane.pending, *self.prompt_ids[self.shared :]]

    def is_over(self, eos_id: int) -> bool:
        return self.sampled[-1] == eos_id or len(self.sampled) >= self.sampling.max_new_tokens

    def result(self, eos_id: int) -> TokenTurn:
        ended = self.sampled[-1] == eos_id
        return TokenTurn(tuple(self.prompt_ids), tuple(self.sampled), tuple(self.logprobs), truncated=not ended)


class Batch:
    """The turns that are being sampled. Positions count a row's own tokens, so that a row's result does not depend on
    its neighbours but for rounding."""

    def __init__(self, model: Any, eos_id: int) -> None:
        self._model, self._eos_id = model, eos_id
        self.turns: list[Turn] = []
        self._rows = KeyValueRows()
        self._opening: tuple[list[int], list[LayerCache]] = ([], [])

    def admit(self, turns: Sequence[Turn]) -> None:
        """Read the prompts of new turns and sample the first token of each.

        Conversations that begin alike (the same tools, a group's same task) are read once, as far as they do.
        """
        joining = [turn for turn in turns if turn.lane.cache]
        for turn in sorted((t for t in turns if not t.lane.cache), key=lambda t: t.prompt_ids):
            ids, cache = self._opening
            # The last token is read in any case: the first one sampled comes of it.
            turn.shared = alike(ids, turn.prompt_ids[:-1])
            turn.lane.cache = [(keys[:, : turn.shared], values[:, : turn.shared]) for keys, values in cache]
            if len(turn.prompt_ids) - turn.shared < _WORTH_KEEPING:
                joining.append(turn)
            else:
                self._join([turn])
                self._opening = (turn.prompt_ids, self._rows.copy_of(len(self.turns) - 1))
        if joining:
            self._join(joining)

    def _join(self, turns: Sequence[Turn]) -> None:
        first = len(self.turns)
        self.turns += sorted(turns, key=lambda turn: len(turn.unread))
        for turn in self.turns[first:]:
            self._rows.append(turn.lane.cache)
            turn.lane.cache = []
        most = _MAX_READ_TOKENS[self._model.device.type]
        for begin, end in _read_together([len(turn.unread) for turn in self.turns[first:]], most):
            self._advance(first + begin, first + end)

    def step(self) -> None:
        """Sample one more token for each turn."""
        if self.turns:
            self._advance(0, len(self.turns))

    def finished(self) -> list[Turn]:
        """Take out the turns that are over; their lanes have their caches back."""
        over = []
        for row in reversed(range(len(self.turns))):
            turn = self.turns[row]
            if turn.is_over(self._eos_id):
                turn.lane.cache, turn.lane.pending = self._rows.copy_of(row), turn.sampled[-1:]
                self._rows.remove(row)
                last = self.turns.pop()
                if last is not turn:
                    self.turns[row] = last
                over.append(turn)
        return over

    def _advance(self, begin: int, end: int) -> None:
        """One forward pass of the rows from `begin` to `end` over what they have not read, and a token for each."""
        turns = self.turns[begin:end]
        unread = [turn.unread for turn in turns]
        starts = self._rows.lengths[begin:end]
        self._rows.expect(begin, [len(ids) for ids in unread])
        sample(turns, self._forward(unread, starts))

    def _forward(self, unread: Sequence[Sequence[int]], starts: Sequence[int]) -> torch.Tensor:
        """Logits after each row's last token, (B, V)."""
        device, longest = self._model.device, max(map(len, unread))
        ends = [start + len(ids) for start, ids in zip(starts, unread, strict=True)]
        tokens_B_T = torch.tensor([[0] * (longest - len(ids)) + list(ids) for ids in unread], device=device)
        # Padding at the left would stand before the row's first position: it reads like that one, and is not kept.
        first_B_1 = torch.tensor(ends, device=device)[:, None] - longest
        positions_B_T = (first_B_1 + torch.arange(longest, device=device)).clamp(min=0)
        hidden_B_T_K = torch.arange(max(ends), device=device) > positions_B_T[..., None]
        mask_B_1_T_K = torch.zeros(hidden_B_T_K.shape, dtype=self._model.dtype, device=device)
        mask_B_1_T_K = mask_B_1_T_K.masked_fill_(hidden_B_T_K, torch.finfo(self._model.dtype).min)[:, None]
        out = self._model(
            input_ids=tokens_B_T,
            attention_mask=mask_B_1_T_K,
            position_ids=positions_B_T,
            past_key_values=self._rows,
            use_cache=True,
            logits_to_keep=1,
        )
        logits_B_V: torch.Tensor = out.logits[:, -1]
        return logits_B_V


def _read_together(lengths: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Split ascending lengths into runs (begin, end) that are worth one forward pass each, of `most` tokens."""
    begin = 0
    for end in range(1, len(lengths) + 1):
        if end < len(lengths):
            run = lengths[begin : end + 1]
            size = len(run) * run[-1]
            if size <= most and size - sum(run) <= _MAX_PADDING * size:
                continue
        yield begin, end
        begin = end


def alike(first: Sequence[int], second: Sequence[int]) -> int:
    """So many tokens from the start are the same."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def sample(turns: Sequence[Turn], logits_B_V: torch.Tensor) -> None:
    """Choose each turn's next token by its own temperature and its lane's own random numbers.

    Raises:
        PolicyError: what the model predicts is not a number.
    """
    temperatures_B_1 = torch.tensor([[turn.sampling.temperature or 1.0] for turn in turns], device=logits_B_V.device)
    logprobs_B_V = torch.log_softmax(logits_B_V.float() / temperatures_B_1, dim=-1)
    tokens_B = logprobs_B_V.argmax(dim=-1)
    drawn = [row for row, turn in enumerate(turns) if turn.sampling.temperature]
    if drawn:
        tokens_B[drawn] = _draw(logprobs_B_V[drawn], [turns[row].lane.generator for row in drawn])
    chosen = logprobs_B_V.gather(1, tokens_B[:, None])[:, 0].tolist()
    if any(map(math.isnan, chosen)):
        raise PolicyError("what the model predicts is not a number: its weights are broken (was a training cut short?)")
    for turn, token, logprob in zip(turns, tokens_B.tolist(), chosen, strict=True):
        turn.sampled.append(token)
        turn.logprobs.append(logprob)


def _draw(logprobs_B_V: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """A token for each row, by its probability: where one random number of the row's own falls among the sums.
    (`torch.multinomial` asks for V.)"""
    sums_B_V = logprobs_B_V.exp().cumsum(dim=-1, dtype=torch.float64)
    random_B_1 = torch.stack([torch.rand(1, generator=generator, dtype=torch.float64) for generator in generators])
    found_B_1 = torch.searchsorted(sums_B_V, random_B_1.to(sums_B_V.device) * sums_B_V[:, -1:], right=True)
    return found_B_1[:, 0].clamp(max=sums_B_V.size(1) - 1)
