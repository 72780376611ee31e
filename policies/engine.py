"""Sampling for many episodes at once, with the KV cache kept across turns.

Each episode holds a `Lane`: the ids of its conversation and the cache that belongs to them. Whoever wants a turn
calls `Lane.generate` from its own thread; one worker takes all who wait, pads them into one batch, samples, and
hands each its part back. So a turn costs the tokens that are new, never the whole conversation again, and the
callers need no knowledge of each other.

Dimension suffixes: B rows of a batch, T positions, V vocabulary, H heads, D head size.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

from journeyman.envs.actions import TokenTurn
from journeyman.policies.policy import PolicyError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LayerCache = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of one layer and one row, each (H, T, D)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 1.0
    """0 takes the likeliest token; its log-probability is then the one at temperature 1."""
    max_new_tokens: int = 96
    """Cap of one turn."""


@dataclass
class _Request:
    lane: Lane
    prompt_ids: list[int]
    sampling: Sampling
    done: Future[TokenTurn] = field(default_factory=Future)


class Lane:
    """One conversation: its cache and its random numbers. Use it from one thread at a time."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self.generator = torch.Generator().manual_seed(seed)
        self.cache: list[_LayerCache] = []
        self.length = 0
        """Tokens whose keys and values stand in the cache."""
        self.pending: list[int] = []
        """Tokens of the conversation that the model has not read yet (the last one it sampled)."""

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """Append `prompt_ids` to the conversation and sample the model's turn.

        Raises:
            PolicyError: the engine was closed or sampling failed.
        """
        return self._engine.submit(_Request(self, list(prompt_ids), sampling))

    def close(self) -> None:
        self.cache = []
        self._engine.leave(self)


class Engine:
    """A model that samples for many lanes. Thread-safe; one worker thread, which ends with `close`."""

    def __init__(self, model: PreTrainedModel, eos_id: int, *, max_batch: int = 32, gather_s: float = 0.2) -> None:
        """`gather_s`: how long a waiting lane gives the others to join its batch, in seconds."""
        self.model, self.eos_id, self.max_batch, self.gather_s = model, eos_id, max_batch, gather_s
        self._lanes: set[Lane] = set()
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="sampling", daemon=True)
        self._worker.start()

    def open_lane(self, seed: int) -> Lane:
        lane = Lane(self, seed)
        with self._changed:
            self._lanes.add(lane)
        return lane

    def leave(self, lane: Lane) -> None:
        with self._changed:
            self._lanes.discard(lane)
            self._changed.notify_all()

    def submit(self, request: _Request) -> TokenTurn:
        with self._changed:
            if self._closed:
                raise PolicyError("the sampling engine is closed")
            self._waiting.append(request)
            self._changed.notify_all()
        return request.done.result()

    def close(self) -> None:
        """End the worker; whoever still waits gets a `PolicyError`. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                turns = sample_turns(self.model, batch, self.eos_id)
            except Exception as error:  # the model's fault must end the episodes, not hang their threads
                for request in batch:
                    request.done.set_exception(PolicyError(f"sampling failed: {error}"))
            else:
                for request, turn in zip(batch, turns, strict=True):
                    request.done.set_result(turn)

    def _next_batch(self) -> list[_Request]:
        """Wait until all open lanes ask, a batch is full, or nobody has joined for `gather_s`. Empty when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            seen = 0
            while not self._closed and seen < len(self._waiting) < min(self.max_batch, len(self._lanes)):
                seen = len(self._waiting)
                self._changed.wait_for(lambda: self._closed or len(self._waiting) > seen, timeout=self.gather_s)  # noqa: B023
            batch, self._waiting = self._waiting[: self.max_batch], self._waiting[self.max_batch :]
            if self._closed:
                for request in batch + self._waiting:
                    request.done.set_exception(PolicyError("the sampling engine was closed"))
                return []
            return batch


@torch.inference_mode()
def sample_turns(model: Any, requests: Sequence[_Request], eos_id: int) -> list[TokenTurn]:
    """Sample one turn for each request, in one batch, and move each lane's cache on.

    Rows are aligned at the right: `[padding | cached | padding | new]`, with the padding masked out. Positions count
    real tokens only, so a row's result does not depend on its neighbours but for rounding.
    """
    with _evaluating(model):
        rows = [_Row(request) for request in requests]
        cache, mask_B_T = _join_caches(model, [request.lane for request in requests])
        logits_B_V, mask_B_T = _prefill(model, rows, cache, mask_B_T)
        active = list(range(len(rows)))  # the batch's rows, by index into `rows`
        while True:
            keep = [i for i, row in enumerate(active) if rows[row].sample(logits_B_V[i], eos_id)]
            if len(keep) < len(active):
                for i, row in enumerate(active):
                    if i not in keep:
                        rows[row].store(cache, i, mask_B_T[i])
                if not keep:
                    return [row.turn(eos_id) for row in rows]
                cache.batch_select_indices(torch.tensor(keep, device=mask_B_T.device))
                mask_B_T, active = mask_B_T[keep], [active[i] for i in keep]
            tokens_B_1 = torch.tensor([[rows[row].sampled[-1]] for row in active], device=model.device)
            mask_B_T = torch.nn.functional.pad(mask_B_T, (0, 1), value=1)
            logits_B_V = _forward(model, tokens_B_1, mask_B_T, cache)


class _Row:
    """One request on its way through a batch."""

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.fed = [*request.lane.pending, *request.prompt_ids]
        self.sampled: list[int] = []
        self.logprobs: list[float] = []

    def sample(self, logits_V: torch.Tensor, eos_id: int) -> bool:
        """Choose the next token; False when it was the turn's last."""
        temperature = self.request.sampling.temperature
        logprobs_V = torch.log_softmax(logits_V.float() / (temperature or 1.0), dim=-1).cpu()
        if temperature:
            token = int(torch.multinomial(logprobs_V.exp(), 1, generator=self.request.lane.generator))
        else:
            token = int(logprobs_V.argmax())
        self.sampled.append(token)
        self.logprobs.append(float(logprobs_V[token]))
        return token != eos_id and len(self.sampled) < self.request.sampling.max_new_tokens

    def store(self, cache: Any, index: int, mask_T: torch.Tensor) -> None:
        """Give the lane its part of the batch's cache, without the padding."""
        lane, real_T = self.request.lane, mask_T.bool()
        lane.cache = [(layer.keys[index][:, real_T], layer.values[index][:, real_T]) for layer in cache.layers]
        lane.length = int(real_T.sum())
        lane.pending = self.sampled[-1:]

    def turn(self, eos_id: int) -> TokenTurn:
        ended = self.sampled[-1] == eos_id
        return TokenTurn(tuple(self.request.prompt_ids), tuple(self.sampled), tuple(self.logprobs), truncated=not ended)


def _join_caches(model: Any, lanes: Sequence[Lane]) -> tuple[DynamicCache, torch.Tensor]:
    """Stack the lanes' caches at the right of one batch; the mask says which positions are real."""
    longest = max(lane.length for lane in lanes)
    cache = DynamicCache(config=model.config)
    mask_B_T = torch.zeros(len(lanes), longest, dtype=torch.long, device=model.device)
    if not longest:
        return cache, mask_B_T
    layers = next(len(lane.cache) for lane in lanes if lane.cache)
    for layer in range(layers):
        keys_B_H_T_D, values_B_H_T_D = (_stack(lanes, layer, part, longest) for part in (0, 1))
        cache.update(keys_B_H_T_D, values_B_H_T_D, layer)
    for row, lane in enumerate(lanes):
        mask_B_T[row, longest - lane.length :] = 1
    return cache, mask_B_T


def _stack(lanes: Sequence[Lane], layer: int, part: int, longest: int) -> torch.Tensor:
    like_H_T_D = next(lane.cache[layer][part] for lane in lanes if lane.cache)
    stacked_B_H_T_D = like_H_T_D.new_zeros(len(lanes), like_H_T_D.shape[0], longest, like_H_T_D.shape[2])
    for row, lane in enumerate(lanes):
        if lane.length:
            stacked_B_H_T_D[row, :, longest - lane.length :] = lane.cache[layer][part]
    return stacked_B_H_T_D


def _prefill(
    model: Any, rows: Sequence[_Row], cache: DynamicCache, mask_B_T: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Read what is new in each row; returns the logits after its last token, (B, V), and the longer mask."""
    longest = max(len(row.fed) for row in rows)
    tokens_B_T = torch.zeros(len(rows), longest, dtype=torch.long)
    new_B_T = torch.zeros(len(rows), longest, dtype=torch.long)
    for i, row in enumerate(rows):
        tokens_B_T[i, longest - len(row.fed) :] = torch.tensor(row.fed)
        new_B_T[i, longest - len(row.fed) :] = 1
    mask_B_T = torch.cat([mask_B_T, new_B_T.to(mask_B_T.device)], dim=1)
    return _forward(model, tokens_B_T.to(model.device), mask_B_T, cache), mask_B_T


def _forward(model: Any, tokens_B_T: torch.Tensor, mask_B_T: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    positions_B_T = (mask_B_T.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens_B_T.shape[1] :]
    out = model(
        input_ids=tokens_B_T,
        attention_mask=mask_B_T,
        position_ids=positions_B_T,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    logits_B_V: torch.Tensor = out.logits[:, -1]
    return logits_B_V


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """The model in evaluation mode, and back to what it was (a trainer may own it)."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
