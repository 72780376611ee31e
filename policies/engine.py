"""Sampling for many episodes at once, with the KV cache kept across turns.

Each episode holds a `Lane`: the cache and the random numbers of its conversation. Whoever wants a turn calls
`Lane.generate` from its own thread; one worker samples for all who wait, token by token. A turn joins the others at
the next token and leaves when it is over, so nobody waits for a longer turn, and a turn costs the tokens that are new,
never the whole conversation again. The callers need no knowledge of each other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.attention import grouped_attention
from journeyman.policies.batch import Batch, Sampling, Turn
from journeyman.policies.kv_rows import LayerCache
from journeyman.policies.memory import keep_freed_memory
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Lane:
    """One conversation. Use it from one thread at a time."""

    def __init__(self, engine: Lanes, seed: int) -> None:
        self._engine = engine
        self.generator = torch.Generator().manual_seed(seed)
        self.cache: list[LayerCache] = []
        self.pending: list[int] = []
        self.closed = False

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """Append `prompt_ids` to the conversation and sample the model's turn.

        Raises:
            PolicyError: the engine was closed or sampling failed.
        """
        return self._engine.submit(Turn(self, list(prompt_ids), sampling))

    def close(self) -> None:
        """Give the conversation's memory back. Idempotent."""
        self.cache, self.pending = [], []
        if not self.closed:
            self.closed = True
            self._engine.lane_closed()


class TurnBatch(Protocol):
    """Turns that are being sampled, as an engine's worker drives them."""

    turns: list[Turn]

    def admit(self, turns: Sequence[Turn]) -> None:
        """Read the prompts of new turns and sample the first token of each."""
        ...

    def step(self) -> None:
        """Sample one more token for each turn."""
        ...

    def finished(self) -> list[Turn]:
        """Take out the turns that are over."""
        ...


class Lanes:
    """Conversations that are open, and none that goes on with other weights than it began with. Thread-safe."""

    version: str
    """What samples, for an episode's record."""

    def __init__(self, eos_id: int) -> None:
        self.eos_id = eos_id
        self._changed = threading.Condition()
        self._refreshing = False
        self._open_lanes = 0

    def open_lane(self, seed: int) -> Lane:
        """Begin a conversation.

        Raises:
            PolicyError: the weights are just being replaced.
        """
        with self._changed:
            if self._refreshing:
                raise PolicyError("the sampler is taking new weights; conversations begin after that")
            self._open_lanes += 1
        return self._lane(seed)

    def lane_closed(self) -> None:
        with self._changed:
            self._open_lanes -= 1

    def submit(self, turn: Turn) -> TokenTurn:
        raise NotImplementedError

    def _lane(self, seed: int) -> Lane:
        return Lane(self, seed)

    @contextlib.contextmanager
    def _between_conversations(self) -> Iterator[None]:
        """While the weights are replaced.

        Raises:
            PolicyError: a conversation is open.
        """
        with self._changed:
            if self._open_lanes:
                raise PolicyError(f"{self._open_lanes} conversations are open: close them before the weights change")
            self._refreshing = True
        try:
            yield
        finally:
            self._refreshing = False


class LaneEngine(Lanes):
    """What engines in this process share: whoever wants a turn waits, one worker thread samples for all. It ends with
    `close`."""

    def __init__(self, eos_id: int, *, max_batch: int) -> None:
        """`max_batch`: turns that are sampled at once; more wait."""
        super().__init__(eos_id)
        self.max_batch = max_batch
        self._waiting: list[Turn] = []
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="sampling", daemon=True)
        self._worker.start()

    def submit(self, turn: Turn) -> TokenTurn:
        with self._changed:
            if self._closed:
                raise PolicyError("the sampling engine is closed")
            self._waiting.append(turn)
            self._changed.notify_all()
        return turn.done.result()

    def close(self) -> None:
        """End the worker; whoever still waits gets a `PolicyError`. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _batch(self) -> contextlib.AbstractContextManager[TurnBatch]:
        """A batch for as long as somebody waits."""
        raise NotImplementedError

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed and not self._waiting:
                    return
            try:
                with torch.inference_mode(), self._batch() as batch:
                    self._serve(batch)
            except Exception as error:  # no batch can be opened or left any more: nobody may wait for one
                with self._changed:
                    self._closed = True
                    waiting, self._waiting = self._waiting, []
                for turn in waiting:
                    turn.done.set_exception(PolicyError(f"sampling failed: {error}"))
                return

    def _serve(self, batch: TurnBatch) -> None:
        """Sample until nobody waits any more."""
        joining: list[Turn] = []
        try:
            while (joining := self._take(self.max_batch - len(batch.turns))) or batch.turns:
                if self._closed:
                    raise PolicyError("the sampling engine was closed")
                if joining:
                    batch.admit(joining)
                else:
                    batch.step()
                for turn in batch.finished():
                    turn.done.set_result(turn.result(self.eos_id))
        except Exception as error:  # the model's fault must end the episodes, not hang their threads
            why = str(error) if isinstance(error, PolicyError) else f"sampling failed: {error}"
            for turn in {id(turn): turn for turn in (*joining, *batch.turns)}.values():
                if not turn.done.done():
                    turn.done.set_exception(PolicyError(why))

    def _take(self, room: int) -> list[Turn]:
        """Up to `room` of the turns that wait; all of them once the engine is closed."""
        with self._changed:
            room = len(self._waiting) if self._closed else room
            taken, self._waiting = self._waiting[:room], self._waiting[room:]
            return taken


def part_kinds(config: Any) -> set[str]:
    """The kinds of a model's layers that see only a part of the conversation; none of most models."""
    kinds = set(getattr(config, "layer_types", None) or ())
    if not kinds and getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        kinds = {"sliding_attention"}  # all layers have one window, and the config names no kinds
    return kinds - {"full_attention"}


class Engine(LaneEngine):
    """A transformers model that samples for many lanes.

    Raises:
        ModelError: the model has layers that see only a part of the conversation, or keep no keys and values.
    """

    version = "transformers"

    def __init__(self, model: PreTrainedModel, eos_id: int, *, max_batch: int = 32) -> None:
        kinds = part_kinds(model.config)
        if kinds:
            raise ModelError(f"only models with full attention can be sampled here; this one has {', '.join(kinds)}")
        self.model = model
        if model.device.type == "cpu":
            keep_freed_memory()
        super().__init__(eos_id, max_batch=max_batch)

    def refresh(self, model: PreTrainedModel) -> None:
        """Sample from this model from now on.

        Raises:
            PolicyError: a conversation is open.
        """
        with self._between_conversations():
            self.model = model

    @contextlib.contextmanager
    def _batch(self) -> Iterator[TurnBatch]:
        with _evaluating(self.model), grouped_attention(self.model):
            yield Batch(self.model, self.eos_id)


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """The model in evaluation mode, and back to what it was (a trainer may own it)."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
